/** Which affiliate an account is bound to: once, for ever, under the terms of that time. */
import type { AffiliateBindingEvent } from '../../events/killatamata/affiliate.ts'
import type { Aggregate } from '../decider.ts'
import { Rejected } from './rejection.ts'

export type ReferralFacts = AffiliateBindingEvent['data']

export interface AffiliateBindingState {
  /** Null: to none. */
  bound: ReferralFacts | null
}

export const affiliateBinding: Aggregate<
  AffiliateBindingState,
  { kind: 'bind'; facts: ReferralFacts },
  AffiliateBindingEvent
> = {
  category: 'killatamata.affiliateBinding',
  initialState: { bound: null },

  evolve: (_, { data }) => ({ bound: data }),

  decide({ facts }, { bound }) {
    if (bound?.code === facts.code) return []
    if (bound) throw new Rejected('affiliate_already_bound', 'The account is bound to another code.', '/code')
    if (facts.affiliateAccountId === facts.accountId) {
      throw new Rejected('affiliate_self_referral', 'The code is the account’s own.', '/code')
    }
    return [{ type: 'killatamata.ReferralBound.v1', data: facts }]
  },
}
