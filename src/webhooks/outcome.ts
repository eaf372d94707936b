/**
 * What an endpoint's answer means for the delivery: done, to be tried again and when, or given up. Pure: the time and
 * the chance come in.
 */
import type { AttemptOutcome } from './delivery.ts'
import type { WebhookAnswer } from './request.ts'

export interface RetryPolicy {
  /** Wait before the second attempt, before the third, …; after the last of them the delivery is given up. */
  scheduleMs: readonly number[]
  /** The part of a wait that chance may add to it. */
  jitterRatio: number
  /** A Retry-After beyond this is cut. */
  retryAfterMaxMs: number
}

export interface Circumstances {
  /** Number of the attempt that was answered, from 1. */
  attempt: number
  nowMs: number
  /** From 0 to 1, 1 excluded. */
  random: () => number
}

const GONE = 410

/** Why an answer is a failure. 2xx is a success; a redirect is not followed and is a failure. */
function errorOf(answer: WebhookAnswer): { errorClass: string; message: string } | undefined {
  if (answer.kind === 'failed') return answer
  const { status } = answer
  if (status >= 200 && status < 300) return undefined
  if (status === GONE) return { errorClass: 'gone', message: 'the endpoint answered 410 and is disabled' }
  return { errorClass: `http_${Math.floor(status / 100)}xx`, message: `the endpoint answered ${status}` }
}

/** What will not be different next time: an endpoint that says it is gone, a URL that this system does not call. */
const isFinal = (errorClass: string): boolean => ['gone', 'url_refused'].includes(errorClass)

export function outcomeOf(answer: WebhookAnswer, policy: RetryPolicy, now: Circumstances): AttemptOutcome {
  const error = errorOf(answer)
  const { status: responseStatus, excerpt: responseExcerpt } = answer
  const heard = { responseStatus, responseExcerpt }
  if (!error) return { status: 'delivered', ...heard, errorClass: null, errorMessage: null, nextAttemptAt: null }
  const { errorClass, message: errorMessage } = error
  const failed = { ...heard, errorClass, errorMessage }
  if (isFinal(errorClass)) return { status: 'permanent_fail', ...failed, nextAttemptAt: null }
  const waitMs = retryAfter(answer, policy, now)
  if (waitMs === undefined) return { status: 'dead_letter', ...failed, nextAttemptAt: null }
  return { status: 'transient_fail', ...failed, nextAttemptAt: new Date(now.nowMs + waitMs).toISOString() }
}

/** Whose end nobody saw: it is made again at once, under the same id. */
export function unknownOutcome(nowMs: number): AttemptOutcome {
  return {
    status: 'transient_fail',
    responseStatus: null,
    responseExcerpt: null,
    errorClass: 'outcome_unknown',
    errorMessage: 'the sending process ended before it could record an answer',
    nextAttemptAt: new Date(nowMs).toISOString(),
  }
}

/** Milliseconds until the next attempt, or undefined where there is none left. */
function retryAfter(answer: WebhookAnswer, policy: RetryPolicy, { attempt, nowMs, random }: Circumstances) {
  if (answer.kind === 'failed' && answer.errorClass === 'interrupted') return 0
  const scheduledMs = policy.scheduleMs[attempt - 1]
  if (scheduledMs === undefined) return undefined
  const waitMs = Math.round(scheduledMs * (1 + policy.jitterRatio * random()))
  const askedMs = answer.kind === 'answered' ? retryAfterMs(answer.retryAfter, nowMs) : 0
  return Math.max(waitMs, Math.min(askedMs, policy.retryAfterMaxMs))
}

/** RFC 9110, section 10.2.3: seconds, or a date. 0 where there is nothing that could be read. */
export function retryAfterMs(header: string | undefined, nowMs: number): number {
  if (header === undefined) return 0
  if (/^\d{1,9}$/.test(header)) return Number(header) * 1_000
  const atMs = Date.parse(header)
  return Number.isNaN(atMs) ? 0 : Math.max(0, atMs - nowMs)
}
