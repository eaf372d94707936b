/** A run as the contract shows it. */
import { z } from '@hono/zod-openapi'
import type { RunRow } from '../../../projections/rungate/run.ts'
import type { TokenColumns } from '../../../projections/rungate/tokens.ts'
import { nullableTimeOut, nullableUuidOut, timeOut, uuidOut } from '../../schemas.ts'
import { settingsView } from '../policies/settings-schema.ts'
import { decimalNumber, nullableUsdOut, usdOut } from '../schemas.ts'

export const runStatus = z.enum(['running', 'completed', 'failed', 'budget_exceeded', 'force_stopped'])
export const outcomeOut = z.enum(['success', 'partial', 'failed']).nullable()

const count = z.int().optional()
export const fourBuckets = { input: count, output: count, cache_read: count, cache_creation: count }
export const tokensUsed = z.object({ ...fourBuckets, total: count })

const budget = z.object({
  alert_threshold_tokens: z.int().nullable().optional(),
  alert_threshold_usd: nullableUsdOut.optional(),
  hard_limit_tokens: z.int().nullable().optional(),
  hard_limit_usd: nullableUsdOut.optional(),
})

export const runResponse = z
  .object({
    id: uuidOut,
    agent_id: uuidOut,
    org_id: nullableUuidOut.optional(),
    agent_name: z.string().optional(),
    name: z.string().nullable().optional(),
    primary_model: z.string().optional(),
    status: runStatus,
    creation_method: z.enum(['explicit', 'implicit', 'sdk']),
    ended_reason: z.string().nullable().optional(),
    completion_reason: z.enum(['explicit', 'idle_timeout', 'server_restart']).nullable().optional(),
    budget,
    alert_threshold_exceeded: z.boolean().optional(),
    alert_sent_at: nullableTimeOut.optional(),
    tokens_used: tokensUsed,
    cost_usd: usdOut,
    policy_name: z.string().nullable().optional(),
    policy_snapshot: z.looseObject({}).optional(),
    step_count: z.int(),
    last_step_at: nullableTimeOut.optional(),
    started_at: timeOut,
    ended_at: nullableTimeOut.optional(),
    force_stop_lifted_at: nullableTimeOut.optional(),
    has_governance_block: z.boolean().optional(),
    outcome: outcomeOut.optional(),
    outcome_reason: z.string().nullable().optional(),
    metadata: z.looseObject({}).optional(),
  })
  .openapi('Run')

export const tokensView = (row: TokenColumns) => ({
  ...{ input: Number(row.input_tokens), output: Number(row.output_tokens) },
  ...{ cache_read: Number(row.cache_read_tokens), cache_creation: Number(row.cache_creation_tokens) },
})

/** With their sum. */
export function tokensUsedView(row: TokenColumns): z.input<typeof tokensUsed> {
  const buckets = tokensView(row)
  return { ...buckets, total: buckets.input + buckets.output + buckets.cache_read + buckets.cache_creation }
}

export function runView(row: RunRow): z.input<typeof runResponse> {
  const { alertThresholdTokens, alertThresholdUsd, hardLimitTokens, hardLimitUsd } = row.settings.budget
  return {
    ...{ id: row.run_id, agent_id: row.agent_id, org_id: row.account_id, agent_name: row.agent_name, name: row.name },
    ...(row.primary_model !== null && { primary_model: row.primary_model }),
    ...{ status: row.status, creation_method: row.creation_method, ended_reason: row.ended_reason },
    completion_reason: row.completion_reason,
    budget: {
      ...{ alert_threshold_tokens: alertThresholdTokens, alert_threshold_usd: decimalNumber(alertThresholdUsd) },
      ...{ hard_limit_tokens: hardLimitTokens, hard_limit_usd: decimalNumber(hardLimitUsd) },
    },
    ...{ alert_threshold_exceeded: row.alert_at !== null, alert_sent_at: row.alert_at },
    ...{ tokens_used: tokensUsedView(row), cost_usd: decimalNumber(row.cost_usd), policy_name: row.policy_name },
    policy_snapshot: {
      ...{ id: row.policy_id, org_id: row.account_id, name: row.policy_name, version_number: row.policy_version },
      ...settingsView(row.settings),
    },
    ...{ step_count: row.step_count, last_step_at: row.last_step_at, started_at: row.started_at },
    ...{ ended_at: row.ended_at, force_stop_lifted_at: row.force_stop_lifted_at },
    ...{ has_governance_block: row.has_governance_block, outcome: row.outcome, outcome_reason: row.outcome_reason },
    metadata: row.metadata,
  }
}
