/**
 * What a client is told where its call is not served: governance's own bodies, which the contract names, and errors in the
 * client's format, which its library reads.
 */
import type { Format } from '../../../adapters/llm/call-scan.ts'
import { cleanMessage, errorBody } from '../../../adapters/llm/error-shapes.ts'
import type { ApprovalNeeded, Refusal, RunView } from '../../../commands/rungate/desk/interface.ts'
import type { Attempt } from '../../../events/rungate/call-facts.ts'
import { helpPath } from '../../help.ts'
import { jsonText } from '../../json.ts'
import type { RungateCode } from '../errors.ts'
import { decimalNumber } from '../schemas.ts'
import { addRun } from './answer-headers.ts'

export interface Told {
  status: number
  headers: Record<string, string>
  body: string
}

const JSON_TYPE = { 'content-type': 'application/json' }
/** Both clients' libraries send again what this does not forbid. */
const NO_RETRY = { 'x-should-retry': 'false' }

/** Leads to the page that explains a refusal. */
export const helpWith = (code: RungateCode) => ({ link: `<${helpPath(code)}>; rel="help"` })

/** An error in the client's own format. */
export const inFormat = (
  format: Format,
  status: number,
  message: string,
  more: { param?: string | undefined; type?: string; retryAfterS?: number } = {},
): Told => {
  const { param, type, retryAfterS } = more
  return {
    status,
    headers: {
      ...JSON_TYPE,
      ...(status === 400 && helpWith('invalid_request_error')),
      ...(retryAfterS !== undefined && { 'retry-after': String(retryAfterS) }),
    },
    body: errorBody(format, {
      status,
      message,
      ...(param !== undefined && { param }),
      ...(type !== undefined && { type }),
    }),
  }
}

/** Nothing is wrong with the request: it may be sent again. */
export const unavailable = (format: Format, message: string, retryAfterS = 1): Told =>
  inFormat(format, 503, message, { type: 'service_unavailable', retryAfterS })

const contextOf = (run: RunView) => {
  const { settings, totals, policyName, agentName } = run
  const { budget, runawayPrevention } = settings
  const { input, output, cacheRead, cacheCreation } = totals.tokens
  return {
    ...{ policy_name: policyName, agent_name: agentName, steps_used: totals.stepCount },
    max_steps_per_run: runawayPrevention.enabled ? runawayPrevention.maxStepsPerRun : null,
    cost_usd: decimalNumber(totals.costUsd),
    hard_limit_usd: decimalNumber(budget.hardLimitUsd),
    hard_limit_tokens: budget.hardLimitTokens,
    tokens_used: input + output + cacheRead + cacheCreation,
    max_cost_per_hour_usd: decimalNumber(budget.maxCostPerHourUsd),
  }
}

/** Amounts among the details become numbers, digit by digit. */
const shown = (details: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(details).map(([name, value]) => [
      name,
      name.endsWith('_usd') && typeof value === 'string' ? decimalNumber(value) : value,
    ]),
  )

type Block = Pick<
  Refusal,
  'status' | 'code' | 'message' | 'details' | 'run' | 'endedRunId' | 'retryAfterS' | 'mayRetry'
>

/** A refusal of the desk: `format` is the client's. */
export function refusalAnswer(format: Format, refusal: Block | AgentDisabled, stepId: string | null): Told {
  const { status, code, message, details, run, endedRunId = null, retryAfterS, mayRetry } = refusal
  if (code === 'metadata_too_long') return inFormat(format, 400, message, { param: 'x-rungate-run-metadata' })
  if (code === 'model_missing') return inFormat(format, 400, message, { param: 'model' })
  const headers = {
    ...JSON_TYPE,
    ...helpWith(pageOf(code)),
    ...addRun({}, run, run ? stepId : null),
    ...(retryAfterS !== null && { 'retry-after': String(retryAfterS) }),
    ...(!mayRetry && NO_RETRY),
  }
  const ordinary = status === 404 || status === 409
  const error = ordinary
    ? { type: code, message }
    : {
        ...{ type: 'governance_block', code, message, run_id: run?.runId ?? endedRunId },
        details: details && shown(details),
        ...(run && { context: contextOf(run) }),
      }
  return { status, headers, body: jsonText({ error }) }
}

/** The ordinary ones have the pages of those that an agent's other requests are answered with. */
function pageOf(code: Exclude<(Block | AgentDisabled)['code'], 'model_missing' | 'metadata_too_long'>): RungateCode {
  if (code === 'not_found') return 'run_not_found'
  if (code === 'conflict') return 'run_not_running'
  return code
}

type AgentDisabled = Omit<Block, 'code'> & { code: 'agent_disabled' }

export const agentDisabled = (message: string): AgentDisabled => ({
  ...{ status: 403, code: 'agent_disabled', message, details: null, run: null, retryAfterS: null, mayRetry: false },
})

const APPROVAL_POLL_S = 5

export function approvalAnswer({ run, pending, stepId }: ApprovalNeeded): Told {
  const tools = pending.map(({ tool }) => tool)
  const body = {
    status: 'awaiting_approval',
    approval_requests: pending.map(({ approvalId: id, tool }) => ({ id, tool })),
    run_id: run.runId,
    message: `${tools.join(', ')}: approval is needed. Send the same request again once it is given.`,
  }
  const headers = { ...JSON_TYPE, ...addRun({}, run, stepId), 'retry-after': String(APPROVAL_POLL_S) }
  return { status: 202, headers, body: JSON.stringify(body) }
}

/** Kinds of failure after which a later try may succeed. */
const isTransient = ({ kind, status }: Attempt): boolean =>
  kind !== 'http_error' || status === null || status >= 500 || status === 429 || status === 408

interface AllFailed {
  attempts: readonly Attempt[]
  skipped: readonly { provider: string; reason: string }[]
  /** After so many seconds a provider may be asked again. */
  retryAfterS: number | undefined
  message: string
}

/** Nobody served the call: 502, with all that was tried and passed over. */
export function providerErrorAnswer({ attempts, skipped, retryAfterS, message }: AllFailed): Told {
  const tried = attempts.map(({ provider, model, keyId, status, kind, error }) => ({
    ...{ provider, ...(status !== null && { status }), message: error ?? '' },
    ...{ model, provider_key_id: keyId, kind },
  }))
  const passed = skipped.map(({ provider, reason }) => ({ provider, message: cleanMessage(`skipped: ${reason}`) }))
  const error = { type: 'provider_error', message, details: [...tried, ...passed] }
  const headers = {
    ...JSON_TYPE,
    ...helpWith('provider_error'),
    ...(retryAfterS !== undefined && { 'retry-after': String(retryAfterS) }),
    ...(retryAfterS === undefined && !attempts.some(isTransient) && NO_RETRY),
  }
  return { status: 502, headers, body: JSON.stringify({ error }) }
}
