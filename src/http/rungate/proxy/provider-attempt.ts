/** One request to a provider: how it is written, and what has become of it by the time that a client could be answered. */
import {
  type ReadAnswer,
  readAnswer,
  translatedAnswer,
  UnreadableAnswer,
} from '../../../adapters/llm/answer-translation.ts'
import type { CallScan } from '../../../adapters/llm/call-scan.ts'
import { boundOf } from '../../../adapters/llm/cost.ts'
import { cleanMessage, failureOf } from '../../../adapters/llm/error-shapes.ts'
import { BrokenStream } from '../../../adapters/llm/frames.ts'
import type { ProviderAnswer, RunningCall } from '../../../adapters/llm/provider-client.ts'
import { ProviderFailure } from '../../../adapters/llm/provider-failure.ts'
import { providerHeaders, providerUrl } from '../../../adapters/llm/provider-headers.ts'
import { requestToAnthropic } from '../../../adapters/llm/request-to-anthropic.ts'
import { requestToOpenAi } from '../../../adapters/llm/request-to-openai.ts'
import { splice } from '../../../adapters/llm/splice.ts'
import { StreamRelay } from '../../../adapters/llm/stream-relay.ts'
import { Untranslatable } from '../../../adapters/llm/untranslatable.ts'
import type { Admission } from '../../../commands/rungate/desk/interface.ts'
import type { Attempt, FailureKind } from '../../../events/rungate/call-facts.ts'
import type { Counted } from '../../../runtime/counted.ts'
import type { ProxyParts } from './proxy-parts.ts'
import type { Target } from './target-order.ts'

export type AttemptEnd =
  /** `body`: in the client's format. */
  | { kind: 'whole'; read: ReadAnswer; body: Buffer; headers: Record<string, string>; attempt: Attempt }
  /** The first frames with content are there; the rest follows from `body`. */
  | {
      kind: 'stream'
      relay: StreamRelay
      first: Buffer[]
      running: RunningCall
      answer: ProviderAnswer
      attempt: Attempt
    }
  | { kind: 'failed'; failure: Failure; attempt: Attempt }

export interface Failure {
  kind: FailureKind
  status: number | null
  message: string
  /** Of a provider that has answered: its own body and headers, for errors that concern the client alone. */
  refusal: { body: Buffer; headers: Record<string, string> } | undefined
}

export interface Sending {
  scan: CallScan
  admission: Admission
  target: Target
  secret: string
  /** The client's, in lower case. */
  headers: Readonly<Record<string, string | string[] | undefined>>
  timeoutMs: number
  /** What is done with the answer, for the account that asks. */
  counted: Counted
}

/** Of an error's body that is read. */
const ERROR_MAX_BYTES = 65_536

/** The request in the target's format. Throws Untranslatable. */
export function requestFor(scan: CallScan, admission: Admission, target: Target): readonly Buffer[] {
  const { format, model, provider } = target
  const { outputLimit } = admission
  const limit = outputLimit === null ? {} : { maxOutputTokens: outputLimit }
  // Servers of OpenAI's format exist that know the older name alone.
  const maxOutputName = provider === 'openai' ? 'max_completion_tokens' : 'max_tokens'
  if (format === scan.format) {
    const changes = { ...(model !== scan.model && { model }), ...limit, ...(format === 'openai' && { maxOutputName }) }
    return splice(scan, { ...changes, includeUsage: format === 'openai' && scan.isStream })
  }
  if (format === 'anthropic') return requestToAnthropic(scan, { model, ...limit })
  return requestToOpenAi(scan, { model, ...limit, maxOutputName })
}

/** Sends the request; `running` is told of the call, so that it can be aborted. Resolves whatever happens. */
export async function attemptCall(
  { client, limits, clock }: Pick<ProxyParts, 'client' | 'limits' | 'clock'>,
  sending: Sending,
  body: readonly Buffer[],
  onRunning: (call: RunningCall) => void,
): Promise<AttemptEnd> {
  const { scan, admission, target, secret, headers, timeoutMs, counted } = sending
  const startedMs = performance.now()
  const running = client.call({
    url: providerUrl(target.format, target.baseUrl),
    headers: providerHeaders(target.format, secret, headers),
    body,
    connectTimeoutMs: admission.run.settings.routing.connectTimeoutMs,
    timeoutMs,
  })
  onRunning(running)
  const attempt = (failure: Failure | undefined, isUnanswered = false): Attempt => ({
    provider: target.provider,
    model: target.model,
    keyId: target.keyId,
    status: failure ? failure.status : 200,
    kind: failure?.kind ?? null,
    error: failure?.message ?? null,
    latencyMs: Math.round(performance.now() - startedMs),
    mayHaveCostUsd: isUnanswered && running.isSent ? mayHaveCost(sending) : null,
  })
  const failed = (failure: Failure, isUnanswered: boolean): AttemptEnd => {
    return { kind: 'failed', failure, attempt: attempt(failure, isUnanswered) }
  }
  let answer: ProviderAnswer | undefined
  try {
    answer = await running.answer
    if (answer.status < 200 || answer.status > 299) return failed(await refusalOf(target, answer), false)
    const createdS = Math.floor(clock().getTime() / 1_000)
    if (!scan.isStream) {
      const bytes = await answer.body.whole(limits.answerMaxBytes, counted)
      if (bytes.length === 0) return failed(failure('empty_stream', 'The provider’s answer was empty.'), true)
      const read = await readAnswer(target.format, bytes, counted)
      const isSame = target.format === scan.format
      const shown = isSame ? bytes : await translatedAnswer(scan.format, read, target.model, createdS, counted)
      return { kind: 'whole', read, body: shown, headers: answer.headers, attempt: attempt(undefined) }
    }
    const relay = new StreamRelay({
      from: target.format,
      to: scan.format,
      wantsUsage: scan.wantsUsage,
      model: target.model,
      createdS,
      frameMaxBytes: limits.frameMaxBytes,
    })
    const first = await firstContent(relay, answer, running, counted)
    if (!Array.isArray(first)) return failed(first, true)
    return { kind: 'stream', relay, first, running, answer, attempt: attempt(undefined) }
  } catch (error) {
    return failed(failureFrom(error), true)
  }
}

const failure = (kind: FailureKind, message: string, status: number | null = null): Failure => ({
  kind,
  status,
  message: cleanMessage(message),
  refusal: undefined,
})

async function refusalOf({ format }: Target, { status, headers, body }: ProviderAnswer): Promise<Failure> {
  // An error that is cut short is one all the same.
  const bytes = await body.whole(ERROR_MAX_BYTES).catch(() => Buffer.alloc(0))
  const { message } = failureOf(format, status, bytes)
  return { kind: 'http_error', status, message, refusal: { body: bytes, headers } }
}

/** The frames that begin with the first content; or why there is none. */
async function firstContent(
  relay: StreamRelay,
  { body }: ProviderAnswer,
  running: RunningCall,
  counted: Counted,
): Promise<Buffer[] | Failure> {
  try {
    for (;;) {
      const chunk = await body.read()
      const out = chunk === undefined ? relay.end() : await counted(() => relay.push(chunk))
      if (out.length > 0 || relay.isComplete) return out
    }
  } catch (error) {
    if (error instanceof BrokenStream) {
      running.abort()
      return failure(relay.kindOf(error), error.message, error.status ?? null)
    }
    if (!(error instanceof ProviderFailure)) throw error
    if (error.kind === 'client_disconnect') return failure('client_disconnect', error.message)
    return failure(error.kind === 'request_timeout' ? 'first_events_timeout' : 'first_events_error', error.message)
  }
}

function failureFrom(error: unknown): Failure {
  if (error instanceof ProviderFailure) return failure(error.kind, error.message)
  if (error instanceof UnreadableAnswer || error instanceof Untranslatable) {
    return failure('stream_processing_error', error.message)
  }
  return failure('unknown', error instanceof Error ? error.message : String(error))
}

/** All that was reserved for this target: it may have been billed without anybody hearing of it. */
function mayHaveCost({ scan, admission, target: { priced } }: Sending): string | null {
  if (!priced) return null
  const { prompt, cacheControl, choices } = scan
  const output = Math.ceil((admission.held.outputTokens - prompt.predictionTokens) / choices)
  return boundOf(priced, { prompt, cacheControl, choices }, Math.max(0, output)).usd
}
