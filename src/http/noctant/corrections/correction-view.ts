/** A correction as the contract shows it, from the read model and from the events that requested it. */
import { z } from '@hono/zod-openapi'
import type { AccountEvent } from '../../../events/noctant/account.ts'
import {
  type CorrectionStatus,
  type CorrectionView,
  requestedCorrection,
} from '../../../projections/noctant/correction.ts'
import { decimalOut, nullableTimeOut, nullableUuidOut, timeOut, uuidOut } from '../../schemas.ts'

/** Every status a correction may have: the compiler misses none. */
const statuses: Readonly<Record<CorrectionStatus, true>> = {
  publishing: true,
  published: true,
  executed: true,
  publish_failed: true,
  execution_failed: true,
  invalid_execution: true,
}

const status = z.enum(Object.keys(statuses) as CorrectionStatus[]).openapi('AccountCorrectionStatus')
const correctionType = z.enum(['balance_adjustment']).openapi('AccountCorrectionType')

export const correctionSchema = z
  .object({
    correction_id: uuidOut,
    user_id: uuidOut,
    account_id: uuidOut,
    correction_type: correctionType,
    status,
    amount: decimalOut,
    reason: z.string(),
    operator_reference: z.string().nullable().optional(),
    idempotency_key: z.string(),
    command_id: z.string(),
    correlation_id: z.string(),
    causation_id: z.string().nullable().optional(),
    trace_id: z.string().nullable().optional(),
    requested_at: timeOut,
    published_at: nullableTimeOut.optional(),
    publish_failed_at: nullableTimeOut.optional(),
    executed_at: nullableTimeOut.optional(),
    execution_event_id: nullableUuidOut.optional(),
    execution_failed_at: nullableTimeOut.optional(),
    execution_failure_code: z.string().nullable().optional(),
    execution_failure_reason: z.string().nullable().optional(),
  })
  .openapi('AccountCorrectionView')

export const correctionAnswer = z.object({ correction: correctionSchema }).openapi('AccountCorrectionResponse')

/** A correction's events are all recorded under its own id as their correlation, and caused by its command. */
export const correctionView = (
  row: CorrectionView & { status: CorrectionStatus },
): z.output<typeof correctionSchema> => ({
  ...row,
  correction_type: 'balance_adjustment',
  correlation_id: row.correction_id,
  causation_id: row.command_id,
})

/** The view of the correction that a command has just requested, from its events. */
export function viewOf(events: readonly AccountEvent[]): z.output<typeof correctionSchema> {
  const requested = events.find((event) => event.type === 'noctant.AccountCorrectionRequested.v1')
  if (!requested) throw new Error('a correction that was accepted has its event')
  return correctionView(requestedCorrection(requested.data))
}
