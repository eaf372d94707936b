/** The body of a refusal by governance (402, 403, 429), as agents get it. */
import { z } from '@hono/zod-openapi'

const nullableNumber = z.number().nullable()

export const governanceBlock = z
  .object({
    error: z.object({
      type: z.enum(['governance_block']),
      code: z.enum([
        ...(['budget_exceeded', 'budget_alert_exceeded', 'rate_limited', 'model_not_allowed', 'tool_blocked'] as const),
        ...(['tool_approval_required', 'agent_disabled', 'run_force_stopped'] as const),
        ...(['run_blocked_after_force_stop', 'runaway_prevention'] as const),
      ]),
      message: z.string(),
      run_id: z.string().nullish(),
      details: z.record(z.string(), z.unknown()).nullish(),
      context: z
        .object({
          policy_name: z.string(),
          agent_name: z.string(),
          steps_used: z.number(),
          max_steps_per_run: nullableNumber,
          cost_usd: z.number(),
          hard_limit_usd: nullableNumber,
          hard_limit_tokens: nullableNumber,
          tokens_used: z.number(),
          max_cost_per_hour_usd: nullableNumber,
        })
        .partial()
        .optional(),
    }),
  })
  .openapi('GovernanceBlockResponse')
