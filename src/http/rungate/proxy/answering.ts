/** How the client of an admitted call is answered, each way of it with the settlement that belongs to it. */
import { dryRunAnswer } from '../../../adapters/llm/dry-run.ts'
import { translatedError } from '../../../adapters/llm/error-shapes.ts'
import type { AgentProfile } from '../../../events/rungate/agent.ts'
import type { Counted } from '../../../runtime/counted.ts'
import { addRemaining, addRun, addServed, addSpent, TRAILERS } from './answer-headers.ts'
import type { ClientConnection } from './client-connection.ts'
import { type Broken, deliverStream } from './deliver-stream.ts'
import type { Interruption } from './interruption.ts'
import type { AttemptEnd, Failure } from './provider-attempt.ts'
import type { ProxyParts } from './proxy-parts.ts'
import { helpWith, providerErrorAnswer, refusalAnswer } from './refusals.ts'
import type { Settlement, SettlingCall } from './settlement.ts'
import type { Target } from './target-order.ts'

export interface AdmittedCall extends SettlingCall {
  profile: Pick<AgentProfile, 'providerKeys' | 'routingOverride'>
  client: ClientConnection
  interruption: Interruption
  /** The client's headers, in lower case. */
  incoming: Readonly<Record<string, string | string[] | undefined>>
  /** Of the answer, whatever it will be. */
  headers: Readonly<Record<string, string>>
  /** What is done with what was read, for the account that asks. */
  counted: Counted
}

export function answerWhole(
  call: AdmittedCall,
  settlement: Settlement,
  target: Target,
  { read, body, headers: shown }: Extract<AttemptEnd, { kind: 'whole' }>,
): void {
  const { usage: seen, deliveredBytes, finishReason } = read
  settlement.noteFirstByte()
  const delivery = { seen, deliveredBytes, isComplete: true, finishReason }
  const { usage, costUsd, remaining } = settlement.served(target, delivery)
  const headers = passOnTo({ ...call.headers }, shown)
  addServed(headers, call.admission, target)
  call.client.answer(200, addSpent(headers, usage, costUsd, remaining), body)
  settlement.keep(body)
}

/** Puts in of the provider's headers what is not ours as well. */
function passOnTo(headers: Record<string, string>, shown: Readonly<Record<string, string>>): Record<string, string> {
  const { 'content-type': type = 'application/json', 'request-id': id } = shown
  headers['content-type'] ??= type
  if (id !== undefined) headers['request-id'] ??= id
  return headers
}

const EVENT_STREAM = 'text/event-stream; charset=utf-8'

/** Answers why the stream broke; undefined: it is complete. */
export async function answerStream(
  { contentLog }: Pick<ProxyParts, 'contentLog'>,
  call: AdmittedCall,
  settlement: Settlement,
  target: Target,
  stream: Extract<AttemptEnd, { kind: 'stream' }>,
): Promise<Broken | undefined> {
  const { client, admission } = call
  const { relay, answer } = stream
  const streamed = { 'content-type': EVENT_STREAM, 'cache-control': 'no-cache', ...call.headers }
  const headers = addServed(passOnTo(streamed, answer.headers), admission, target)
  addRemaining(headers, admission.remaining).trailer = TRAILERS
  settlement.noteFirstByte()
  client.begin(200, headers)
  const collector = contentLog.collector(admission.run.settings)
  const broken = await deliverStream(stream, call, collector)
  const { usage: seen, deliveredBytes, finishReason } = relay.reader
  const delivery = { seen, deliveredBytes, isComplete: broken === undefined, finishReason }
  const { usage, costUsd, remaining } = settlement.served(target, delivery, broken)
  client.end(addSpent({}, usage, costUsd, remaining))
  settlement.keep(collector)
  return broken
}

/** The provider refuses what the client asked for: it is told so, in its own format. */
export function passOn(call: AdmittedCall, settlement: Settlement, target: Target, failure: Failure): void {
  const { scan, admission, client, headers } = call
  const status = failure.status ?? 502
  const body = translatedError(target.format, scan.format, status, failure.refusal?.body ?? Buffer.alloc(0))
  const retryAfter = failure.refusal?.headers['retry-after']
  const { remaining } = settlement.failed(failure, target)
  const page = status === 400 && helpWith('invalid_request_error')
  const own = addRemaining(addServed({ ...page }, admission, target), remaining)
  const type = { 'content-type': 'application/json', ...(retryAfter !== undefined && { 'retry-after': retryAfter }) }
  client.answer(status, { ...headers, ...type, ...own }, body)
  settlement.keep(Buffer.from(body))
}

/** `waitS`: after so many seconds a provider may be asked again, as it says itself or as its circuit does. */
export function answerFailed(
  call: AdmittedCall,
  settlement: Settlement,
  last: Failure | undefined,
  waitS: number | undefined,
): void {
  const { admission, client, headers } = call
  const { attempts, skipped } = settlement
  const message = last
    ? `No provider served the call: ${last.message}`
    : 'No provider can serve the call: there is no key that can be used.'
  const failure = last ?? { kind: 'unknown' as const, status: null, message, refusal: undefined }
  const told = providerErrorAnswer({ attempts, skipped, retryAfterS: waitS, message })
  const { remaining } = settlement.failed(failure)
  const own = addRemaining(addRun({}, admission.run, admission.callId), remaining)
  client.answer(told.status, { ...headers, ...own, ...told.headers }, told.body)
  settlement.keep()
}

const LEFT: Failure = { kind: 'client_disconnect', status: null, message: 'The client left.', refusal: undefined }
const STOPPED: Failure = { kind: 'unknown', status: null, message: 'The run was force-stopped.', refusal: undefined }

/**
 * The client has left, or the run was stopped, before anything was answered. `sent`: who was asked already, and may have begun: its
 * prompt is taken for billed.
 */
export function answerInterrupted(call: AdmittedCall, settlement: Settlement, sent?: Target): void {
  const { interruption, scan, admission, client, headers } = call
  const isStopped = interruption.reason === 'force_stopped'
  const failure = isStopped ? STOPPED : LEFT
  const nothing = { seen: undefined, deliveredBytes: 0, isComplete: false, finishReason: undefined }
  if (sent) settlement.served(sent, nothing, failure)
  else settlement.failed(failure)
  settlement.keep()
  if (!isStopped) return
  const refusal = {
    ...{ status: 403 as const, code: 'run_force_stopped' as const, message: failure.message },
    ...{ details: null, run: admission.run, retryAfterS: null, mayRetry: false },
  }
  const told = refusalAnswer(scan.format, refusal, admission.callId)
  client.answer(told.status, { ...headers, ...told.headers }, told.body)
}

export function answerDryRun(
  { contentLog, clock }: Pick<ProxyParts, 'contentLog' | 'clock'>,
  call: AdmittedCall,
  settlement: Settlement,
): void {
  const { admission, scan, client, headers } = call
  const { format, isStream, wantsUsage } = scan
  const { owner, reachable } = admission.candidates
  const served = { provider: reachable[0]?.provider ?? owner, model: admission.model }
  const { usage, costUsd, remaining } = settlement.dryRun()
  const id = admission.callId.replaceAll('-', '')
  const createdS = Math.floor(clock().getTime() / 1_000)
  const body = dryRunAnswer({ format, id, model: admission.model, isStream, wantsUsage, createdS })
  const own = addSpent(addServed({}, admission, served), usage, costUsd, remaining)
  client.answer(200, { 'content-type': isStream ? EVENT_STREAM : 'application/json', ...headers, ...own }, body)
  const said = [Buffer.from(body)]
  const collector = isStream ? contentLog.collector(admission.run.settings) : undefined
  collector?.add(said)
  settlement.keep(collector ?? said[0])
}
