/**
 * A queue of the style of fal.ai: `POST /queue/<model>` takes work, of which `…/requests/<id>/status` tells how it stands, `…/requests/<id>`
 * what came of it, and `PUT …/requests/<id>/cancel` that nobody wants it. A part of the model's name is the task: `house/image.generate`.
 * `PUT /control/queue` (`{"next": [{"fails": true}]}`) says how it treats the next ones, `GET /control/queue` what it was given, and
 * `POST /control/queue/requests/<id>/callback` has it say once more that work has ended.
 */
import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { z } from 'zod'
import {
  type Answering,
  deliveryOf,
  jsonAnswer,
  jsonOf,
  postEvent,
  type StandInPart,
  StandInRefusal,
} from './exchange.ts'
import type { StandInStore } from './store.ts'

export interface QueueSource {
  field: string
  index: number
  mimeType: string
  bytes: Uint8Array
}

/** Whoever makes the files: what is asked for without its sources, and these. Rejects where nothing comes of it. */
export interface QueueMaker {
  make(order: {
    task: string
    input: Record<string, unknown>
    sources: QueueSource[]
  }): Promise<{ name: string; mimeType: string; bytes: Uint8Array }[]>
  close(): Promise<void>
}

const conduct = z.strictObject({
  /** Turns it away with this status. */
  refuses: z.int().min(400).max(599).optional(),
  /** Takes it, and answers with 502. */
  loses: z.boolean().optional(),
  /** Could not do it. */
  fails: z.boolean().optional(),
  /** Is never done with it. */
  stalls: z.boolean().optional(),
  /** Does it that much later. */
  lateMs: z.int().min(0).max(3_600_000).optional(),
  /** How often it says that it is done. */
  callbacks: z.int().min(0).max(100).optional(),
})
const control = z.strictObject({ next: z.array(conduct).max(1_000) })
type Conduct = z.output<typeof conduct>

interface Taken {
  model: string
  task: string
  input: Record<string, unknown>
  callbackUrl: string | null
  conduct: Conduct
  status: 'IN_QUEUE' | 'IN_PROGRESS' | 'COMPLETED'
  isCancelled: boolean
  error: string | null
  files: { name: string; mimeType: string; sizeBytes: number }[]
  takenAt: string
}

const REQUESTS = 'queue request'
const FILES = 'queue file'
const NEXT = 'queue conduct'
/** Of each that is kept. */
const KEPT_MAX = 500
const OF_REQUEST = /^\/(.{1,200})\/requests\/([\w-]{1,100})(?:\/(status|cancel))?$/
const OF_FILE = /^\/files\/([\w-]{1,100})\/(\d{1,3})$/
const ORDER_AGAIN = /^\/requests\/([\w-]{1,100})\/callback$/
const DATA_URI = /^data:([\w.+-]+\/[\w.+-]+);base64,/

interface QueueOptions {
  /** Of the server. */
  url: string
  store: StandInStore
  maker: QueueMaker
  log: { warn(fields: object, message: string): void }
}

export function queuePart({ url, store, maker, log }: QueueOptions): StandInPart {
  const ending = new AbortController()
  const running = new Set<Promise<void>>()
  const find = (id: string): Taken => {
    const kept = store.get<Taken>(REQUESTS, id)
    if (!kept) throw new StandInRefusal(404, `There is no request ${id}.`)
    return kept.value
  }
  /** Changes what is kept, unless that is over. */
  const change = (id: string, members: Partial<Taken>): void => {
    const kept = store.get<Taken>(REQUESTS, id)?.value
    if (kept && !ending.signal.aborted) store.put(REQUESTS, id, { ...kept, ...members })
  }

  async function work(id: string): Promise<void> {
    const { task, input, conduct: how } = find(id)
    if (how.stalls) return
    change(id, { status: 'IN_PROGRESS' })
    if (how.lateMs) await delay(how.lateMs, undefined, { signal: ending.signal })
    if (how.fails) change(id, { status: 'COMPLETED', error: 'The model failed.' })
    else await finish(id, task, input)
    const { callbackUrl, isCancelled } = find(id)
    if (callbackUrl !== null && !isCancelled) await tell(id, how.callbacks ?? 1)
  }

  async function finish(id: string, task: string, given: Record<string, unknown>): Promise<void> {
    try {
      const made = await maker.make({ task, ...sourcesIn(given) })
      for (const [index, { bytes }] of made.entries()) store.put(FILES, `${id} ${index}`, {}, bytes)
      store.trim(FILES, KEPT_MAX)
      const files = made.map(({ name, mimeType, bytes }) => ({ name, mimeType, sizeBytes: bytes.byteLength }))
      change(id, { status: 'COMPLETED', files })
    } catch (error) {
      change(id, { status: 'COMPLETED', error: error instanceof Error ? error.message : String(error) })
    }
  }

  async function tell(id: string, times: number): Promise<number[]> {
    const taken = find(id)
    const ended = taken.error === null ? { status: 'OK', payload: resultOf(id, taken) } : { status: 'ERROR' }
    const json = JSON.stringify({ request_id: id, gateway_request_id: id, error: taken.error, ...ended })
    return taken.callbackUrl === null ? [] : postEvent(taken.callbackUrl, () => ({}), json, times)
  }

  function begin(id: string): void {
    const done = work(id).catch((err: unknown) => {
      if (!ending.signal.aborted) log.warn({ err, id }, 'the stand-in of a queue could not finish a request')
    })
    running.add(done)
    void done.then(() => running.delete(done))
  }

  const resultOf = (id: string, { files }: Taken) => ({
    files: files.map(({ name, mimeType, sizeBytes }, index) => ({
      url: `${url}/queue/files/${id}/${index}`,
      ...{ content_type: mimeType, file_name: name, file_size: sizeBytes },
    })),
  })

  function take(model: string, input: Record<string, unknown>, callbackUrl: string | null) {
    const task = model.split('/').find((part) => part.includes('.'))
    if (task === undefined) throw new StandInRefusal(404, `There is no model ${model}.`)
    const [how = {}, ...rest] = store.get<Conduct[]>(NEXT, NEXT)?.value ?? []
    store.put(NEXT, NEXT, rest)
    if (how.refuses !== undefined) return jsonAnswer({ detail: [{ type: 'refused' }] }, how.refuses)
    const id = randomUUID()
    const fresh = { status: 'IN_QUEUE', isCancelled: false, error: null, files: [] } as const
    const taken = { model, task, input, callbackUrl, conduct: how, takenAt: new Date().toISOString() }
    store.put(REQUESTS, id, { ...fresh, ...taken, files: [] } satisfies Taken)
    store.trim(REQUESTS, KEPT_MAX)
    begin(id)
    if (how.loses) return jsonAnswer({ detail: 'Bad gateway' }, 502)
    const at = `${url}/queue/${model.split('/').slice(0, 2).join('/')}/requests/${id}`
    return jsonAnswer({
      ...{ request_id: id, gateway_request_id: id, response_url: at, status_url: `${at}/status` },
      ...{ cancel_url: `${at}/cancel`, queue_position: 0 },
    })
  }

  const queue: Answering = (request) => {
    const { method, path, query } = request
    const [, fileOf, index] = OF_FILE.exec(path) ?? []
    if (fileOf && index && method === 'GET') {
      const kept = store.get(FILES, `${fileOf} ${index}`)
      if (!kept) throw new StandInRefusal(404, 'There is no such file.')
      const type = find(fileOf).files[Number(index)]?.mimeType ?? 'application/octet-stream'
      return { status: 200, headers: { 'content-type': type }, body: kept.bytes ?? new Uint8Array() }
    }
    const [, , id, what] = OF_REQUEST.exec(path) ?? []
    if (id === undefined) {
      return method === 'POST' ? take(path.slice(1), jsonOf(request), query.get('fal_webhook')) : undefined
    }
    const taken = find(id)
    if (what === 'cancel' && method === 'PUT') {
      if (taken.status === 'COMPLETED') return jsonAnswer({ status: 'ALREADY_COMPLETED' }, 400)
      change(id, { isCancelled: true })
      return jsonAnswer({ status: 'CANCELLATION_REQUESTED' }, 202)
    }
    if (method !== 'GET') return undefined
    const { status, error } = taken
    if (what === 'status') return jsonAnswer({ request_id: id, status, ...(error !== null && { error }) })
    if (status !== 'COMPLETED') return jsonAnswer({ detail: 'Request is still in progress' }, 400)
    return error === null ? jsonAnswer(resultOf(id, taken)) : jsonAnswer({ detail: error }, 500)
  }

  const orders: Answering = async (request) => {
    const [, again] = ORDER_AGAIN.exec(request.path) ?? []
    if (again && request.method === 'POST') {
      return jsonAnswer({ statuses: await tell(again, deliveryOf(jsonOf(request))) })
    }
    if (request.path !== '') return undefined
    if (request.method === 'PUT') {
      const read = control.safeParse(jsonOf(request))
      if (!read.success) throw new StandInRefusal(400, z.prettifyError(read.error))
      store.put(NEXT, NEXT, read.data.next)
      return jsonAnswer(read.data)
    }
    const kept = store.list<Taken>(REQUESTS, KEPT_MAX).toReversed()
    return jsonAnswer({
      requests: kept.map(({ id, value: { model, status, isCancelled, callbackUrl, takenAt } }) => ({
        ...{ requestId: id, model, status, isCancelled, callbackUrl, takenAt },
      })),
    })
  }

  // What a process that was killed has left.
  for (const { id, value } of store.list<Taken>(REQUESTS, KEPT_MAX)) if (value.status !== 'COMPLETED') begin(id)
  return {
    routes: { '/queue': queue, '/control/queue': orders },
    async close() {
      ending.abort()
      await maker.close()
      await Promise.all(running)
    },
  }
}

/** Members that are files, apart from the others. */
function sourcesIn(given: Record<string, unknown>) {
  const sources: QueueSource[] = []
  const input: Record<string, unknown> = {}
  for (const [field, value] of Object.entries(given)) {
    const texts = (Array.isArray(value) ? value : [value]).filter((each): each is string => typeof each === 'string')
    const found = texts.flatMap((text, index) => {
      const [head, mimeType] = DATA_URI.exec(text) ?? []
      if (head === undefined || mimeType === undefined) return []
      return [{ field, index, mimeType, bytes: Buffer.from(text.slice(head.length), 'base64') }]
    })
    if (found.length === 0) input[field] = value
    sources.push(...found)
  }
  return { input, sources }
}
