/** What an affiliate's stream knows, folded from its events. */
import type { AffiliateEvent, Standing } from '../../events/killatamata/affiliate.ts'
import { PartedMap } from '../../runtime/parted-map.ts'

type DataOf<T extends AffiliateEvent['type']> = Extract<AffiliateEvent, { type: T }>['data']

export type AffiliateProfile = Pick<
  DataOf<'killatamata.AffiliateApplied.v1'>,
  'displayName' | 'contactEmail' | 'countryCode' | 'payoutAddress'
>
export type AffiliateApplication = AffiliateProfile & Pick<DataOf<'killatamata.AffiliateApplied.v1'>, 'termsVersion'>

export interface Commission {
  commissionId: string
  customer: string
  depositMicros: bigint
  depositReversedMicros: bigint
  /** Of what is left of the deposit, in hundredths of a percent. */
  basisPoints: number
  /** What is left of the commission. */
  leftMicros: bigint
  availableAt: string
}

export interface PayoutRequest {
  payoutRequestId: string
  usdMicros: bigint
  status: 'requested' | 'paid' | 'rejected'
  /** How its payment is called, or why it was rejected; null: it waits. */
  decision: string | null
}

export interface Existing {
  status: 'active' | 'pending'
  affiliateId: string
  application: AffiliateApplication
  profile: AffiliateProfile
  createdAt: string
  standing: Standing
  /** By their numbers, from 1. */
  commissions: PartedMap<Commission>
  /** Id of a commission → its number. */
  numbers: PartedMap<number>
  customers: PartedMap<true>
  payoutRequests: PartedMap<PayoutRequest>
  /** Null: none waits for its decision. */
  openRequestId: string | null
}
export type AffiliateState = { status: 'absent' } | Existing

const EMPTY_STANDING: Standing = {
  ...{ pendingMicros: '0', availableMicros: '0', owedMicros: '0', requestedMicros: '0', paidMicros: '0' },
  ...{ reversedMicros: '0', depositsUsdCents: '0', payingAccounts: 0 },
  ...{ maturedThrough: 0, requestedThrough: 0, paidThrough: 0, nextMaturesAt: null },
}

const profileOf = ({ displayName, contactEmail, countryCode, payoutAddress }: AffiliateProfile): AffiliateProfile => ({
  ...{ displayName, contactEmail, countryCode, payoutAddress },
})

export function evolveAffiliate(state: AffiliateState, event: AffiliateEvent): AffiliateState {
  if (event.type === 'killatamata.AffiliateApplied.v1') return applied(event.data)
  if (state.status === 'absent') return state
  switch (event.type) {
    case 'killatamata.AffiliateApproved.v1':
      return { ...state, status: 'active' }
    case 'killatamata.AffiliateUpdated.v1':
      return { ...state, profile: profileOf(event.data) }
    case 'killatamata.CommissionEarned.v1':
      return earned(state, event.data)
    case 'killatamata.CommissionMatured.v1':
      return { ...state, standing: event.data.after }
    case 'killatamata.CommissionReversed.v1':
      return reversed(state, event.data)
    case 'killatamata.PayoutRequested.v1': {
      const { payoutRequestId, usdMicros, after } = event.data
      const request = { payoutRequestId, usdMicros: BigInt(usdMicros), status: 'requested' as const, decision: null }
      return { ...withRequest(state, request), standing: after, openRequestId: payoutRequestId }
    }
    case 'killatamata.PayoutPaid.v1':
      return decided(state, event.data, 'paid', event.data.reference)
    case 'killatamata.PayoutRejected.v1':
      return decided(state, event.data, 'rejected', event.data.reason)
    default:
      return event satisfies never
  }
}

function applied(data: DataOf<'killatamata.AffiliateApplied.v1'>): Existing {
  const { status, affiliateId, termsVersion, occurredAt: createdAt } = data
  const profile = profileOf(data)
  return {
    ...{ status, affiliateId, createdAt, profile, application: { ...profile, termsVersion } },
    ...{ standing: EMPTY_STANDING, commissions: new PartedMap<Commission>(), numbers: new PartedMap<number>() },
    ...{ customers: new PartedMap<true>(), payoutRequests: new PartedMap<PayoutRequest>(), openRequestId: null },
  }
}

function earned(state: Existing, data: DataOf<'killatamata.CommissionEarned.v1'>): Existing {
  const { commissionId, number, customer, availableAt, after } = data
  const amounts = { depositMicros: BigInt(data.depositMicros), depositReversedMicros: 0n }
  const own = { basisPoints: data.commissionBasisPoints, leftMicros: BigInt(data.usdMicros) }
  return {
    ...state,
    standing: after,
    commissions: state.commissions.with(String(number), { commissionId, customer, availableAt, ...amounts, ...own }),
    numbers: state.numbers.with(commissionId, number),
    customers: state.customers.with(customer, true),
  }
}

function reversed(state: Existing, data: DataOf<'killatamata.CommissionReversed.v1'>): Existing {
  const number = String(state.numbers.get(data.commissionId))
  const commission = state.commissions.get(number)
  if (!commission) return { ...state, standing: data.after }
  const left = { depositReversedMicros: BigInt(data.depositReversedMicros), leftMicros: BigInt(data.leftMicros) }
  return {
    ...state,
    standing: data.after,
    commissions: state.commissions.with(number, { ...commission, ...left }),
  }
}

const withRequest = (state: Existing, request: PayoutRequest): Existing => ({
  ...state,
  payoutRequests: state.payoutRequests.with(request.payoutRequestId, request),
})

type Decision = Pick<DataOf<'killatamata.PayoutPaid.v1'>, 'payoutRequestId' | 'usdMicros' | 'after'>

function decided(state: Existing, data: Decision, status: 'paid' | 'rejected', decision: string): Existing {
  const { payoutRequestId, usdMicros, after } = data
  const request = { payoutRequestId, usdMicros: BigInt(usdMicros), status, decision }
  return { ...withRequest(state, request), standing: after, openRequestId: null }
}
