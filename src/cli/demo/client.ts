/**
 * HTTP as a careful client speaks it: every call has a deadline, and what could not be answered (no connection, a cut
 * one, 429, 503) is sent again until a bound. That is safe, because each call of the demo carries a key of its own: the
 * service executes it once, however often it comes.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { CliError, EXIT, isFetchFailure, reasonOf } from '../terminal.ts'

export interface Answer {
  status: number
  headers: Headers
  /** The JSON body; an empty object where there was none. */
  body: Record<string, unknown>
  /** Sends that it took. After the first one, an earlier send may have been executed without its answer arriving. */
  sends: number
}

export interface Target {
  /** Without a slash at the end. */
  url: string
  /** Bearer token: API key or order entry token. */
  token: string
}

export interface ClientLimits {
  /** One send. */
  requestTimeoutMs: number
  /** All sends of a call together. */
  unreachableMaxMs: number
  retryIntervalMs: number
}

/** `body`: sent as JSON, unless it is a form. */
export type Call = (
  method: string,
  path: string,
  body?: unknown,
  headers?: Readonly<Record<string, string>>,
) => Promise<Answer>

/** `target` is asked before each send: a restarted instance may listen elsewhere. */
export function createClient(name: string, target: () => Target, limits: ClientLimits): Call {
  return async (method, path, body, headers = {}) => {
    const giveUpAt = performance.now() + limits.unreachableMaxMs
    for (let sends = 1; ; sends++) {
      const { answer, trouble, waitMs } = await send(target, { method, path, body, headers }, limits)
      if (answer) return { ...answer, sends }
      if (performance.now() + waitMs > giveUpAt) {
        const hint = 'Is the instance running? Start it with `npm start`.'
        throw new CliError(EXIT.unreachable, `${name} cannot be reached: ${trouble}`, hint)
      }
      await delay(waitMs)
    }
  }
}

interface Request {
  method: string
  path: string
  body: unknown
  headers: Readonly<Record<string, string>>
}
type Sent =
  | { answer: Omit<Answer, 'sends'>; trouble?: undefined; waitMs: 0 }
  | { answer?: undefined; trouble: string; waitMs: number }

async function send(target: () => Target, request: Request, limits: ClientLimits): Promise<Sent> {
  try {
    const { url, token } = target()
    const { method, path, body, headers } = request
    const response = await fetch(`${url}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body === undefined || body instanceof FormData ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: body instanceof FormData ? body : JSON.stringify(body) }),
      signal: AbortSignal.timeout(limits.requestTimeoutMs),
    })
    const text = await response.text()
    if (response.status === 429 || response.status === 503) {
      return { trouble: `it answers ${response.status}`, waitMs: retryAfterMs(response) ?? limits.retryIntervalMs }
    }
    const parsed = text === '' ? {} : (JSON.parse(text) as Record<string, unknown>)
    return { answer: { status: response.status, headers: response.headers, body: parsed }, waitMs: 0 }
  } catch (error) {
    if (!isTransient(error)) throw error
    return { trouble: reasonOf(error), waitMs: limits.retryIntervalMs }
  }
}

function isTransient(error: unknown): boolean {
  if (error instanceof CliError) return error.exitCode === EXIT.unreachable
  return isFetchFailure(error) || (error instanceof DOMException && error.name === 'TimeoutError')
}

function retryAfterMs(response: Response): number | undefined {
  const seconds = Number(response.headers.get('retry-after'))
  return Number.isFinite(seconds) && seconds > 0 ? seconds * 1_000 : undefined
}

/**
 * Asks again and again until the answer satisfies; a wait that has its end. The last answer comes back either way: what
 * it lacks, the checks will say.
 */
export async function poll<T>(
  probe: () => Promise<T>,
  satisfied: (value: T) => boolean,
  limits: { waitMaxMs: number; pollIntervalMs: number },
): Promise<T> {
  const giveUpAt = performance.now() + limits.waitMaxMs
  for (;;) {
    const value = await probe()
    if (satisfied(value) || performance.now() > giveUpAt) return value
    await delay(limits.pollIntervalMs)
  }
}
