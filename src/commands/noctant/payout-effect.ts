/**
 * What became of a payout's debit, from the engine's own word. The engine states the debit first and its decision after
 * it, so a decision that finds nothing debited, or something where it refused, contradicts itself. The same word twice
 * changes nothing.
 */
import type { PayoutEvent } from '../../events/noctant/payout.ts'
import { Exact } from './money.ts'
import type { Payout, PayoutsState } from './payouts.ts'

/** `commandId` is the engine command's; a request that it does not belong to is none of this account's. */
export type ExecutionCommand =
  | { kind: 'debited'; commandId: string; eventId: string; amount: string; executedAt: string; at: string }
  | {
      kind: 'decided'
      commandId: string
      eventId: string
      outcome: 'accepted' | 'rejected' | 'ignored'
      code: string | null
      reason: string | null
      decidedAt: string
      at: string
    }
  /** Given up on its way, or refused by the account. */
  | { kind: 'undelivered'; commandId: string; code: string; reason: string | null; at: string }

export function decideExecution(command: ExecutionCommand, state: PayoutsState): PayoutEvent[] {
  const payout = [...state.payouts.values()].find(({ commandId }) => commandId === command.commandId)
  if (!payout || payout.effect === 'invalid_execution') return []
  switch (command.kind) {
    case 'debited':
      return debited(command, payout)
    case 'decided':
      return decided(command, payout)
    case 'undelivered':
      return payout.effect === 'executing' ? [failed(payout, command, command.at)] : []
    default:
      return command satisfies never
  }
}

type Of<K extends ExecutionCommand['kind']> = Extract<ExecutionCommand, { kind: K }>

/** A debit counts whatever was believed before it: also where the command had been given up. */
function debited(command: Of<'debited'>, payout: Payout): PayoutEvent[] {
  const { commandId, eventId, amount, executedAt, at } = command
  const { request, sourceEventId } = payout
  const { granted } = request.policyDecision
  if (sourceEventId === eventId) return []
  if (sourceEventId !== null) return [invalid(payout, command, amount, 'debited_twice')]
  if (granted === null || !new Exact(amount).equals(granted.grossAmount)) {
    return [invalid(payout, command, amount, 'amount_differs')]
  }
  const { payoutRequestId, programAccountId, operatorId, globalUserId, instanceId, chainId, currency } = request
  const of = { payoutRequestId, programAccountId, operatorId, globalUserId, instanceId, chainId, currency }
  const data = { ...of, ...granted, commandId, sourceEventId: eventId, executedAt, occurredAt: at }
  return [{ type: 'noctant.PayoutExecuted.v1', data }]
}

function decided(command: Of<'decided'>, payout: Payout): PayoutEvent[] {
  const { outcome, code, reason, decidedAt, at } = command
  if (outcome === 'accepted') {
    return payout.effect === 'executed' ? [] : [invalid(payout, command, null, 'nothing_debited')]
  }
  if (payout.effect === 'executed') return [invalid(payout, command, null, 'debited_and_refused')]
  if (payout.effect !== 'executing') return []
  return [failed(payout, { ...command, code: code ?? outcome, reason, at }, decidedAt)]
}

function failed(
  { request: { payoutRequestId, programAccountId } }: Payout,
  { commandId, code, reason, at }: { commandId: string; code: string; reason: string | null; at: string },
  failedAt: string,
): PayoutEvent {
  const data = { payoutRequestId, programAccountId, commandId, code, reason, failedAt, occurredAt: at }
  return { type: 'noctant.PayoutExecutionFailed.v1', data }
}

const contradictions = {
  debited_twice: 'The account was debited a second time.',
  amount_differs: 'The account was debited by another amount than was granted.',
  nothing_debited: 'The engine accepted the payout and debited nothing.',
  debited_and_refused: 'The engine refused the payout after debiting the account.',
} as const

function invalid(
  { request: { payoutRequestId, programAccountId } }: Payout,
  { commandId, eventId: sourceEventId, at }: { commandId: string; eventId: string; at: string },
  debitedAmount: string | null,
  code: keyof typeof contradictions,
): PayoutEvent {
  const of = { payoutRequestId, programAccountId, commandId, sourceEventId, debitedAmount }
  return {
    type: 'noctant.PayoutExecutionInvalid.v1',
    data: { ...of, code, reason: contradictions[code], occurredAt: at },
  }
}
