/** How runs are ended, and how an ended run is shown before the read models have it. */
import { z } from '@hono/zod-openapi'
import type { DeskFacts } from '../../../events/rungate/desk.ts'
import { outcome } from '../../../events/rungate/policy-settings.ts'
import { tokensUsedObject } from '../../../processes/rungate/objects.ts'
import type { RunRow } from '../../../projections/rungate/run.ts'
import { runFiguresOf } from '../../../projections/rungate/run.ts'
import { governanceEvents } from '../../../projections/rungate/run-lists.ts'
import { boundedText, text, timeOut, uuidOut } from '../../schemas.ts'
import type { RungateParts } from '../access.ts'
import { dataOf, decimalNumber, metadata, usdOut } from '../schemas.ts'
import { outcomeOut, tokensUsed } from './run-view.ts'

const REASON_LENGTH_MAX = 255
export const OUTCOME_REASON_LENGTH_MAX = 1_024

const isPlain = (given: string): boolean => !/\p{Cc}/u.test(given)
const PLAIN = 'must have no control characters'
/** Of a run's end, in the caller's own words. */
export const reason = boundedText(REASON_LENGTH_MAX)
  .refine((given) => given.length > 0, 'must not be empty')
  .refine(isPlain, PLAIN)
  .optional()
/** The same where the document says how long it may be. */
export const shownReason = text(REASON_LENGTH_MAX)
  .refine((given) => given.length > 0, 'must not be empty')
  .refine(isPlain, PLAIN)
  .optional()

export const completionInput = z
  .object({
    ended_reason: reason,
    metadata: metadata.optional(),
    outcome: outcome.optional(),
    outcome_reason: text(OUTCOME_REASON_LENGTH_MAX).optional(),
  })
  .openapi('RunCompletionInput')

export const completionResponse = dataOf(
  z.object({
    id: uuidOut,
    name: z.string().nullable().optional(),
    status: z.string(),
    ended_at: timeOut,
    ended_reason: z.string(),
    completion_reason: z.string(),
    outcome: outcomeOut.optional(),
    outcome_reason: z.string().nullable().optional(),
    step_count: z.int(),
    cost_usd: usdOut,
    tokens_used: tokensUsed,
    duration_ms: z.int().nullable().optional(),
    policy_name: z.string().nullable().optional(),
    primary_model: z.string().nullable().optional(),
    governance_events: z.array(z.object({ type: z.string(), count: z.int() })),
    limits_hit: z.boolean(),
  }),
).openapi('RunCompletionResponse')

type Ended = DeskFacts<'rungate.RunEnded.v1'>

/** A run as it is once this event is taken in. */
export const endedRow = (row: RunRow, ended: Ended): RunRow => ({
  ...{ ...row, ...runFiguresOf(ended.run), name: ended.name, status: ended.status, ended_reason: ended.endedReason },
  ...{ completion_reason: ended.completionReason, outcome: ended.outcome, outcome_reason: ended.outcomeReason },
  ...{ metadata: ended.metadata, ended_at: ended.occurredAt },
})

/** What an agent is told of a run that it has ended. Its refusals are counted by the read models, which are waited for. */
export async function completionView(
  { db, waiter, keyKnownWaitMs }: Pick<RungateParts, 'db' | 'waiter' | 'keyKnownWaitMs'>,
  ended: Ended,
  position: bigint | undefined,
  policyName: string,
): Promise<z.input<typeof completionResponse>> {
  const { runId, accountId, run } = ended
  if (position !== undefined && run.hasGovernanceBlock) await waiter.waitFor(position, keyKnownWaitMs)
  const events = run.hasGovernanceBlock ? await governanceEvents(db, accountId, runId) : []
  const figures = runFiguresOf(run)
  const data = {
    ...{ id: runId, name: ended.name, status: ended.status, ended_at: ended.occurredAt },
    ...{ ended_reason: ended.endedReason, completion_reason: ended.completionReason ?? 'explicit' },
    ...{ outcome: ended.outcome, outcome_reason: ended.outcomeReason, step_count: run.stepCount },
    ...{ cost_usd: decimalNumber(run.costUsd), tokens_used: tokensUsedObject(figures) },
    duration_ms: Math.max(0, Date.parse(ended.occurredAt) - Date.parse(ended.startedAt)),
    ...{ policy_name: policyName, primary_model: run.primaryModel, governance_events: events },
    limits_hit: run.hasGovernanceBlock,
  }
  return { data }
}
