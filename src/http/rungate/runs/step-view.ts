/** A step as the contract shows it: what was asked and answered where that is kept, what failed, what another provider took over. */
import { z } from '@hono/zod-openapi'
import { errorTypeOf } from '../../../adapters/llm/error-shapes.ts'
import { formatOf } from '../../../commands/rungate/routing.ts'
import { type Attempt, failureKind } from '../../../events/rungate/call-facts.ts'
import { LAST_PART, type StepRow } from '../../../projections/rungate/step.ts'
import { JsonSource } from '../../json.ts'
import { timeOut, uuidOut } from '../../schemas.ts'
import { decimalNumber, usdOut } from '../schemas.ts'
import { fourBuckets, tokensView } from './run-view.ts'

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
export const REDACTED = { redacted: true }
type Members = Record<string, unknown>

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

const contextOf = ({ type, attempts, status, provider, model, routed_from }: StepRow) =>
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

/** What was answered, where that is kept, and what failed. */
function responseOf(row: StepRow, content: StepContent | undefined): Members {
  const failed = { ...failureIn(row), ...failuresIn(row) }
  const kept = content === undefined ? REDACTED : content.response
  if (Object.keys(failed).length === 0) return (kept ?? {}) as Members
  return { ...((kept instanceof JsonSource ? kept.value : kept) as Members | null), ...failed }
}

export function stepView(row: StepRow, content?: StepContent): z.input<typeof stepResponse> {
  const isOwn = row.part === LAST_PART
  return {
    ...{ id: isOwn ? row.step_id : `${row.step_id}.${row.part}`, run_id: row.run_id, type: row.type },
    ...{ provider: row.provider, model: row.model, streaming: row.is_streaming },
    ...(row.provider_key_id !== null && { provider_key_id: row.provider_key_id }),
    request: (content === undefined ? REDACTED : (content.request ?? {})) as Members,
    response: responseOf(row, content),
    ...{ tokens: tokensView(row), cost_usd: decimalNumber(row.cost_usd), latency_ms: row.latency_ms },
    ...{ routed_from: row.routed_from, failover_attempts: row.failover_attempts, status: row.status },
    ...{ error_message: row.error_message, created_at: row.created_at, failover_context: contextOf(row) },
  }
}
