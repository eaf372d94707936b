/** Settlements of payments with what is still to be done about each, and payments of x402: the sweeps look here. */
import { sql } from 'kysely'
import type { SettlementEvent } from '../../events/killatamata/payment.ts'
import type { CheckoutProvider } from '../../events/killatamata/vocabulary.ts'
import type { X402PaymentEvent } from '../../events/killatamata/x402.ts'
import type { ReadModels } from '../../postgres/database.ts'
import { snake } from '../../runtime/letter-case.ts'
import { bigint, byBeginning, text, time, uuid } from '../columns.ts'
import { defineProjection, defineTable, patch, type RowOf, upsert } from '../projection.ts'
import { killatamataTables } from './tables.ts'

export const settlements = defineTable({
  name: 'killatamata_settlements',
  key: ['settlement_id'],
  columns: {
    settlement_id: uuid,
    provider: text.of<CheckoutProvider>(),
    provider_id: text,
    /** Null: nobody here has opened it. */
    account_id: text.orNull,
    checkout_id: text.orNull,
    package_code: text.orNull,
    /** What was sold; where nobody here has opened it, what was paid. */
    usd_cents: bigint,
    /** What came, in hundredths of its currency, where people have to look at it. */
    paid_cents: bigint.orNull,
    paid_currency: text.orNull,
    reversed_cents: bigint,
    status: text.of<'noticed' | 'confirmed' | 'credited' | 'lapsed' | 'mismatched' | 'unmatched'>(),
    payment_intent_id: text.orNull,
    noticed_at: time,
  },
  indexes: [
    byBeginning('provider_id'),
    '(provider_id)',
    byBeginning('payment_intent_id'),
    '(checkout_id) WHERE checkout_id IS NOT NULL',
    "(noticed_at) WHERE status IN ('noticed', 'confirmed')",
    "(noticed_at) WHERE status IN ('unmatched', 'mismatched')",
    '(payment_intent_id) WHERE payment_intent_id IS NOT NULL',
  ],
})
export type SettlementRow = RowOf<typeof settlements>

export const settlementProjection = defineProjection<SettlementEvent>({
  name: 'killatamata.settlement',
  version: 3,
  onPoison: 'halt',
  tables: [settlements],
  handlers: {
    'killatamata.PaymentNoticed.v1': ({ data }) => [
      upsert(settlements, {
        ...snake(data, 'settlementId', 'provider', 'providerId', 'accountId', 'checkoutId', 'packageCode', 'usdCents'),
        ...{ reversed_cents: '0', status: 'noticed', payment_intent_id: null, noticed_at: data.occurredAt },
        ...{ paid_cents: null, paid_currency: null },
      }),
    ],
    'killatamata.UnmatchedPaymentNoticed.v1': ({ data }) => [
      upsert(settlements, {
        ...snake(data, 'settlementId', 'provider', 'providerId', 'usdCents'),
        ...{ account_id: null, checkout_id: null, package_code: null, reversed_cents: '0', status: 'unmatched' },
        ...{ payment_intent_id: null, noticed_at: data.occurredAt },
        ...{ paid_cents: data.usdCents, paid_currency: data.currency },
      }),
    ],
    'killatamata.PaymentConfirmed.v1': ({ data }) => [
      patch(settlements, snake(data, 'settlementId'), { status: 'confirmed', ...snake(data, 'paymentIntentId') }),
    ],
    'killatamata.SettlementResolved.v1': ({ data }) => [
      patch(settlements, snake(data, 'settlementId'), { status: 'confirmed', ...snake(data, 'accountId', 'usdCents') }),
    ],
    'killatamata.SettlementCredited.v1': ({ data }) => [
      patch(settlements, snake(data, 'settlementId'), { status: 'credited' }),
    ],
    'killatamata.SettlementMismatched.v1': ({ data }) => [
      patch(settlements, snake(data, 'settlementId'), {
        ...{ status: 'mismatched', paid_cents: data.usdCents, paid_currency: data.currency },
      }),
    ],
    'killatamata.PaymentLapsed.v1': ({ data }) => [
      patch(settlements, snake(data, 'settlementId'), { status: 'lapsed' }),
    ],
    'killatamata.PaymentReversed.v1': ({ data }) => [
      patch(settlements, snake(data, 'settlementId'), snake(data, 'reversedCents')),
    ],
  },
})

/** Payments that were noticed by then and are neither credited nor ended: the oldest first, after this one. */
export function findOpenSettlements(
  db: ReadModels,
  noticedBefore: string,
  after: Pick<SettlementRow, 'noticed_at' | 'settlement_id'> | undefined,
  limit: number,
): Promise<SettlementRow[]> {
  const open = killatamataTables(db)
    .selectFrom('killatamata_settlements')
    .selectAll()
    .where('status', 'in', ['noticed', 'confirmed'])
    .where('noticed_at', '<=', noticedBefore)
  const rest =
    after &&
    open.where(({ eb, refTuple, tuple }) =>
      eb(refTuple('noticed_at', 'settlement_id'), '>', tuple(after.noticed_at, after.settlement_id)),
    )
  return (rest ?? open).orderBy('noticed_at').orderBy('settlement_id').limit(limit).execute()
}

/** Payments that people have to look at, newest first. */
export const listSettlements = (
  db: ReadModels,
  status: 'unmatched' | 'mismatched',
  limit: number,
): Promise<SettlementRow[]> =>
  killatamataTables(db)
    .selectFrom('killatamata_settlements')
    .selectAll()
    .where('status', '=', status)
    .orderBy('noticed_at', 'desc')
    .limit(limit)
    .execute()

export const x402Payments = defineTable({
  name: 'killatamata_x402_payments',
  key: ['payment_id'],
  columns: {
    payment_id: uuid,
    account_id: text,
    purchase_id: text,
    usd_cents: bigint,
    status: text.of<'claimed' | 'settled' | 'credited' | 'failed'>(),
    transaction: text.orNull,
    claimed_at: time,
  },
  indexes: [byBeginning('purchase_id'), '(purchase_id)', "(claimed_at) WHERE status IN ('claimed', 'settled')"],
})

export const x402Projection = defineProjection<X402PaymentEvent>({
  name: 'killatamata.x402',
  version: 2,
  onPoison: 'halt',
  tables: [x402Payments],
  handlers: {
    'killatamata.X402PaymentClaimed.v1': ({ data }) => [
      upsert(x402Payments, {
        ...snake(data, 'paymentId', 'accountId', 'purchaseId', 'usdCents'),
        ...{ status: 'claimed', transaction: null, claimed_at: data.occurredAt },
      }),
    ],
    'killatamata.X402PaymentSettled.v1': ({ data }) => [
      patch(x402Payments, snake(data, 'paymentId'), { status: 'settled', transaction: data.transaction }),
    ],
    'killatamata.X402PaymentFailed.v1': ({ data }) => [
      patch(x402Payments, snake(data, 'paymentId'), { status: 'failed' }),
    ],
    'killatamata.X402PaymentCredited.v1': ({ data }) => [
      patch(x402Payments, snake(data, 'paymentId'), { status: 'credited' }),
    ],
  },
})

/** When the installation began, by its database; undefined: it has no log of its own yet. */
export async function findFirstStart(db: ReadModels): Promise<Date | undefined> {
  const { rows } = await sql<{ recorded_at: string }>`SELECT recorded_at FROM opslog_log`.execute(db)
  return rows[0] && new Date(rows[0].recorded_at)
}

/** Payments that were claimed by then and have no end, the oldest first. */
export const findOpenX402Payments = (db: ReadModels, claimedBefore: string, limit: number) =>
  killatamataTables(db)
    .selectFrom('killatamata_x402_payments')
    .select(['payment_id', 'account_id'])
    .where('status', 'in', ['claimed', 'settled'])
    .where('claimed_at', '<=', claimedBefore)
    .orderBy('claimed_at')
    .limit(limit)
    .execute()
