/** Pages that are followed: their new rows as server-sent events. A stream ends with the tab, with the process, and in time. */
import { html } from 'hono/html'
import { Problem } from '../errors.ts'
import type { Asked, DeclaredConsole, Live, LiveRow, Viewer } from '../pages/declaration.ts'
import { maySee } from './admission.ts'
import type { Ground } from './declared-pages.ts'
import type { ConsoleCode } from './errors.ts'
import { notThere } from './framing.ts'
import type { PageContext } from './looking.ts'

/** Between two signs of life on a line where nothing happens. */
const SIGN_OF_LIFE_MS = 15_000

export function createFollowing({ parts, looking }: Pick<Ground, 'parts' | 'looking'>) {
  const { followersMax, followMaxMs } = parts.limits
  const followers = new Set<AbortController>()
  let isDraining = false
  parts.onDrain(() => {
    isDraining = true
    for (const follower of followers) follower.abort()
  })

  return (of: DeclaredConsole, live: Live) =>
    async (c: PageContext, viewer: Viewer): Promise<Response> => {
      if (!maySee(of, live, viewer)) throw notThere()
      if (isDraining || followers.size >= followersMax) {
        throw new Problem<ConsoleCode>('followers_full', `${followersMax} pages follow the log already.`)
      }
      const asked = looking.asked(c, viewer, of.parts as unknown)
      const after = c.req.header('last-event-id') ?? asked.query.get('after') ?? undefined
      const ending = new AbortController()
      const timer = setTimeout(() => ending.abort(), followMaxMs)
      const signal = AbortSignal.any([ending.signal, c.req.raw.signal])
      followers.add(ending)
      const leave = () => {
        clearTimeout(timer)
        followers.delete(ending)
        ending.abort()
      }
      const follow = live.follow as (
        asked: Asked<unknown>,
        after: string | undefined,
        signal: AbortSignal,
      ) => AsyncIterable<LiveRow>
      const body = streamOf(follow(asked, after, signal), signal, leave)
      return c.body(body, 200, { 'content-type': 'text/event-stream', 'x-accel-buffering': 'no' })
    }
}

function streamOf(rows: AsyncIterable<LiveRow>, signal: AbortSignal, leave: () => void): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder()
  const iterator = rows[Symbol.asyncIterator]()
  let lives: NodeJS.Timeout | undefined
  return new ReadableStream({
    start(controller) {
      controller.enqueue(encoder.encode(': following\n\n'))
      lives = setInterval(() => controller.enqueue(encoder.encode(': alive\n\n')), SIGN_OF_LIFE_MS)
      signal.addEventListener('abort', () => clearInterval(lives))
    },
    async pull(controller) {
      const { done, value } = await iterator.next()
      if (done) {
        clearInterval(lives)
        controller.enqueue(encoder.encode('event: end\ndata: \n\n'))
        controller.close()
        leave()
        return
      }
      controller.enqueue(encoder.encode(await frameOf(value)))
    },
    async cancel() {
      clearInterval(lives)
      leave()
      await iterator.return?.()
    },
  })
}

async function frameOf({ id, row }: LiveRow): Promise<string> {
  const lines = String(await html`${await row}`)
    .split('\n')
    .map((line) => `data: ${line}\n`)
  return `id: ${id}\n${lines.join('')}\n`
}
