/** GET affiliates/me/dashboard: what the affiliate's code has brought. */
import { z } from '@hono/zod-openapi'
import { affiliateNotFound } from '../../../commands/killatamata/affiliate.ts'
import { numberOf } from '../../../commands/killatamata/money.ts'
import { findAffiliate, findOwnCode } from '../../../projections/killatamata/affiliate.ts'
import { json } from '../../answers.ts'
import { accountKey, read } from '../access.ts'

const sums = z
  .object({
    ...{ pendingUsdMicros: z.int(), availableUsdMicros: z.int(), requestedUsdMicros: z.int() },
    ...{ paidUsdMicros: z.int(), reversedUsdMicros: z.int() },
  })
  .openapi('AffiliateCommissionSums')
const answer = z
  .object({
    ...{ ok: z.literal(true), code: z.string().nullable(), status: z.enum(['active', 'pending']) },
    ...{ clicks: z.int(), signups: z.int(), payingAccounts: z.int(), depositsUsdCents: z.int() },
    commissions: sums,
  })
  .openapi('AffiliateDashboardResponse')

const micros = (text: string): number => numberOf(BigInt(text))

export const getAffiliateDashboard = read({
  path: '/api/v1/affiliates/me/dashboard',
  id: 'getAffiliateDashboard',
  tags: ['affiliates'],
  summary: 'Get affiliate dashboard metrics',
  description: 'Clicks are links that were followed, sign-ups accounts that are bound.',
  access: accountKey,
  answer: json(answer, 'The figures.'),
  refuses: ['affiliate_not_found'],
  async handle({ db, principal: { accountId } }) {
    const [row, code] = await Promise.all([findAffiliate(db, accountId), findOwnCode(db, accountId)])
    if (!row) throw affiliateNotFound()
    return {
      ...{ ok: true as const, code: code?.code ?? null, status: row.status },
      ...{ clicks: code?.clicks ?? 0, signups: code?.signups ?? 0, payingAccounts: row.paying_accounts },
      depositsUsdCents: numberOf(BigInt(row.deposits_usd_cents)),
      commissions: {
        pendingUsdMicros: micros(row.pending_micros),
        availableUsdMicros: micros(row.available_micros),
        requestedUsdMicros: micros(row.requested_micros),
        paidUsdMicros: micros(row.paid_micros),
        reversedUsdMicros: micros(row.reversed_micros),
      },
    }
  },
})
