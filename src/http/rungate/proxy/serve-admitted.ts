/**
 * A call that was admitted, on its way through the providers of its chain: the next one is tried as long as the client has no
 * content, and whatever happens is settled once.
 */
import { cleanMessage } from '../../../adapters/llm/error-shapes.ts'
import type { RunningCall } from '../../../adapters/llm/provider-client.ts'
import { Untranslatable } from '../../../adapters/llm/untranslatable.ts'
import { attemptsMax, BACKOFF_MAX_MS, baseUrlOf } from '../../../commands/rungate/routing.ts'
import { providerKeys } from '../../../projections/rungate/provider-key.ts'
import {
  type AdmittedCall,
  answerDryRun,
  answerFailed,
  answerInterrupted,
  answerStream,
  answerWhole,
  passOn,
} from './answering.ts'
import type { Broken } from './deliver-stream.ts'
import { type AttemptEnd, attemptCall, type Failure, requestFor } from './provider-attempt.ts'
import type { ProxyParts } from './proxy-parts.ts'
import { Settlement } from './settlement.ts'
import type { Target } from './target-order.ts'
import { TargetRound } from './target-round.ts'

/** Answers the client, unless it has left, and settles the call. Rejects only with faults of this side, settled as well. */
export async function serveAdmitted(parts: ProxyParts, call: AdmittedCall): Promise<void> {
  const settlement = new Settlement(parts, call)
  try {
    if (call.interruption.reason !== undefined) answerInterrupted(call, settlement)
    else if (call.admission.isDryRun) answerDryRun(parts, call, settlement)
    else await tryTargets(parts, call, settlement)
  } catch (error) {
    const message = 'The call failed on this side.'
    if (!settlement.isSettled) {
      settlement.failed({ kind: 'unknown', status: null, message, refusal: undefined })
      settlement.keep()
    }
    throw error
  }
}

async function tryTargets(parts: ProxyParts, call: AdmittedCall, settlement: Settlement): Promise<void> {
  const { interruption } = call
  const { timeoutMs } = call.admission.candidates
  const round = new TargetRound(targetsOf(parts, call))
  const most = attemptsMax(call.admission.run.settings)
  let last: Failure | undefined
  let waitS: number | undefined
  while (settlement.attempts.length < most) {
    const target = round.next()
    if (!target) break
    if (round.isAgain(target)) await interruption.wait(pauseMs(settlement.attempts.length))
    if (interruption.reason !== undefined) return answerInterrupted(call, settlement)
    const prepared = await prepare(parts, call, target)
    if ('reason' in prepared) {
      // What the client wrote may be part of it, and it stands in the log.
      settlement.skipped.push({ provider: target.provider, reason: cleanMessage(prepared.reason) })
      if (prepared.waitS !== undefined) waitS = Math.min(prepared.waitS, waitS ?? prepared.waitS)
      round.drop(target)
      continue
    }
    const end = await tried(parts, call, { target, timeoutMs, ...prepared })
    settlement.attempts.push(end.attempt)
    judge(parts, call, settlement, target, end)
    if (end.kind === 'whole') return answerWhole(call, settlement, target, end)
    if (end.kind === 'stream') {
      return judgeEnd(parts, call, target, await answerStream(parts, call, settlement, target, end))
    }
    last = end.failure
    if (interruption.reason !== undefined) {
      return answerInterrupted(call, settlement, last.kind === 'client_disconnect' ? target : undefined)
    }
    const after = afterFailure(call, round, target, last, parts.clock())
    if (after.isFinal) return passOn(call, settlement, target, last)
    if (after.waitS !== undefined) waitS = Math.min(after.waitS, waitS ?? after.waitS)
    if (after.pauseMs > 0) await interruption.wait(after.pauseMs)
  }
  answerFailed(call, settlement, last, waitS)
}

const PAUSE_FIRST_MS = 100
/** Before something is tried again that has failed within this call. */
const pauseMs = (attempts: number): number => Math.min(PAUSE_FIRST_MS * 2 ** attempts, BACKOFF_MAX_MS)

/** What was reserved for, in the order of trying. What has been added since may be dearer. */
function targetsOf({ order }: ProxyParts, { admission, agent, profile }: AdmittedCall): Target[] {
  const { run, candidates, held } = admission
  const { loadBalancing, routingPreference } = profile.routingOverride ?? {}
  return order.of({
    agentId: agent.agentId,
    runId: run.runId,
    routes: candidates.reachable,
    loadBalancing: loadBalancing ?? run.settings.routing.loadBalancing,
    routingPreference: routingPreference ?? run.settings.routing.routingPreference,
    inputTokens: held.inputTokens,
    outputTokens: held.outputTokens,
  })
}

/** `waitS`: after so many seconds the target may be tried again. */
type Prepared = { secret: string; body: readonly Buffer[] } | { reason: string; waitS?: number }

/** What is sent; or why this target is passed over. */
async function prepare(parts: ProxyParts, call: AdmittedCall, target: Target): Promise<Prepared> {
  const key = parts.directory.row(providerKeys, target.keyId)
  if (key?.status !== 'active') return { reason: 'the key is disabled or deleted' }
  // Its secret is for the address that it has now.
  if (baseUrlOf(key) !== target.baseUrl) return { reason: `the key ${key.name} leads elsewhere by now` }
  try {
    const body = await call.counted(() => requestFor(call.scan, call.admission, target))
    const opened = parts.secrets.open(key)
    const secret = typeof opened === 'string' ? opened : await opened
    // Asked last: whoever is let in as a probe reports how it went.
    if (parts.breaker.admit(target.keyId) === 'open') {
      const waitS = Math.ceil(parts.breaker.waitMs(target.keyId) / 1_000)
      return { reason: `the circuit of the key ${key.name} is open`, waitS }
    }
    return { secret, body }
  } catch (error) {
    if (error instanceof Untranslatable) return { reason: error.message }
    parts.log.warn({ err: error, keyId: target.keyId }, 'the secret of a provider key does not open')
    return { reason: `the secret of the key ${key.name} cannot be opened` }
  }
}

type Sent = { target: Target; timeoutMs: number; secret: string; body: readonly Buffer[] }

async function tried(parts: ProxyParts, call: AdmittedCall, sent: Sent): Promise<AttemptEnd> {
  const { scan, admission, incoming: headers, interruption, counted } = call
  const { target, secret, timeoutMs, body } = sent
  let running: RunningCall | undefined
  const forget = interruption.whenInterrupted(() => {
    // A whole answer is read to its end: the provider bills it anyway.
    if (scan.isStream || interruption.reason === 'force_stopped') running?.abort()
  })
  try {
    return await attemptCall(parts, { scan, admission, target, secret, headers, timeoutMs, counted }, body, (begun) => {
      running = begun
    })
  } finally {
    forget()
  }
}

/** What the attempt says of its key. A client that left, or asked for what cannot be, says nothing. */
function judge(parts: ProxyParts, call: AdmittedCall, settlement: Settlement, target: Target, end: AttemptEnd): void {
  const { breaker, order } = parts
  const { runId, settings } = call.admission.run
  if (end.kind !== 'failed') {
    if (end.kind === 'whole') breaker.succeeded(target.keyId)
    else breaker.began(target.keyId)
    const isFailover = settlement.attempts.some(({ keyId }) => keyId !== target.keyId)
    order.served(runId, target, isFailover, performance.now() - call.startedMs)
    return
  }
  const { kind, status } = end.failure
  order.failed(runId, target)
  const isOurs = kind === 'client_disconnect' || kind === 'unknown'
  const isClients = kind === 'http_error' && status !== null && status < 500 && status !== 401 && status !== 403
  if (isOurs || isClients) breaker.released(target.keyId)
  else breaker.failed(target.keyId, settings.routing.circuitBreaker)
}

/** What the end of a stream says of its key: nothing where later calls have opened the circuit since. */
function judgeEnd({ breaker }: ProxyParts, call: AdmittedCall, target: Target, broken: Broken | undefined): void {
  if (breaker.stateOf(target.keyId) !== 'closed') return
  if (!broken) breaker.succeeded(target.keyId)
  else if (broken.isProviders) breaker.failed(target.keyId, call.admission.run.settings.routing.circuitBreaker)
}

interface After {
  /** The client is told what the provider said. */
  isFinal: boolean
  /** What the provider asks to wait, in seconds. */
  waitS: number | undefined
  /** Before the same target is tried again. */
  pauseMs: number
}

/** Whether somebody else may serve the call, and what becomes of this target. */
function afterFailure(
  { admission }: AdmittedCall,
  round: TargetRound,
  target: Target,
  failure: Failure,
  now: Date,
): After {
  const { retryOn, onRateLimit } = admission.run.settings.routing
  const { kind, status, refusal } = failure
  const on: After = { isFinal: false, waitS: undefined, pauseMs: 0 }
  if (kind !== 'http_error' || status === null) {
    round.pass(target)
    return on
  }
  const isBadKey = status === 401 || status === 403
  // A redirection is no answer to a call: the key's address is wrong, and stays so.
  const isElsewhere = status < 400
  if (!retryOn.includes(status) && !isBadKey && !isElsewhere) return { ...on, isFinal: true }
  const waitS = retryAfterOf(refusal?.headers['retry-after'], now)
  if (status === 429 && onRateLimit === 'backoff_first' && round.mayWaitFor(target)) {
    return { ...on, waitS, pauseMs: Math.min((waitS ?? 1) * 1_000, BACKOFF_MAX_MS) }
  }
  if (isBadKey || isElsewhere || status === 429) round.drop(target)
  else round.pass(target)
  return { ...on, waitS }
}

const SECONDS = /^\s*\d{1,6}(?:\.\d+)?\s*$/

/** Seconds, or a date, which begins with its weekday: of a number that is none of seconds, a year would be read. */
function retryAfterOf(text: string | undefined, now: Date): number | undefined {
  if (text === undefined) return undefined
  const isDate = /^[A-Za-z]/.test(text.trim())
  const seconds = isDate ? (Date.parse(text) - now.getTime()) / 1_000 : SECONDS.test(text) ? Number(text) : Number.NaN
  return Number.isFinite(seconds) ? Math.max(0, Math.ceil(seconds)) : undefined
}
