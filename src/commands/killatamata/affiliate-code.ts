/** A referral code: whose it is, how often its link was followed, and how many accounts it has bound. */
import type { AffiliateCodeEvent } from '../../events/killatamata/affiliate.ts'
import type { Aggregate } from '../decider.ts'
import { Rejected } from './rejection.ts'

export interface AffiliateCodeState {
  /** Null: nobody's. */
  accountId: string | null
  clicks: number
  signups: number
}

export type AffiliateCodeCommand = { code: string; at: string } & (
  | { kind: 'issue'; accountId: string }
  /** `clicks` more. */
  | { kind: 'capture'; clicks: number }
  | { kind: 'count' }
)

export const codeNotFound = (pointer?: string) =>
  new Rejected('affiliate_code_not_found', 'Nobody has this code.', pointer)

export const affiliateCode: Aggregate<AffiliateCodeState, AffiliateCodeCommand, AffiliateCodeEvent> = {
  category: 'killatamata.affiliateCode',
  initialState: { accountId: null, clicks: 0, signups: 0 },

  evolve(state, { type, data }) {
    switch (type) {
      case 'killatamata.ReferralCodeIssued.v1':
        return { ...state, accountId: data.accountId }
      case 'killatamata.ReferralCaptured.v1':
        return { ...state, clicks: data.clicks }
      case 'killatamata.ReferralCounted.v1':
        return { ...state, signups: data.signups }
      default:
        return type satisfies never
    }
  },

  decide(command, { accountId, clicks, signups }) {
    const { code, at: occurredAt } = command
    if (command.kind === 'issue') {
      if (accountId === command.accountId) return []
      if (accountId !== null) throw new Rejected('affiliate_code_taken', 'Another affiliate has this code.')
      return [{ type: 'killatamata.ReferralCodeIssued.v1', data: { accountId: command.accountId, code, occurredAt } }]
    }
    if (accountId === null) throw codeNotFound()
    const of = { accountId, code, occurredAt }
    switch (command.kind) {
      case 'capture':
        return [{ type: 'killatamata.ReferralCaptured.v1', data: { ...of, clicks: clicks + command.clicks } }]
      case 'count':
        return [{ type: 'killatamata.ReferralCounted.v1', data: { ...of, signups: signups + 1 } }]
      default:
        return command satisfies never
    }
  },
}
