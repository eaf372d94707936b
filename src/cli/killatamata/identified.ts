/** What killatamata's commands name by ids, or by beginnings of them. */
import { accounts } from '../../projections/killatamata/account.ts'
import { affiliates, payoutRequests } from '../../projections/killatamata/affiliate.ts'
import type { Identified } from '../whole-id.ts'

export const identified = {
  account: {
    kind: 'account',
    places: [[accounts, 'account_id']],
    listing: 'The console’s page /console/killatamata/accounts',
  },
  affiliate: {
    kind: 'affiliate',
    places: [[affiliates, 'affiliate_id']],
    listing: 'The console’s page /console/killatamata/affiliates',
  },
  payoutRequest: {
    kind: 'payout request',
    places: [[payoutRequests, 'payout_request_id']],
    listing: 'opslog killatamata payout list',
  },
} satisfies Record<string, Identified>
