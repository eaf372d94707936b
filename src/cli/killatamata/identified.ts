/** What killatamata's commands name by ids, or by beginnings of them. */
import type { Identified } from '../whole-id.ts'

export const identified = {
  account: {
    kind: 'account',
    places: async () => [[(await import('../../projections/killatamata/account.ts')).accounts, 'account_id']],
    listing: 'The console’s page /console/killatamata/accounts',
  },
  affiliate: {
    kind: 'affiliate',
    places: async () => [[(await import('../../projections/killatamata/affiliate.ts')).affiliates, 'affiliate_id']],
    listing: 'The console’s page /console/killatamata/affiliates',
  },
  payoutRequest: {
    kind: 'payout request',
    places: async () => [
      [(await import('../../projections/killatamata/affiliate.ts')).payoutRequests, 'payout_request_id'],
    ],
    listing: 'opslog killatamata payout list',
  },
} satisfies Record<string, Identified>
