/** Runs, steps and settings as everybody is shown them, in answers and by webhooks. Who writes them says how amounts are written. */
import { errorTypeOf } from '../../adapters/llm/error-shapes.ts'
import { formatOf } from '../../commands/rungate/routing.ts'
import type { Attempt } from '../../events/rungate/call-facts.ts'
import type { PolicySettings } from '../../events/rungate/policy-settings.ts'
import type { RunRow } from '../../projections/rungate/run.ts'
import { LAST_PART, type StepRow } from '../../projections/rungate/step.ts'
import type { TokenColumns } from '../../projections/rungate/tokens.ts'
import { inSnakeCase } from '../../runtime/letter-case.ts'

/** Makes a number of JSON of decimal text, with all of its digits. */
export interface WriteDecimal {
  (text: string): number
  (text: string | null): number | null
}

/** Members in the form of the API; names of models stay as they are. */
export function settingsObject({ modelMapping, ...settings }: PolicySettings, decimal: WriteDecimal) {
  const { budget, ...shown } = inSnakeCase(settings) as Record<string, object>
  const { alertThresholdUsd, hardLimitUsd, maxCostPerHourUsd } = settings.budget
  const amounts = {
    ...{ alert_threshold_usd: decimal(alertThresholdUsd), hard_limit_usd: decimal(hardLimitUsd) },
    max_cost_per_hour_usd: decimal(maxCostPerHourUsd),
  }
  return { ...shown, model_mapping: modelMapping, budget: { ...budget, ...amounts } }
}

export const tokensObject = (row: TokenColumns) => ({
  ...{ input: Number(row.input_tokens), output: Number(row.output_tokens) },
  ...{ cache_read: Number(row.cache_read_tokens), cache_creation: Number(row.cache_creation_tokens) },
})

/** With their sum. */
export function tokensUsedObject(row: TokenColumns) {
  const buckets = tokensObject(row)
  return { ...buckets, total: buckets.input + buckets.output + buckets.cache_read + buckets.cache_creation }
}

export function runObject(row: RunRow, decimal: WriteDecimal) {
  const { alertThresholdTokens, alertThresholdUsd, hardLimitTokens, hardLimitUsd } = row.settings.budget
  return {
    ...{ id: row.run_id, agent_id: row.agent_id, org_id: row.account_id, agent_name: row.agent_name, name: row.name },
    ...(row.primary_model !== null && { primary_model: row.primary_model }),
    ...{ status: row.status, creation_method: row.creation_method, ended_reason: row.ended_reason },
    completion_reason: row.completion_reason,
    budget: {
      ...{ alert_threshold_tokens: alertThresholdTokens, alert_threshold_usd: decimal(alertThresholdUsd) },
      ...{ hard_limit_tokens: hardLimitTokens, hard_limit_usd: decimal(hardLimitUsd) },
    },
    ...{ alert_threshold_exceeded: row.alert_at !== null, alert_sent_at: row.alert_at },
    ...{ tokens_used: tokensUsedObject(row), cost_usd: decimal(row.cost_usd), policy_name: row.policy_name },
    policy_snapshot: {
      ...{ id: row.policy_id, org_id: row.account_id, name: row.policy_name, version_number: row.policy_version },
      ...settingsObject(row.settings, decimal),
    },
    ...{ step_count: row.step_count, last_step_at: row.last_step_at, started_at: row.started_at },
    ...{ ended_at: row.ended_at, force_stop_lifted_at: row.force_stop_lifted_at },
    ...{ has_governance_block: row.has_governance_block, outcome: row.outcome, outcome_reason: row.outcome_reason },
    metadata: row.metadata,
  }
}

const REDACTED = { redacted: true }

/** The status that stands for a failure without one. */
const statusOf = ({ status, kind }: Pick<Attempt, 'status' | 'kind'>): number =>
  status ?? (kind?.endsWith('timeout') ? 504 : 502)

/** The provider’s own word for a failure that it answered with; of any other what kind it is. */
const typeOf = ({ provider, error_kind: kind, error_status: status }: StepRow): string | undefined =>
  kind === 'http_error' && status !== null ? errorTypeOf(formatOf(provider), status) : (kind ?? undefined)

const failureIn = (row: StepRow) => {
  const { error_kind: kind, error_status: status, code } = row
  if (kind === null) return code === null ? {} : { error: { type: code } }
  return { error: { type: typeOf(row), status: statusOf({ kind, status }), kind } }
}

const failuresIn = ({ type, attempts }: StepRow) =>
  type === 'failover_transition' || attempts === null || attempts.length === 0
    ? {}
    : { errors: attempts.map((each) => ({ ...failedAttempt(each), message: each.error ?? '' })) }

const failedAttempt = (each: Attempt) => ({
  ...{ provider: each.provider, status: statusOf(each) },
  ...(each.kind !== null && { kind: each.kind }),
})

/** How another provider took over, by the row that says so; null: the row is another. */
export const failoverObject = ({ type, attempts, status, provider, model, routed_from }: StepRow) =>
  type !== 'failover_transition'
    ? null
    : {
        attempted: (attempts ?? []).map((each) => ({
          ...{ ...failedAttempt(each), provider_key_id: each.keyId, error: each.error ?? '' },
        })),
        ...{ resolved_provider: status === 'success' ? provider : null },
        ...{
          resolved_model: status === 'success' ? model : null,
          original_model: routed_from ?? originalModel(attempts, model),
        },
      }

/** Where no override replaced it, what the first provider was asked for is what the client asked for. */
const originalModel = (attempts: readonly Attempt[] | null, model: string): string => attempts?.[0]?.model ?? model

/** What failed, as members of the step's response. */
export const failedIn = (row: StepRow) => ({ ...failureIn(row), ...failuresIn(row) })

/** Without what was asked and answered. */
export function stepObject(row: StepRow, decimal: WriteDecimal) {
  const isOwn = row.part === LAST_PART
  return {
    ...{ id: isOwn ? row.step_id : `${row.step_id}.${row.part}`, run_id: row.run_id, type: row.type },
    ...{ provider: row.provider, model: row.model, streaming: row.is_streaming },
    ...(row.provider_key_id !== null && { provider_key_id: row.provider_key_id }),
    ...{ request: REDACTED, response: { ...REDACTED, ...failedIn(row) } },
    ...{ tokens: tokensObject(row), cost_usd: decimal(row.cost_usd), latency_ms: row.latency_ms },
    ...{ routed_from: row.routed_from, failover_attempts: row.failover_attempts, status: row.status },
    ...{ error_message: row.error_message, created_at: row.created_at, failover_context: failoverObject(row) },
  }
}
