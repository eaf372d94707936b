/** Sends a request until it is answered: again after 429, which has done nothing, and what has one effect also after 503 and network faults. */
import { setTimeout as delay } from 'node:timers/promises'

export interface RetryLimits {
  /** Sends of a request, the first one included; 4. */
  triesMax: number
  /** From the first send to the last; 30,000. */
  totalMsMax: number
  /** Before the second send, which waits anything up to this; each further bound is twice as long; 200. */
  firstWaitMsMax: number
  /** One send; no bound where it is not given. */
  tryMsMax?: number
}

/** What went before a further send: an answer, or what the network said instead. */
export type Retry = { tries: number; waitMs: number; status: number | undefined; error: unknown }

type Fetch = (request: Request) => Promise<Response>
export type Sending = { fetch: Fetch; limits: RetryLimits; onRetry: ((retry: Retry) => void) | undefined }

const sends: WeakMap<Response, number> = new WeakMap()

/** Sends that an answer took: after the first one, an earlier send may have been executed without being answered. */
export const triesOf = (response: Response): number => sends.get(response) ?? 1

/** The answer; the last one where the limits were reached. Rejects as fetch does. */
export async function send(request: Request, isRepeatable: boolean, sending: Sending): Promise<Response> {
  const { triesMax, totalMsMax, firstWaitMsMax } = sending.limits
  const giveUpAt = performance.now() + totalMsMax
  for (let tries = 1; ; tries++) {
    const { response, error } = await attempt(request, isRepeatable, sending)
    // Fetch says TypeError for whatever the network did.
    const isFault = !request.signal.aborted && ['TypeError', 'TimeoutError'].includes(Object(error).name)
    const isTransient = response ? response.status === 503 : isFault
    const mayGoAgain = response?.status === 429 || (isRepeatable && isTransient)
    // Full jitter, so that clients that were refused together do not come back together.
    const waitMs = (response && retryAfterMs(response)) ?? Math.random() * firstWaitMsMax * 2 ** (tries - 1)
    const isLast = tries >= triesMax || performance.now() + waitMs > giveUpAt
    if (!mayGoAgain || isLast) {
      if (!response) throw error
      sends.set(response, tries)
      return response
    }
    await response?.body?.cancel()
    sending.onRetry?.({ tries, waitMs, status: response?.status, error })
    await wait(waitMs, request.signal)
  }
}

/** One send. JSON that may be asked for again is read whole: a connection cut in its middle is a fault of the send. */
async function attempt(request: Request, isWhole: boolean, { fetch, limits: { tryMsMax } }: Sending) {
  try {
    const bounds = tryMsMax === undefined ? [] : [AbortSignal.timeout(tryMsMax)]
    const signal = AbortSignal.any([request.signal, ...bounds])
    const response = await fetch(new Request(request.clone(), { signal }))
    if (!isWhole || !/\bjson\b/.test(response.headers.get('content-type') ?? '')) return { response }
    return { response: new Response(await response.arrayBuffer(), response) }
  } catch (error) {
    return { error }
  }
}

/** The header is of seconds, or a date. */
export function retryAfterMs({ headers }: Response): number | undefined {
  const text = headers.get('retry-after') ?? ''
  const ms = /^\d+$/.test(text) ? Number(text) * 1_000 : Date.parse(text) - Date.now()
  return Number.isNaN(ms) ? undefined : Math.max(0, ms)
}

/** Rejects with the signal's reason when that aborts. */
export const wait = (ms: number, signal: AbortSignal): Promise<void> =>
  delay(ms, undefined, { signal }).catch(() => signal.throwIfAborted())
