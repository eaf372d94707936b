/** A step as the contract shows it: what was asked and answered where that is kept, what failed, what another provider took over. */
import { z } from '@hono/zod-openapi'
import { failureKind } from '../../../events/rungate/call-facts.ts'
import { failedIn, stepObject } from '../../../processes/rungate/objects.ts'
import type { StepRow } from '../../../projections/rungate/step.ts'
import type { JsonSource } from '../../json.ts'
import { timeOut, uuidOut } from '../../schemas.ts'
import { decimalNumber, usdOut } from '../schemas.ts'
import { fourBuckets } from './run-view.ts'

const failure = z.object({
  type: z.string().optional(),
  status: z.int().optional(),
  kind: failureKind.optional(),
})
const response = z.looseObject({
  error: failure.optional(),
  errors: z
    .array(
      z.object({
        provider: z.string().optional(),
        status: z.int().optional(),
        message: z.string().optional(),
        kind: failureKind.optional(),
      }),
    )
    .optional(),
})
const failover = z.object({
  attempted: z.array(
    z.object({
      provider: z.string(),
      provider_key_id: uuidOut,
      status: z.int(),
      error: z.string(),
      kind: failureKind.optional(),
    }),
  ),
  resolved_provider: z.string().nullable(),
  resolved_model: z.string().nullable(),
  original_model: z.string(),
})

export const stepResponse = z
  .object({
    id: z.string(),
    run_id: uuidOut,
    type: z.enum(['llm_call', 'tool_call', 'retry', 'dry_run', 'post_completion_sweep', 'failover_transition']),
    provider: z.string(),
    model: z.string(),
    provider_key_id: uuidOut.optional(),
    streaming: z.boolean().optional(),
    request: z.looseObject({}).optional(),
    response: response.optional(),
    tokens: z.object(fourBuckets).optional(),
    cost_usd: usdOut,
    latency_ms: z.int(),
    routed_from: z.string().nullable().optional(),
    failover_attempts: z.int().optional(),
    status: z.enum(['success', 'error', 'timeout', 'budget_blocked', 'policy_blocked']),
    error_message: z.string().nullable().optional(),
    created_at: timeOut,
    failover_context: failover.nullable().optional(),
  })
  .openapi('Step')

/** What a step was asked and answered, as far as it is kept; null: there was none, or nobody can read it any more. */
export interface StepContent {
  request: JsonSource | null
  response: JsonSource | null
}
type Members = Record<string, unknown>

/** What was answered, and what failed. */
function responseOf(row: StepRow, { response: kept }: StepContent): Members {
  const failed = failedIn(row)
  if (Object.keys(failed).length === 0) return (kept ?? {}) as Members
  return { ...(kept?.value as Members | undefined), ...failed }
}

/** `content` absent: none is kept. */
export function stepView(row: StepRow, content?: StepContent): z.input<typeof stepResponse> {
  const step: z.input<typeof stepResponse> = stepObject(row, decimalNumber)
  return content ? { ...step, request: (content.request ?? {}) as Members, response: responseOf(row, content) } : step
}
