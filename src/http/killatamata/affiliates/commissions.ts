/** GET affiliates/me/commissions and affiliates/me/payouts: what deposits have brought, and what was paid of it. */
import { z } from '@hono/zod-openapi'
import { affiliateNotFound } from '../../../commands/killatamata/affiliate.ts'
import { MICROS_PER_CENT, numberOf } from '../../../commands/killatamata/money.ts'
import { provider } from '../../../events/killatamata/vocabulary.ts'
import {
  commissionStatus,
  findAffiliate,
  listCommissions,
  listPayouts,
} from '../../../projections/killatamata/affiliate.ts'
import { json } from '../../answers.ts'
import { timeOut } from '../../schemas.ts'
import { accountKey, read } from '../access.ts'
import { listLimit } from '../list-limit.ts'

const COMMISSIONS_DEFAULT = 100
const PAYOUTS_DEFAULT = 20

const commission = z
  .object({
    ...{ commissionId: z.string(), provider, depositUsdCents: z.int(), commissionUsdMicros: z.int() },
    status: z.enum(['pending', 'available', 'requested', 'paid', 'reversed']),
    ...{ createdAt: timeOut, availableAt: timeOut },
  })
  .openapi('AffiliateCommission')

export const listAffiliateCommissions = read({
  path: '/api/v1/affiliates/me/commissions',
  id: 'listAffiliateCommissions',
  tags: ['affiliates'],
  summary: 'List affiliate commissions',
  description: 'Newest first. Nothing says whose deposits they are.',
  access: accountKey,
  query: z.object({ limit: listLimit }),
  isList: true,
  answer: json(
    z.object({ ok: z.literal(true), commissions: z.array(commission) }).openapi('AffiliateCommissionListResponse'),
    'The commissions.',
  ),
  refuses: ['affiliate_not_found'],
  async handle({ db, principal: { accountId }, query: { limit = COMMISSIONS_DEFAULT } }) {
    const [own, rows] = await Promise.all([findAffiliate(db, accountId), listCommissions(db, accountId, limit)])
    if (!own) throw affiliateNotFound()
    const commissions = rows.map((row) => {
      const status = commissionStatus(row, own)
      const shown = status === 'reversed' ? row.earned_micros : row.left_micros
      return {
        ...{ commissionId: row.commission_id, provider: row.provider, status },
        depositUsdCents: numberOf(BigInt(row.deposit_micros) / MICROS_PER_CENT),
        commissionUsdMicros: numberOf(BigInt(shown)),
        ...{ createdAt: row.created_at, availableAt: row.available_at },
      }
    })
    return { ok: true as const, commissions }
  },
})

const payout = z
  .object({ payoutId: z.string(), amountUsdMicros: z.int(), paidAt: timeOut, reference: z.string() })
  .openapi('AffiliatePayout')

export const listAffiliatePayouts = read({
  path: '/api/v1/affiliates/me/payouts',
  id: 'listAffiliatePayouts',
  tags: ['affiliates'],
  summary: 'List affiliate payout history',
  description: 'The last one first.',
  access: accountKey,
  query: z.object({ limit: listLimit }),
  isList: true,
  answer: json(
    z.object({ ok: z.literal(true), payouts: z.array(payout) }).openapi('AffiliatePayoutListResponse'),
    'The payouts.',
  ),
  refuses: ['affiliate_not_found'],
  async handle({ db, principal: { accountId }, query: { limit = PAYOUTS_DEFAULT } }) {
    const [own, rows] = await Promise.all([findAffiliate(db, accountId), listPayouts(db, accountId, limit)])
    if (!own) throw affiliateNotFound()
    const payouts = rows.map((row) => ({
      ...{ payoutId: row.payout_id ?? '', amountUsdMicros: numberOf(BigInt(row.usd_micros)) },
      ...{ paidAt: row.decided_at ?? row.created_at, reference: row.reference ?? '' },
    }))
    return { ok: true as const, payouts }
  },
})
