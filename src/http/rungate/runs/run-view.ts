/** A run as the contract shows it. */
import { z } from '@hono/zod-openapi'
import { runObject } from '../../../processes/rungate/objects.ts'
import type { RunRow } from '../../../projections/rungate/run.ts'
import { nullableTimeOut, nullableUuidOut, timeOut, uuidOut } from '../../schemas.ts'
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

export const runView = (row: RunRow): z.input<typeof runResponse> => runObject(row, decimalNumber)
