/** The typed client of demos: it asks for the address before each send, since an instance may restart. */
import { setTimeout as delay } from 'node:timers/promises'
import { type Answered, type Client, type Contexts, createClient, problemOf } from '@opslog/client'
import { CliError, EXIT, reasonOf } from '../terminal.ts'
import type { ClientLimits, Target } from './client.ts'

/** Nobody listens here: each send names the real address. */
const NOWHERE = 'http://opslog.invalid'
const PREFIXED = new RegExp(`^${NOWHERE}/[^/]+`)
const HINT = 'Is the instance running? Start it with `npm start`.'

export interface OwnWays {
  /** Of each request. */
  headers?: Readonly<Record<string, string>>
  /** The caller's key, for a context that takes none as a bearer token. */
  key?: () => string
  /** 429 and 503 are answers like any others: a story may be about them. */
  mayBeRefused?: boolean
}

/**
 * `target`: the context's address with its prefix, and the caller's key, if any. What cannot be reached in time throws CliError. A
 * request that has found no listener has done nothing, so it is sent again whatever it asks for.
 */
export function createTypedClient<const Name extends keyof Contexts>(
  context: Name,
  target: () => Target,
  limits: ClientLimits,
  { headers = {}, key = () => '', mayBeRefused = false }: OwnWays = {},
): Client<Name> {
  const client = createClient({
    url: NOWHERE,
    ...{ context, headers, key },
    retry: {
      triesMax: Number.POSITIVE_INFINITY,
      totalMsMax: limits.unreachableMaxMs,
      firstWaitMsMax: limits.retryIntervalMs,
      tryMsMax: limits.requestTimeoutMs,
    },
    async fetch(request) {
      const giveUpAt = performance.now() + limits.unreachableMaxMs
      for (;;) {
        try {
          return await sendNow(target, request.clone())
        } catch (error) {
          if (!hasFoundNobody(error) || performance.now() > giveUpAt) throw error
          await delay(limits.retryIntervalMs, undefined, { signal: request.signal })
        }
      }
    },
  })
  client.use({
    onError: ({ error }) =>
      error instanceof CliError
        ? error
        : new CliError(EXIT.unreachable, `the API cannot be reached: ${reasonOf(error)}`, HINT),
    onResponse({ response: { status } }) {
      if (mayBeRefused || (status !== 429 && status !== 503)) return
      throw new CliError(EXIT.unreachable, `the API cannot be reached: it answers ${status}`, HINT)
    },
  })
  return client
}

/** One send, to where the instance is now. Its body is of a length that is told: one of none takes as much room as the longest. */
export async function sendNow(target: () => Target, request: Request): Promise<Response> {
  const { url, token } = whereNow(target)
  const { method, headers, signal, body } = request
  const whole = body && { body: await request.arrayBuffer() }
  const sent = new Request(request.url.replace(PREFIXED, url), { method, headers, signal, ...whole })
  if (token !== '') sent.headers.set('authorization', `Bearer ${token}`)
  return fetch(sent)
}

/** An instance that is not there now may be there soon: for the client that is the network's fault. */
function whereNow(target: () => Target): Target {
  try {
    return target()
  } catch (error) {
    if (!(error instanceof CliError) || error.exitCode !== EXIT.unreachable) throw error
    throw new TypeError('fetch failed', { cause: error })
  }
}

function hasFoundNobody(error: unknown): boolean {
  const { cause } = error as { cause?: NodeJS.ErrnoException }
  return cause instanceof CliError || cause?.code === 'ECONNREFUSED'
}

/** `201`, or what the service said instead: `409 idempotency_key_reused`. */
export function statusOf(answered: Answered<unknown, unknown>): string {
  const { status } = answered.response
  const problem = problemOf(answered)
  return problem ? `${status} ${problem.code}` : String(status)
}
