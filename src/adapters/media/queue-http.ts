/**
 * A provider with a queue, over HTTP in the style of fal.ai: work is submitted to a model, asked about by its id, and fetched. The queue
 * knows no idempotency keys, so that whatever is submitted twice is paid twice: what nobody can tell is told as SubmissionUnknown.
 * Addresses are made of the model and the id, as the service's own client makes them; those in answers are not followed, since the key
 * goes with every request. Files are fetched by the house, from where the result says that they are.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { z } from 'zod'
import { jsonIn } from '../../runtime/json-in.ts'
import {
  type FailureCode,
  type MediaProvider,
  type Progress,
  type RenderedFile,
  RenderFailed,
  type RenderOrder,
  SubmissionUnknown,
} from './order.ts'
import { type QueueModel, queueBody } from './queue-body.ts'

export interface QueueOptions {
  /** Without a slash at its end. */
  url: string
  /** Undefined: it asks for none. */
  key: string | undefined
  /** By tasks. */
  models: Readonly<Record<string, QueueModel>>
  /** Where the queue says that the work of an attempt has ended. */
  callbackUrl: (requestId: string, attempt: number) => Promise<string>
  /** Fetches the n-th file of an order and looks at it. Throws RenderFailed where it is not what was asked for. */
  fetchMade: (url: string, order: RenderOrder, index: number, signal: AbortSignal) => Promise<RenderedFile>
  log: { warn(fields: object, message: string): void }
  limits: {
    /** For one request. */
    requestMs: number
    /** Between two questions about the same work, and before a submission that was turned away is tried again. */
    pollMs: number
    bodyMaxBytes: number
  }
}

export const QUEUE_NAME = 'queue-http'

/** Results name files, and hold none. */
const ANSWER_MAX_BYTES = 1_048_576
/** A result that cannot be had so often in a row never will be. */
const TROUBLES_MAX = 5
/** Waits before a submission that was turned away double up to so many. */
const BUSY_WAITS_MAX = 16
/** Places in a result where files are looked for. */
const DEPTH_MAX = 6

const ID = /^[A-Za-z0-9_-]{1,100}$/
const taken = z.object({ request_id: z.string().regex(ID) })
const standing = z.object({ status: z.enum(['IN_QUEUE', 'IN_PROGRESS', 'COMPLETED']), error: z.unknown().optional() })
const refusal = z.object({ detail: z.array(z.object({ type: z.string() })) })

/** It did not answer, or with more than an answer has. */
class QueueSilent extends Error {
  override name = 'QueueSilent'
}

type Answered = { status: number; text: string }

/** `house/model/variant` is asked about at `house/model`. */
const appOf = (model: string): string => model.split('/').slice(0, 2).join('/')

export function createQueueProvider(options: QueueOptions): MediaProvider {
  const { models, limits, callbackUrl, fetchMade, log } = options
  const ask = asking(options)
  const troubles = new Map<string, number>()

  function troubled(ref: string): Progress {
    const count = (troubles.get(ref) ?? 0) + 1
    troubles.set(ref, count)
    return count < TROUBLES_MAX
      ? { status: 'running' }
      : failed('provider_failed', 'The provider does not give out what it has made.')
  }

  async function progressOf(ref: string, order: RenderOrder, signal: AbortSignal): Promise<Progress> {
    const path = pathOf(ref)
    const asked = await ask('GET', `${path}/status`, signal)
    if (asked.status === 404) return troubled(ref)
    const stands = standing.safeParse(jsonIn(asked.text))
    if (!stands.success || stands.data.status !== 'COMPLETED') return { status: 'running' }
    const { error } = stands.data
    if (error !== undefined && error !== null) return failed('provider_failed', 'The provider could not do the work.')
    const result = await ask('GET', path, signal)
    if (isTrouble(result.status)) return troubled(ref)
    if (result.status !== 200) return refused(result)
    const urls = addressesIn(jsonIn(result.text))
    if (urls.length < order.outputNames.length) {
      return failed('provider_failed', 'The provider has made fewer files than were asked for.')
    }
    const files: RenderedFile[] = []
    for (const index of order.outputNames.keys()) files.push(await fetchMade(urls[index] ?? '', order, index, signal))
    return { status: 'done', files }
  }

  return {
    name: QUEUE_NAME,
    tasks: Object.keys(models),
    isDurable: true,
    refOf(task, id) {
      const { model } = models[task] ?? {}
      return model !== undefined && ID.test(id) ? `${appOf(model)}#${id}` : undefined
    },
    async submit({ requestId, attempt, order }, signal) {
      const { model = '', names = {} } = models[order.task] ?? {}
      const body = await queueBody(order, names, limits.bodyMaxBytes)
      const callback = encodeURIComponent(await callbackUrl(requestId, attempt))
      for (let waits = 1; ; waits = Math.min(2 * waits, BUSY_WAITS_MAX)) {
        const id = await submitted(() => ask('POST', `/${model}?fal_webhook=${callback}`, signal, body))
        if (id !== undefined) return { ref: `${appOf(model)}#${id}` }
        await delay(waits * limits.pollMs, undefined, { signal })
      }
    },
    async poll(ref, { order }, signal) {
      const progress = await progressOf(ref, order, signal).catch((error: unknown): Progress => {
        signal.throwIfAborted()
        if (error instanceof RenderFailed) return failed(error.code, error.message)
        if (error instanceof Error && error.name === 'NotFetched') return troubled(ref)
        if (!(error instanceof QueueSilent)) throw error
        // The job's deadline ends that.
        log.warn({ err: error, ref }, 'the queue of a provider does not answer; it is asked again')
        return { status: 'running' }
      })
      if (progress.status === 'running') await delay(limits.pollMs, undefined, { signal })
      else troubles.delete(ref)
      return progress
    },
    async cancel(ref) {
      troubles.delete(ref)
      await ask('PUT', `${pathOf(ref)}/cancel`, new AbortController().signal)
    },
  }
}

type Method = 'GET' | 'POST' | 'PUT'

/** Asks the queue, within the time and the size of an answer. Rejects with QueueSilent. */
function asking({ url, key, limits }: QueueOptions) {
  async function answerTo(method: Method, path: string, signal: AbortSignal, body?: string): Promise<Answered> {
    const answer = await fetch(`${url}${path}`, {
      method,
      headers: {
        ...(key !== undefined && { authorization: `Key ${key}` }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body }),
      // The key is for this place alone.
      redirect: 'error',
      signal: AbortSignal.any([signal, AbortSignal.timeout(limits.requestMs)]),
    })
    const chunks: Uint8Array[] = []
    let size = 0
    for await (const chunk of answer.body ?? []) {
      size += chunk.byteLength
      if (size > ANSWER_MAX_BYTES) throw new Error(`the queue’s answer has more than ${ANSWER_MAX_BYTES} bytes`)
      chunks.push(chunk)
    }
    return { status: answer.status, text: Buffer.concat(chunks).toString('utf8') }
  }
  return (method: Method, path: string, signal: AbortSignal, body?: string): Promise<Answered> =>
    answerTo(method, path, signal, body).catch((cause: unknown) => {
      throw new QueueSilent('the queue does not answer as it should', { cause })
    })
}

/** The id under which it was taken; undefined: it surely was not, and may be later. Throws RenderFailed, SubmissionUnknown. */
async function submitted(ask: () => Promise<Answered>): Promise<string | undefined> {
  const answer = await ask().catch((cause: unknown) => {
    if (isUnsent(cause)) return undefined
    throw new SubmissionUnknown('nobody knows whether the queue has taken the work', { cause })
  })
  if (answer === undefined || answer.status === 429 || answer.status === 503) return undefined
  const known = answer.status < 300 ? taken.safeParse(jsonIn(answer.text)) : undefined
  if (known?.success) return known.data.request_id
  if (known || answer.status >= 500 || answer.status === 408) {
    throw new SubmissionUnknown(`the queue answers a submission with ${answer.status}, and with no id`)
  }
  const { code, message } = refused(answer)
  throw new RenderFailed(code, message)
}

/** Of connections that were not made: nothing has left. */
const UNSENT = /^(ECONNREFUSED|ENOTFOUND|EAI_\w+|EHOSTUNREACH|ENETUNREACH|UND_ERR_CONNECT_TIMEOUT)$/

function isUnsent(error: unknown): boolean {
  const { code, cause } = (error ?? {}) as { code?: unknown; cause?: unknown }
  return (typeof code === 'string' && UNSENT.test(code)) || (cause !== undefined && isUnsent(cause))
}

function pathOf(ref: string): string {
  const [app = '', id = ''] = ref.split('#')
  return `/${app}/requests/${id}`
}

const isTrouble = (status: number): boolean => status >= 500 || status === 429 || status === 408 || status === 404

const failed = (code: FailureCode, message: string) => ({ status: 'failed' as const, code, message })

/** What a refusal of the service means: what it says itself is shown to nobody. */
function refused(answer: Answered) {
  const read = refusal.safeParse(jsonIn(answer.text))
  const isContent = read.success && read.data.detail.some(({ type }) => type.includes('content_policy'))
  if (isContent) return failed('content_refused', 'The provider refuses this content.')
  if (answer.status === 400 || answer.status === 422) {
    return failed('input_unusable', 'The provider makes nothing of this input.')
  }
  return failed('provider_failed', 'The provider does not take the work.')
}

/** Of files, wherever in a result, in their order. */
function addressesIn(value: unknown, depth = 0): string[] {
  if (typeof value !== 'object' || value === null || depth > DEPTH_MAX) return []
  if ('url' in value && typeof value.url === 'string') return [value.url]
  return Object.values(value).flatMap((each) => addressesIn(each, depth + 1))
}
