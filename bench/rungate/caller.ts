/** Calls of a model in OpenAI's format over kept connections, whole and streamed, as lean as a client can be. */
import { keepConnections } from './kept-connections.ts'

export interface Caller {
  /** Rejects where it is not served. */
  whole(): Promise<void>
  /** Reads a stream of 50 frames to its end; resolves with the milliseconds until its first word was there. */
  streamed(): Promise<number>
  /** One call with these headers: its status, whatever it is, and the run that it belongs to. */
  attempt(headers: Record<string, string>): Promise<{ status: number; runId: string | undefined }>
}

const OUTPUT_TOKENS = 100
/** With the role before them and the end after them, 50 frames. */
const STREAMED_WORDS = 48
const asking = (content: string, more: object = {}) =>
  JSON.stringify({
    ...{ model: 'gpt-5', max_completion_tokens: OUTPUT_TOKENS },
    messages: [
      { role: 'system', content: 'You are a helpful assistant.' },
      { role: 'user', content },
    ],
    ...more,
  })
const WHOLE = asking('Say hello to the world.')
const STREAMED = asking(`[[words ${STREAMED_WORDS}]]`, { stream: true })
/** $0.001 for its answer. */
const COSTLY = asking(`[[words ${OUTPUT_TOKENS}]]`)
const FIRST_WORD = '"content":"word'
const LAST_FRAME = 'data: [DONE]'

const STATUS_AT = 'HTTP/1.1 '.length
const statusOf = (answer: string): number => Number(answer.slice(STATUS_AT, STATUS_AT + 3))

/** `base`: what a client's library is told. */
export function createCaller(base: string, key: string, more: Record<string, string> = {}): Caller {
  const url = new URL(`${base}/chat/completions`)
  const { ask } = keepConnections(url)
  const requestOf = (body: string, own: Record<string, string> = {}) => {
    const headers = {
      host: url.host,
      authorization: `Bearer ${key}`,
      'content-type': 'application/json',
      ...more,
      ...own,
    }
    const lines = Object.entries({ ...headers, 'content-length': body.length }).map((each) => each.join(': '))
    return [`POST ${url.pathname} HTTP/1.1`, ...lines, '', body].join('\r\n')
  }
  const [whole, streamed] = [WHOLE, STREAMED].map((body) => requestOf(body)) as [string, string]
  return {
    async whole() {
      const answer = await ask(whole)
      if (statusOf(answer) !== 200) throw new Error(`${base} answered ${answer}`)
    },
    async streamed() {
      const sentMs = performance.now()
      let firstMs: number | undefined
      const answer = await ask(streamed, (text) => {
        if (firstMs === undefined && text.includes(FIRST_WORD)) firstMs = performance.now() - sentMs
      })
      if (statusOf(answer) === 200 && firstMs !== undefined && answer.includes(LAST_FRAME)) return firstMs
      throw new Error(`${base} answered ${answer}`)
    },
    async attempt(headers) {
      const answer = await ask(requestOf(COSTLY, headers))
      return { status: statusOf(answer), runId: /^x-rungate-run-id: (.+)$/im.exec(answer)?.[1] }
    },
  }
}
