/**
 * An affiliate: a profile, the commissions that deposits of bound accounts bring, and what is paid of them. A deposit brings one
 * commission, of what is left of it. Commissions can be paid after some days, in the order in which they came; a request takes all that
 * can be paid, and there is one at a time. What is payable is what is pending, available and requested, less what is owed.
 */
import type { AffiliateAccount, AffiliateEvent, Standing } from '../../events/killatamata/affiliate.ts'
import type { Provider } from '../../events/killatamata/vocabulary.ts'
import type { Aggregate } from '../decider.ts'
import {
  type AffiliateApplication,
  type AffiliateProfile,
  type AffiliateState,
  type Existing,
  evolveAffiliate,
} from './affiliate-state.ts'
import { affiliateIdOf, commissionIdOf, payoutIdOf } from './ids.ts'
import { MICROS_PER_CENT } from './money.ts'
import { Rejected } from './rejection.ts'

export interface EarningDeposit {
  depositId: string
  provider: Provider
  usdMicros: bigint
  creditedAt: string
}

export type AffiliateCommand = { accountId: string; at: string } & (
  | { kind: 'apply'; application: AffiliateApplication; isReviewed: boolean }
  | { kind: 'approve' }
  /** Members that are absent stay as they are. */
  | { kind: 'update'; changes: Partial<AffiliateProfile> }
  | { kind: 'earn'; deposit: EarningDeposit; customer: string; basisPoints: number; holdMs: number }
  /** `reversedMicros`: of the deposit, all that went back so far. */
  | { kind: 'reverse'; deposit: Pick<EarningDeposit, 'depositId' | 'creditedAt'>; reversedMicros: bigint }
  /** What can be paid by now. */
  | { kind: 'mature' }
  | { kind: 'requestPayout'; payoutRequestId: string; note: string | null; minimumMicros: bigint }
  | { kind: 'pay'; payoutRequestId: string; reference: string }
  | { kind: 'reject'; payoutRequestId: string; reason: string }
)
type CommandOf<K extends AffiliateCommand['kind']> = Extract<AffiliateCommand, { kind: K }>
type Of = { accountId: string; occurredAt: string }

const BASIS_POINTS = 10_000n

export const affiliateNotFound = () =>
  new Rejected('affiliate_not_found', 'The account has not applied to be an affiliate.')

export const affiliate: Aggregate<AffiliateState, AffiliateCommand, AffiliateEvent> = {
  category: 'killatamata.affiliate',
  initialState: { status: 'absent' },
  evolve: evolveAffiliate,

  decide(command, state) {
    const of = { accountId: command.accountId, occurredAt: command.at }
    if (command.kind === 'apply') return applied(of, state, command)
    if (state.status === 'absent') throw affiliateNotFound()
    switch (command.kind) {
      case 'approve':
        return state.status === 'pending' ? [{ type: 'killatamata.AffiliateApproved.v1', data: of }] : []
      case 'update': {
        const now = { ...state.profile, ...command.changes }
        return isSame(now, state.profile) ? [] : [{ type: 'killatamata.AffiliateUpdated.v1', data: { ...of, ...now } }]
      }
      case 'earn':
        return earned(of, state, command)
      case 'reverse':
        return reversed(of, state, command)
      case 'mature':
        return matured(of, state)
      case 'requestPayout':
        return requested(of, state, command)
      case 'pay':
        return paid(of, state, command)
      case 'reject':
        return rejected(of, state, command)
      default:
        return command satisfies never
    }
  },
}

function isSame(a: AffiliateProfile, b: AffiliateProfile): boolean {
  const members = ['displayName', 'contactEmail', 'countryCode', 'payoutAddress'] as const
  return members.every((name) => a[name] === b[name])
}

function applied(of: Of, state: AffiliateState, { application, isReviewed }: CommandOf<'apply'>): AffiliateEvent[] {
  if (state.status !== 'absent') {
    const before = state.application
    if (isSame(before, application) && before.termsVersion === application.termsVersion) return []
    throw new Rejected('affiliate_exists', 'The account has applied before, with other facts.')
  }
  const facts = { affiliateId: affiliateIdOf(of.accountId), status: isReviewed ? 'pending' : 'active' } as const
  return [{ type: 'killatamata.AffiliateApplied.v1', data: { ...of, ...facts, ...application } }]
}

/** One account gives what another one gets. */
const transfer = (from: AffiliateAccount, to: AffiliateAccount, micros: bigint) => [
  { account: from, side: 'debit' as const, usdMicros: String(micros) },
  { account: to, side: 'credit' as const, usdMicros: String(micros) },
]

const commissionOf = (depositMicros: bigint, basisPoints: number): bigint =>
  (depositMicros * BigInt(basisPoints)) / BASIS_POINTS

const plus = (amount: string, more: bigint): string => String(BigInt(amount) + more)

/** With so much more that can be paid; what is owed is made up for first. */
function withAvailable(standing: Standing, more: bigint): Standing {
  const owed = BigInt(standing.owedMicros)
  const madeUp = owed < more ? owed : more
  return {
    ...standing,
    owedMicros: String(owed - madeUp),
    availableMicros: plus(standing.availableMicros, more - madeUp),
  }
}

/** With so much less that can be paid; what there is not is owed. */
function withoutAvailable(standing: Standing, less: bigint): Standing {
  const available = BigInt(standing.availableMicros)
  const taken = less < available ? less : available
  return {
    ...standing,
    availableMicros: String(available - taken),
    owedMicros: plus(standing.owedMicros, less - taken),
  }
}

function earned(of: Of, state: Existing, command: CommandOf<'earn'>): AffiliateEvent[] {
  const { deposit, customer, basisPoints, holdMs } = command
  const { depositId, provider, creditedAt } = deposit
  const commissionId = commissionIdOf(depositId, creditedAt)
  if (state.numbers.has(commissionId)) return []
  const usdMicros = commissionOf(deposit.usdMicros, basisPoints)
  const availableAt = new Date(Date.parse(creditedAt) + holdMs).toISOString()
  const { standing } = state
  const after = {
    ...standing,
    pendingMicros: plus(standing.pendingMicros, usdMicros),
    depositsUsdCents: plus(standing.depositsUsdCents, deposit.usdMicros / MICROS_PER_CENT),
    payingAccounts: standing.payingAccounts + (state.customers.has(customer) ? 0 : 1),
    nextMaturesAt: standing.nextMaturesAt ?? availableAt,
  }
  const facts = {
    ...{ commissionId, number: state.numbers.size + 1, depositId, provider, customer, availableAt },
    ...{ depositMicros: String(deposit.usdMicros), usdMicros: String(usdMicros) },
    commissionBasisPoints: basisPoints,
    postings: transfer('affiliate_expense', 'affiliate_payable', usdMicros),
  }
  return [{ type: 'killatamata.CommissionEarned.v1', data: { ...of, after, ...facts } }]
}

/** One behind the other: a later one waits for those before it. */
function matured(of: Of, state: Existing): AffiliateEvent[] {
  const { standing, commissions } = state
  let usdMicros = 0n
  let number = standing.maturedThrough + 1
  for (;;) {
    const next = commissions.get(String(number))
    if (next === undefined || next.availableAt > of.occurredAt) break
    usdMicros += next.leftMicros
    number += 1
  }
  const throughNumber = number - 1
  if (throughNumber === standing.maturedThrough) return []
  const after = {
    ...withAvailable(standing, usdMicros),
    pendingMicros: plus(standing.pendingMicros, -usdMicros),
    maturedThrough: throughNumber,
    nextMaturesAt: commissions.get(String(number))?.availableAt ?? null,
  }
  return [
    { type: 'killatamata.CommissionMatured.v1', data: { ...of, after, throughNumber, usdMicros: String(usdMicros) } },
  ]
}

/** Takes from where the commission is; of what was requested or paid, from what comes next. */
function reversed(of: Of, state: Existing, { deposit, reversedMicros }: CommandOf<'reverse'>): AffiliateEvent[] {
  const commissionId = commissionIdOf(deposit.depositId, deposit.creditedAt)
  const number = state.numbers.get(commissionId)
  const commission = number === undefined ? undefined : state.commissions.get(String(number))
  if (number === undefined || !commission) return []
  const { depositMicros, depositReversedMicros, basisPoints, leftMicros: before } = commission
  const gone = reversedMicros < depositMicros ? reversedMicros : depositMicros
  if (gone <= depositReversedMicros) return []
  const left = commissionOf(depositMicros - gone, basisPoints)
  const less = before - left
  const { standing } = state
  const rest = number > standing.maturedThrough ? standing : withoutAvailable(standing, less)
  const after = {
    ...rest,
    pendingMicros: number > standing.maturedThrough ? plus(rest.pendingMicros, -less) : rest.pendingMicros,
    reversedMicros: plus(rest.reversedMicros, less),
    depositsUsdCents: plus(rest.depositsUsdCents, -((gone - depositReversedMicros) / MICROS_PER_CENT)),
  }
  const amounts = { depositReversedMicros: String(gone), usdMicros: String(less), leftMicros: String(left) }
  const facts = { commissionId, depositId: deposit.depositId, ...amounts }
  const postings = transfer('affiliate_payable', 'affiliate_expense', less)
  return [{ type: 'killatamata.CommissionReversed.v1', data: { ...of, after, ...facts, postings } }]
}

/** Why nothing can be requested now; undefined: it can be. The codes are those of the refusals. */
export function payoutObstacles(state: Existing, minimumMicros: bigint) {
  const { standing, profile, openRequestId, status } = state
  return [
    ...(status === 'pending' ? (['affiliate_pending'] as const) : []),
    ...(openRequestId === null ? [] : (['payout_request_open'] as const)),
    ...(profile.payoutAddress === null ? (['payout_address_missing'] as const) : []),
    ...(BigInt(standing.availableMicros) < minimumMicros ? (['payout_below_minimum'] as const) : []),
  ]
}

const OBSTACLES = {
  affiliate_pending: 'The affiliate is not approved yet.',
  payout_request_open: 'A payout was requested before, and is not decided yet.',
  payout_address_missing: 'The affiliate has no payout address.',
  payout_below_minimum: 'What can be paid is below the least payout.',
} as const

function requested(of: Of, state: Existing, command: CommandOf<'requestPayout'>): AffiliateEvent[] {
  const { payoutRequestId, note, minimumMicros } = command
  const [obstacle] = payoutObstacles(state, minimumMicros)
  if (obstacle) throw new Rejected(obstacle, OBSTACLES[obstacle])
  const { standing } = state
  const usdMicros = standing.availableMicros
  const after = {
    ...standing,
    availableMicros: '0',
    requestedMicros: usdMicros,
    requestedThrough: standing.maturedThrough,
  }
  return [{ type: 'killatamata.PayoutRequested.v1', data: { ...of, after, payoutRequestId, usdMicros, note } }]
}

/** The request, where it is to be decided; undefined: it was decided in these very words before. */
function requestOf(state: Existing, payoutRequestId: string, wanted: 'paid' | 'rejected', decision: string) {
  const request = state.payoutRequests.get(payoutRequestId)
  if (!request) throw new Rejected('payout_request_not_found', 'There is no such payout request.')
  if (request.status === 'requested') return request
  if (request.status === wanted && request.decision === decision) return undefined
  const words = request.status === 'paid' ? `by ${request.decision}` : `because: ${request.decision}`
  throw new Rejected('payout_request_decided', `The payout request was ${request.status} before, ${words}`)
}

function paid(of: Of, state: Existing, { payoutRequestId, reference }: CommandOf<'pay'>): AffiliateEvent[] {
  const request = requestOf(state, payoutRequestId, 'paid', reference)
  if (!request) return []
  const { usdMicros } = request
  const { standing } = state
  const after = {
    ...standing,
    requestedMicros: '0',
    paidMicros: plus(standing.paidMicros, usdMicros),
    paidThrough: standing.requestedThrough,
  }
  const facts = { payoutRequestId, usdMicros: String(usdMicros), payoutId: payoutIdOf(payoutRequestId), reference }
  const postings = transfer('affiliate_payable', 'affiliate_payouts', usdMicros)
  return [{ type: 'killatamata.PayoutPaid.v1', data: { ...of, after, ...facts, postings } }]
}

function rejected(of: Of, state: Existing, { payoutRequestId, reason }: CommandOf<'reject'>): AffiliateEvent[] {
  const request = requestOf(state, payoutRequestId, 'rejected', reason)
  if (!request) return []
  const { usdMicros } = request
  const back = withAvailable(state.standing, usdMicros)
  const after = { ...back, requestedMicros: '0', requestedThrough: back.paidThrough }
  const facts = { payoutRequestId, usdMicros: String(usdMicros), reason }
  return [{ type: 'killatamata.PayoutRejected.v1', data: { ...of, after, ...facts } }]
}
