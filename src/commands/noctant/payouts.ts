/**
 * The payouts of one account: requests, the operator's decisions, what the engine made of them, and how far the operator
 * has paid. Three things are kept apart, as the contract does: the decision (policy), the debit of the account (effect),
 * and the money outside (settlement).
 */
import type { PayoutEvent, PayoutInput, PayoutSnapshot, SettlementStatus } from '../../events/noctant/payout.ts'
import type { Aggregate } from '../decider.ts'
import { Exact } from './money.ts'
import { decideExecution, type ExecutionCommand } from './payout-effect.ts'
import { evaluatePayout } from './payout-policy.ts'
import { decideSettlement, type SettlementCommand } from './payout-settlement.ts'
import { Rejected } from './rejection.ts'

type DataOf<T extends PayoutEvent['type']> = Extract<PayoutEvent, { type: T }>['data']
export type PayoutRequested = DataOf<'noctant.PayoutRequested.v1'>

export type EffectStatus = 'not_applicable' | 'reserved' | 'executing' | 'executed' | 'failed' | 'invalid_execution'

/** A request and all that came of it. */
export interface Payout {
  request: PayoutRequested
  policy: 'pending_review' | 'approved' | 'rejected'
  effect: EffectStatus
  settlement: SettlementStatus
  settlementReference: string | null
  settledAt: string | null
  approvedAt: string | null
  rejectedAt: string | null
  /** The operator's own decision; null before there is one. */
  review: Review | null
  /** Of the engine's order; null before there is one. */
  commandId: string | null
  /** What the operator said when it had the account debited; null before that. */
  execution: Words | null
  executedAt: string | null
  /** The engine's event that debited the account. */
  sourceEventId: string | null
  failure: { code: string; reason: string | null } | null
}

/** What an operator says with a decision: a note or a reason, and a reference of its own. */
export interface Words {
  note: string | null
  operatorReference: string | null
}

export type Review = Words & { decision: 'approved' | 'rejected'; decidedAt: string }

export interface PayoutsState {
  /** By request id, in the order they came. */
  payouts: ReadonlyMap<string, Payout>
}

/** What a decision on a request rests on beside the other requests, all of it from other streams. */
export interface Evidence {
  snapshot: PayoutSnapshot
  figures: Pick<PayoutInput, 'balance' | 'equity' | 'engineSequence' | 'corrections' | 'kycStatus' | 'kycVerified'>
  /** Requests whose debit is in the balance already. */
  debited: ReadonlySet<string>
}

type ReviewCommand = {
  payoutRequestId: string
  /** Whose request it has to be. */
  globalUserId: string
  operatorReference: string | null
  at: string
}

export type PayoutCommand =
  | {
      kind: 'request'
      request: Omit<PayoutRequested, 'policySnapshot' | 'policyInput' | 'policyDecision' | 'occurredAt'>
      evidence: Evidence
      at: string
    }
  | (ReviewCommand & {
      kind: 'approve'
      note: string | null
      execute: boolean
      /** Of the engine's order, should there be one. */
      commandId: string
      /** undefined: the request was decided on before. */
      evidence: Evidence | undefined
    })
  | (ReviewCommand & { kind: 'reject'; reason: string })
  | (ReviewCommand & SettlementCommand)
  | ExecutionCommand

export const payouts: Aggregate<PayoutsState, PayoutCommand, PayoutEvent> = {
  category: 'noctant.payouts',
  initialState: { payouts: new Map() },

  evolve(state, event) {
    const { payoutRequestId } = event.data
    const after = next(state.payouts.get(payoutRequestId), event)
    return after ? { payouts: new Map(state.payouts).set(payoutRequestId, after) } : state
  },

  decide(command, state) {
    switch (command.kind) {
      case 'request':
        return decideRequest(command, state)
      case 'approve':
        return approve(command, state)
      case 'reject':
        return reject(command, state)
      case 'settle':
        return decideSettlement(command, payoutOf(state, command))
      case 'debited':
      case 'decided':
      case 'undelivered':
        return decideExecution(command, state)
      default:
        return command satisfies never
    }
  },
}

function next(payout: Payout | undefined, event: PayoutEvent): Payout | undefined {
  if (event.type === 'noctant.PayoutRequested.v1') return opened(event.data, 'pending_review')
  if (event.type === 'noctant.PayoutRequestRefused.v1') return opened(event.data, 'rejected')
  if (!payout) return undefined
  const { occurredAt } = event.data
  switch (event.type) {
    case 'noctant.PayoutApproved.v1': {
      const { note, operatorReference } = event.data
      const review: Review = { decision: 'approved', note, operatorReference, decidedAt: occurredAt }
      return { ...payout, policy: 'approved', effect: 'reserved', approvedAt: occurredAt, review }
    }
    case 'noctant.PayoutRejected.v1': {
      const { reason: note, operatorReference } = event.data
      const review: Review = { decision: 'rejected', note, operatorReference, decidedAt: occurredAt }
      return { ...payout, policy: 'rejected', effect: 'not_applicable', rejectedAt: occurredAt, review }
    }
    case 'noctant.PayoutExecutionRequested.v1': {
      const { commandId, note = payout.review?.note, operatorReference = payout.review?.operatorReference } = event.data
      const execution = { note: note ?? null, operatorReference: operatorReference ?? null }
      return { ...payout, effect: 'executing', commandId, execution }
    }
    case 'noctant.PayoutExecuted.v1': {
      const { executedAt, sourceEventId } = event.data
      return { ...payout, effect: 'executed', executedAt, sourceEventId, failure: null }
    }
    case 'noctant.PayoutExecutionFailed.v1': {
      const { code, reason } = event.data
      return { ...payout, effect: 'failed', failure: { code, reason } }
    }
    case 'noctant.PayoutExecutionInvalid.v1': {
      const { code, reason, sourceEventId } = event.data
      return { ...payout, effect: 'invalid_execution', failure: { code, reason }, sourceEventId }
    }
    case 'noctant.PayoutSettlementUpdated.v1': {
      const { to, reference } = event.data
      const settledAt = to === 'operator_marked_paid' ? occurredAt : null
      return { ...payout, settlement: to, settlementReference: reference ?? payout.settlementReference, settledAt }
    }
    default:
      return event satisfies never
  }
}

const opened = (request: PayoutRequested, policy: Payout['policy']): Payout => ({
  request,
  policy,
  effect: 'not_applicable',
  settlement: 'not_tracked',
  settlementReference: null,
  settledAt: null,
  approvedAt: null,
  rejectedAt: policy === 'rejected' ? request.occurredAt : null,
  review: null,
  commandId: null,
  execution: null,
  executedAt: null,
  sourceEventId: null,
  failure: null,
})

/** The request, where it is this user's. Rejects with payout_request_not_found. */
export function payoutOf(state: PayoutsState, of: { payoutRequestId: string; globalUserId: string }): Payout {
  const found = state.payouts.get(of.payoutRequestId)
  if (found?.request.globalUserId === of.globalUserId) return found
  throw new Rejected('payout_request_not_found', 'The user has no payout request of this id.')
}

/** A refusal by the policy is a fact that is asked for later, so it is recorded like a request that may be granted. */
function decideRequest(
  { request, evidence, at }: Extract<PayoutCommand, { kind: 'request' }>,
  state: PayoutsState,
): PayoutEvent[] {
  const policyInput = inputOf(request, evidence, [...state.payouts.values()], at)
  const policyDecision = evaluatePayout(evidence.snapshot, policyInput)
  const data = { ...request, policySnapshot: evidence.snapshot, policyInput, policyDecision, occurredAt: at }
  const accepted = policyDecision.outcome === 'accepted'
  return [{ type: accepted ? 'noctant.PayoutRequested.v1' : 'noctant.PayoutRequestRefused.v1', data }]
}

/** Granted and set aside, and the operator has not called off its payment. */
export const isReserved = ({ effect, settlement }: Pick<Payout, 'effect' | 'settlement'>): boolean =>
  effect === 'reserved' && settlement !== 'operator_cancelled_payment'

/** Neither turned down, called off nor failed: it may take, takes, or has taken money. */
const isStanding = (payout: Payout): boolean =>
  payout.policy !== 'rejected' && payout.effect !== 'failed' && (payout.effect !== 'reserved' || isReserved(payout))

function inputOf(
  { accountId, instanceId, requestedAmount }: Pick<PayoutRequested, 'accountId' | 'instanceId' | 'requestedAmount'>,
  { figures, debited }: Evidence,
  others: readonly Payout[],
  at: string,
): PayoutInput {
  const standing = others.filter(isStanding)
  const ofRun = standing.filter(({ request }) => request.instanceId === instanceId)
  const outstanding = standing
    .filter(({ request }) => request.accountId === accountId && !debited.has(request.payoutRequestId))
    .reduce((sum, { request }) => sum.plus(request.requestedAmount), new Exact(0))
  return {
    evaluatedAt: at,
    requestedAmount,
    ...figures,
    outstandingAmount: outstanding.toFixed(),
    payoutsBefore: ofRun.length,
    lastRequestedAt: ofRun.at(-1)?.request.occurredAt ?? null,
  }
}

/** The same words as before: the decision was taken then, and is no other one now. */
const areSame = (words: Words | null, { note, operatorReference }: Words): boolean =>
  words !== null && words.note === note && words.operatorReference === operatorReference

/** None where it was approved, or with `execute` executed, in the same words before. */
function approve(command: Extract<PayoutCommand, { kind: 'approve' }>, state: PayoutsState): PayoutEvent[] {
  const payout = payoutOf(state, command)
  const { request, policy } = payout
  const { payoutRequestId, programAccountId, accountId, requestedAmount: amount } = request
  const { note, operatorReference, commandId, at } = command
  const head = { payoutRequestId, programAccountId, occurredAt: at }
  const execution: PayoutEvent = {
    type: 'noctant.PayoutExecutionRequested.v1',
    data: { ...head, commandId, accountId, amount, note, operatorReference },
  }
  if (command.execute && policy === 'approved' && isReserved(payout)) return [execution]
  const before = command.execute ? payout.execution : payout.review
  if (policy === 'approved' && areSame(before, command)) return []
  const { evidence } = command
  if (policy !== 'pending_review' || evidence === undefined) throw conflict(payout)
  // As when it was asked for, it has to leave room for those before it; those after it had to leave room for it.
  const all = [...state.payouts.values()]
  const policyInput = inputOf(request, evidence, all.slice(0, all.indexOf(payout)), at)
  const policyDecision = evaluatePayout(evidence.snapshot, policyInput)
  const failed = policyDecision.checks.find(({ passed }) => !passed)
  if (failed) {
    const found = `${failed.rule} asks for ${failed.required} and finds ${failed.actual}`
    throw new Rejected('payout_not_eligible', `The policy would not grant the request any more: ${found}.`)
  }
  const data = { ...head, note, operatorReference, policyInput, policyDecision }
  return [{ type: 'noctant.PayoutApproved.v1', data }, ...(command.execute ? [execution] : [])]
}

/** None where it was rejected in the same words before. What was approved can be taken back until money moves anywhere. */
function reject(command: Extract<PayoutCommand, { kind: 'reject' }>, state: PayoutsState): PayoutEvent[] {
  const payout = payoutOf(state, command)
  const { policy, effect, settlement, review } = payout
  const { reason, operatorReference, at } = command
  if (policy === 'rejected' && areSame(review, { note: reason, operatorReference })) return []
  const isUntouched = policy === 'approved' && effect === 'reserved' && settlement === 'not_tracked'
  if (policy !== 'pending_review' && !isUntouched) throw conflict(payout)
  const { payoutRequestId, programAccountId } = payout.request
  const data = { payoutRequestId, programAccountId, reason, operatorReference, occurredAt: at }
  return [{ type: 'noctant.PayoutRejected.v1', data }]
}

const conflict = ({ policy, effect, settlement }: Payout) => {
  const [decided, debit, payment] = [policy, effect, settlement].map((status) => status.replaceAll('_', ' '))
  const detail = `The request is ${decided}, its account effect ${debit}, its payment outside ${payment}.`
  return new Rejected('payout_state_conflict', detail)
}
