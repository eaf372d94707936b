/** Affiliates with their standing, their codes, their commissions and what they have requested. */
import type { AccountEvent } from '../../events/killatamata/account.ts'
import type { AffiliateCodeEvent, AffiliateEvent, Standing } from '../../events/killatamata/affiliate.ts'
import type { Provider } from '../../events/killatamata/vocabulary.ts'
import type { ReadModels } from '../../postgres/database.ts'
import { snake } from '../../runtime/letter-case.ts'
import { bigint, byBeginning, integer, text, time } from '../columns.ts'
import { defineProjection, defineTable, erase, patch, type RowOf, upsert } from '../projection.ts'
import { killatamataTables, preparedOne } from './tables.ts'

export const affiliates = defineTable({
  name: 'killatamata_affiliates',
  key: ['account_id'],
  columns: {
    account_id: text,
    affiliate_id: text,
    status: text.of<'active' | 'pending'>(),
    /** Personal, like the next three; null once the person is forgotten. */
    display_name: text.orNull,
    contact_email: text.orNull,
    country_code: text.orNull,
    payout_address: text.orNull,
    terms_version: text.orNull,
    pending_micros: bigint,
    available_micros: bigint,
    owed_micros: bigint,
    requested_micros: bigint,
    paid_micros: bigint,
    reversed_micros: bigint,
    deposits_usd_cents: bigint,
    paying_accounts: integer,
    matured_through: integer,
    requested_through: integer,
    paid_through: integer,
    next_matures_at: time.orNull,
    created_at: time,
  },
  indexes: [byBeginning('affiliate_id'), '(affiliate_id)', '(next_matures_at) WHERE next_matures_at IS NOT NULL'],
})
export type AffiliateRow = RowOf<typeof affiliates>

export const commissions = defineTable({
  name: 'killatamata_commissions',
  key: ['commission_id'],
  columns: {
    commission_id: text,
    account_id: text,
    /** Of this affiliate's, from 1. */
    number: integer,
    provider: text.of<Provider>(),
    deposit_micros: bigint,
    earned_micros: bigint,
    left_micros: bigint,
    available_at: time,
    created_at: time,
  },
  indexes: ['(account_id, number DESC)'],
})

export const payoutRequests = defineTable({
  name: 'killatamata_payout_requests',
  key: ['payout_request_id'],
  columns: {
    payout_request_id: text,
    account_id: text,
    usd_micros: bigint,
    status: text.of<'requested' | 'paid' | 'rejected'>(),
    /** Personal; null once the person is forgotten. */
    note: text.orNull,
    /** Of the payout; null until it is paid. */
    payout_id: text.orNull,
    reference: text.orNull,
    /** Null unless it is rejected. */
    reason: text.orNull,
    created_at: time,
    decided_at: time.orNull,
  },
  indexes: [
    byBeginning('payout_request_id'),
    '(payout_id) WHERE payout_id IS NOT NULL',
    '(account_id, created_at DESC, payout_request_id DESC)',
    "(created_at) WHERE status = 'requested'",
    "(account_id, decided_at DESC, payout_request_id DESC) WHERE status = 'paid'",
  ],
})
export type PayoutRequestRow = RowOf<typeof payoutRequests>

const stands = ({ accountId: account_id, after }: { accountId: string; after: Standing }) =>
  patch(affiliates, { account_id }, snake(after))

const nothingYet = {
  ...{ pending_micros: '0', available_micros: '0', owed_micros: '0', requested_micros: '0', paid_micros: '0' },
  ...{ reversed_micros: '0', deposits_usd_cents: '0', paying_accounts: 0 },
  ...{ matured_through: 0, requested_through: 0, paid_through: 0, next_matures_at: null },
}

export const affiliateProjection = defineProjection<
  AffiliateEvent | Extract<AccountEvent, { type: 'killatamata.AccountForgotten.v1' }>
>({
  name: 'killatamata.affiliate',
  version: 2,
  onPoison: 'halt',
  tables: [affiliates, commissions, payoutRequests],
  handlers: {
    'killatamata.AffiliateApplied.v1': ({ data: { occurredAt: created_at, ...data } }) => [
      upsert(affiliates, { ...snake(data), ...nothingYet, created_at }),
    ],
    'killatamata.AffiliateApproved.v1': ({ data }) => [
      patch(affiliates, snake(data, 'accountId'), { status: 'active' }),
    ],
    'killatamata.AffiliateUpdated.v1': ({ data }) => [
      patch(
        affiliates,
        snake(data, 'accountId'),
        snake(data, 'displayName', 'contactEmail', 'countryCode', 'payoutAddress'),
      ),
    ],
    'killatamata.CommissionEarned.v1': ({ data }) => [
      stands(data),
      upsert(commissions, {
        ...snake(data, 'commissionId', 'accountId', 'number', 'provider', 'depositMicros', 'availableAt'),
        ...{ earned_micros: data.usdMicros, left_micros: data.usdMicros, created_at: data.occurredAt },
      }),
    ],
    'killatamata.CommissionMatured.v1': ({ data }) => [stands(data)],
    'killatamata.CommissionReversed.v1': ({ data }) => [
      stands(data),
      patch(commissions, snake(data, 'commissionId'), snake(data, 'leftMicros')),
    ],
    'killatamata.PayoutRequested.v1': ({ data }) => [
      stands(data),
      upsert(payoutRequests, {
        ...snake(data, 'payoutRequestId', 'accountId', 'usdMicros', 'note'),
        ...{ status: 'requested', payout_id: null, reference: null, reason: null },
        ...{ created_at: data.occurredAt, decided_at: null },
      }),
    ],
    'killatamata.PayoutPaid.v1': ({ data }) => [
      stands(data),
      patch(payoutRequests, snake(data, 'payoutRequestId'), {
        ...snake(data, 'payoutId', 'reference'),
        ...{ status: 'paid', decided_at: data.occurredAt },
      }),
    ],
    'killatamata.PayoutRejected.v1': ({ data }) => [
      stands(data),
      patch(payoutRequests, snake(data, 'payoutRequestId'), {
        ...{ status: 'rejected', reason: data.reason, decided_at: data.occurredAt },
      }),
    ],
    'killatamata.AccountForgotten.v1': ({ data }) => [
      erase(affiliates, snake(data, 'accountId'), ['display_name', 'contact_email', 'country_code', 'payout_address']),
      erase(payoutRequests, snake(data, 'accountId'), ['note']),
    ],
  },
})

export const affiliateCodes = defineTable({
  name: 'killatamata_affiliate_codes',
  key: ['code'],
  columns: { code: text, account_id: text, clicks: integer, signups: integer, issued_at: time },
  indexes: ['(account_id)'],
})

export const affiliateCodeProjection = defineProjection<AffiliateCodeEvent>({
  name: 'killatamata.affiliateCode',
  version: 1,
  onPoison: 'park',
  tables: [affiliateCodes],
  handlers: {
    'killatamata.ReferralCodeIssued.v1': ({ data }) => [
      upsert(affiliateCodes, {
        ...snake(data, 'code', 'accountId'),
        clicks: 0,
        signups: 0,
        issued_at: data.occurredAt,
      }),
    ],
    'killatamata.ReferralCaptured.v1': ({ data }) => [
      patch(affiliateCodes, snake(data, 'code'), snake(data, 'clicks')),
    ],
    'killatamata.ReferralCounted.v1': ({ data }) => [
      patch(affiliateCodes, snake(data, 'code'), snake(data, 'signups')),
    ],
  },
})

/** Undefined: the account has not applied. */
export const findAffiliate = preparedOne((db, accountId: string) =>
  db.selectFrom('killatamata_affiliates').selectAll().where('account_id', '=', accountId),
)

/** Undefined: the affiliate has not asked for one. */
export const findOwnCode = preparedOne((db, accountId: string) =>
  db.selectFrom('killatamata_affiliate_codes').selectAll().where('account_id', '=', accountId).limit(1),
)

export type CommissionStatus = 'pending' | 'available' | 'requested' | 'paid' | 'reversed'

/** How a commission stands, by its number. */
export function commissionStatus(
  { number, left_micros, earned_micros }: Pick<RowOf<typeof commissions>, 'number' | 'left_micros' | 'earned_micros'>,
  of: Pick<AffiliateRow, 'matured_through' | 'requested_through' | 'paid_through'>,
): CommissionStatus {
  if (left_micros === '0' && earned_micros !== '0') return 'reversed'
  if (number <= of.paid_through) return 'paid'
  if (number <= of.requested_through) return 'requested'
  return number <= of.matured_through ? 'available' : 'pending'
}

/** Newest first. */
export const listCommissions = (db: ReadModels, accountId: string, limit: number) =>
  killatamataTables(db)
    .selectFrom('killatamata_commissions')
    .selectAll()
    .where('account_id', '=', accountId)
    .orderBy('number', 'desc')
    .limit(limit)
    .execute()

/** Newest first. */
export const listPayoutRequests = (db: ReadModels, accountId: string, limit: number): Promise<PayoutRequestRow[]> =>
  killatamataTables(db)
    .selectFrom('killatamata_payout_requests')
    .selectAll()
    .where('account_id', '=', accountId)
    .orderBy('created_at', 'desc')
    .orderBy('payout_request_id', 'desc')
    .limit(limit)
    .execute()

/** Those that were paid, the last first. */
export const listPayouts = (db: ReadModels, accountId: string, limit: number): Promise<PayoutRequestRow[]> =>
  killatamataTables(db)
    .selectFrom('killatamata_payout_requests')
    .selectAll()
    .where('account_id', '=', accountId)
    .where('status', '=', 'paid')
    .orderBy('decided_at', 'desc')
    .orderBy('payout_request_id', 'desc')
    .limit(limit)
    .execute()

/** Of all affiliates, those that wait for a decision, the oldest first, with where they are to be paid. */
export const listOpenPayoutRequests = (db: ReadModels, limit: number) =>
  killatamataTables(db)
    .selectFrom('killatamata_payout_requests as request')
    .innerJoin('killatamata_affiliates as affiliate', 'affiliate.account_id', 'request.account_id')
    .selectAll('request')
    .select(['affiliate.affiliate_id', 'affiliate.payout_address'])
    .where('request.status', '=', 'requested')
    .orderBy('request.created_at')
    .limit(limit)
    .execute()

export const findPayoutRequest = preparedOne((db, payoutRequestId: string) =>
  db.selectFrom('killatamata_payout_requests').selectAll().where('payout_request_id', '=', payoutRequestId),
)

/** Affiliates of whom commissions can be paid at `now` (RFC 3339) that are still pending, the longest due first. */
export const findMaturing = (db: ReadModels, now: string, limit: number) =>
  killatamataTables(db)
    .selectFrom('killatamata_affiliates')
    .select('account_id')
    .where('next_matures_at', '<=', now)
    .orderBy('next_matures_at')
    .limit(limit)
    .execute()
