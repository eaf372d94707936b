/**
 * How far the operator has paid a trader outside. It is tracked once the request is approved, whatever the account's debit
 * has come to; what was paid or called off stays so, and a payment that bounced may be tried again.
 */
import type { PayoutEvent, SettlementStatus } from '../../events/noctant/payout.ts'
import type { Payout } from './payouts.ts'
import { Rejected } from './rejection.ts'

export interface SettlementCommand {
  kind: 'settle'
  to: SettlementStatus
  /** Of the payment. */
  reference: string | null
  note: string | null
  operatorReference: string | null
  at: string
}

const after: Readonly<Record<SettlementStatus, readonly SettlementStatus[]>> = {
  not_tracked: [
    'pending_operator_payment',
    'operator_marked_paid',
    'operator_rejected_payment',
    'operator_cancelled_payment',
  ],
  pending_operator_payment: ['operator_marked_paid', 'operator_rejected_payment', 'operator_cancelled_payment'],
  operator_rejected_payment: ['pending_operator_payment', 'operator_cancelled_payment'],
  operator_marked_paid: [],
  operator_cancelled_payment: [],
}

/** None where it is so already. Rejects with settlement_reference_missing and payout_state_conflict. */
export function decideSettlement(command: SettlementCommand, payout: Payout): PayoutEvent[] {
  const { to, reference, note, operatorReference, at } = command
  const { settlement: from, settlementReference, policy, request } = payout
  if (to === 'operator_marked_paid' && !reference) {
    const detail = 'A payment that is marked as paid has a reference.'
    throw new Rejected('settlement_reference_missing', detail, '/external_settlement_reference')
  }
  if (policy !== 'approved') {
    throw new Rejected('payout_state_conflict', 'Only the payment of an approved request is tracked.')
  }
  if (from === to && (reference === null || reference === settlementReference)) return []
  if (!after[from].includes(to)) {
    throw new Rejected('payout_state_conflict', `The payment is ${from}; it cannot become ${to}.`)
  }
  const { payoutRequestId, programAccountId } = request
  const data = { payoutRequestId, programAccountId, from, to, reference, note, operatorReference, occurredAt: at }
  return [{ type: 'noctant.PayoutSettlementUpdated.v1', data }]
}
