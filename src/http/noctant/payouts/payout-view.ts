/** A payout statement as the contract shows it, from the read model's row and from a decision's state. */
import { z } from '@hono/zod-openapi'
import { isReserved, type Payout } from '../../../commands/noctant/payouts.ts'
import { settlementStatus as settlementStatuses } from '../../../events/noctant/payout.ts'
import { type StatementView, statementView as statementRow } from '../../../projections/noctant/payout-statement.ts'
import { snake } from '../../../runtime/letter-case.ts'
import {
  decimalOut,
  nullableDecimalOut,
  nullableTimeOut,
  nullableUuidOut,
  timeOut,
  uuid,
  uuidOut,
} from '../../schemas.ts'
import type { Operator } from '../access.ts'

const policyStatuses: Readonly<Record<StatementView['policy_status'], true>> = {
  pending_review: true,
  approved: true,
  rejected: true,
}
const effectStatuses: Readonly<Record<StatementView['account_effect_status'], true>> = {
  not_applicable: true,
  reserved: true,
  executing: true,
  executed: true,
  failed: true,
  invalid_execution: true,
}
const namesOf = <T extends string>(record: Readonly<Record<T, true>>) => Object.keys(record) as T[]

const policyStatus = z.enum(namesOf(policyStatuses)).openapi('PayoutPolicyStatus')
const effectStatus = z.enum(namesOf(effectStatuses)).openapi('PayoutAccountEffectStatus')
export const settlementStatus = z.enum(settlementStatuses.options).openapi('PayoutExternalSettlementStatus')

/** JSON as it was recorded. Of any form, but there: the document would call it optional otherwise. */
const recorded = z.any().refine((value) => value !== undefined)

export const statementSchema = z
  .object({
    payout_request_id: uuidOut,
    user_id: uuidOut,
    account_id: uuidOut,
    challenge_instance_id: uuidOut,
    challenge_chain_id: uuidOut,
    policy_status: policyStatus,
    account_effect_status: effectStatus,
    external_settlement_status: settlementStatus,
    external_settlement_reference: z.string().nullable().optional(),
    externally_settled_at: nullableTimeOut.optional(),
    requested_amount: decimalOut,
    accepted_gross_amount: nullableDecimalOut.optional(),
    trader_amount: nullableDecimalOut.optional(),
    firm_retained_amount: nullableDecimalOut.optional(),
    required_remaining_buffer: nullableDecimalOut.optional(),
    ordinal_payout_number: z.int().nullable().optional(),
    policy_snapshot: recorded,
    policy_input: recorded,
    policy_decision: recorded,
    operator_reference: z.string().nullable().optional(),
    correlation_id: z.string(),
    causation_id: z.string().nullable().optional(),
    trace_id: z.string().nullable().optional(),
    requested_at: timeOut,
    approved_at: nullableTimeOut.optional(),
    rejected_at: nullableTimeOut.optional(),
    executed_at: nullableTimeOut.optional(),
    account_effect_executed_at: nullableTimeOut.optional(),
    execution_event_id: nullableUuidOut.optional(),
  })
  .openapi('PayoutStatement')

export const statementAnswer = z.object({ statement: statementSchema }).openapi('PayoutStatementResponse')

/** The path of what is done to one request. */
export const payoutRequestPath = z.object({ global_user_id: uuid, payout_request_id: uuid })

/** The request that a path names. */
export const selectorOf = ({ operatorId }: Pick<Operator, 'operatorId'>, path: z.output<typeof payoutRequestPath>) => ({
  ...{ operatorId, globalUserId: path.global_user_id, payoutRequestId: path.payout_request_id },
})

/**
 * The policy's decision carries the operator's along, and what the engine had against it. A payment that was called off
 * holds nothing reserved any more.
 */
export function statementView(row: StatementView) {
  const { review, failure, request_command_id: causation_id, ...shown } = row
  const { account_effect_status: effect, external_settlement_status: settlement } = row
  const isReleased = effect === 'reserved' && !isReserved({ effect, settlement })
  return {
    ...shown,
    account_effect_status: isReleased ? ('not_applicable' as const) : effect,
    policy_decision: { ...row.policy_decision, review, execution_failure: failure },
    correlation_id: row.payout_request_id,
    causation_id,
    account_effect_executed_at: row.executed_at,
  }
}

/** The view of a payout after a command. */
export function viewOf(payout: Payout): ReturnType<typeof statementView> {
  const { request, review } = payout
  const row = statementRow(request, {
    policy_status: payout.policy,
    account_effect_status: payout.effect,
    external_settlement_status: payout.settlement,
    external_settlement_reference: payout.settlementReference,
    externally_settled_at: payout.settledAt,
    review: review && snake(review),
    execution_event_id: payout.sourceEventId,
    ...snake(payout, 'failure', 'approvedAt', 'rejectedAt', 'executedAt'),
  })
  return statementView(row)
}
