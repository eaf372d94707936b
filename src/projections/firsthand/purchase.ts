/** Purchases and automatic top-ups with what is still to be done about each: the sweeps look here. */
import type { PurchaseEvent, PurchaseStatus, TopUpEvent } from '../../events/firsthand/purchase.ts'
import type { Environment } from '../../events/firsthand/vocabulary.ts'
import type { WalletEvent } from '../../events/firsthand/wallet.ts'
import type { ReadModels } from '../../postgres/database.ts'
import { snake } from '../../runtime/letter-case.ts'
import { bigint, boolean, byBeginning, integer, text, time } from '../columns.ts'
import { defineProjection, defineTable, patch, type RowOf, upsert } from '../projection.ts'
import { firsthandTables } from './tables.ts'

const ofWallet = { organization_id: text, environment: text.of<Environment>() }

export const purchases = defineTable({
  name: 'firsthand_purchases',
  key: ['session_id'],
  columns: {
    session_id: text,
    ...ofWallet,
    purchase_id: text,
    amount_cents: bigint,
    status: text.of<PurchaseStatus>(),
    /** Whether its wallet has the credits. */
    is_credited: boolean,
    reversed_cents: bigint,
    started_at: time,
  },
  indexes: [
    byBeginning('session_id'),
    byBeginning('purchase_id'),
    '(purchase_id)',
    "(started_at) WHERE status = 'open' OR (status = 'paid' AND NOT is_credited)",
  ],
})
export type PurchaseRow = RowOf<typeof purchases>

export const topUps = defineTable({
  name: 'firsthand_top_ups',
  key: ['top_up_id'],
  columns: {
    top_up_id: text,
    ...ofWallet,
    amount_cents: bigint,
    status: text.of<'due' | 'started' | 'waiting' | 'paid' | 'declined' | 'settled' | 'cancelled' | 'failed'>(),
    attempts: integer,
    reason: text.orNull,
    /** Null: nothing is left to be done. */
    next_at: time.orNull,
    due_at: time,
  },
  indexes: ['(next_at) WHERE next_at IS NOT NULL'],
})
export type TopUpRow = RowOf<typeof topUps>

const session = (sessionId: string) => ({ session_id: sessionId })
const topUp = (topUpId: string) => ({ top_up_id: topUpId })

export const purchaseProjection = defineProjection<PurchaseEvent | TopUpEvent | WalletEvent>({
  name: 'firsthand.purchase',
  version: 2,
  onPoison: 'halt',
  tables: [purchases, topUps],
  handlers: {
    'firsthand.PurchaseStarted.v1': ({ data }) => [
      upsert(purchases, {
        ...snake(data, 'sessionId', 'organizationId', 'environment', 'purchaseId', 'amountCents'),
        ...{ status: 'open', is_credited: false, reversed_cents: '0', started_at: data.occurredAt },
      }),
    ],
    'firsthand.PurchasePaid.v1': ({ data }) => [patch(purchases, session(data.sessionId), { status: 'paid' })],
    'firsthand.PurchaseFailed.v1': ({ data }) => [patch(purchases, session(data.sessionId), { status: 'failed' })],
    'firsthand.PurchaseExpired.v1': ({ data }) => [patch(purchases, session(data.sessionId), { status: 'expired' })],
    'firsthand.PurchaseQuarantined.v1': ({ data }) => [
      patch(purchases, session(data.sessionId), { status: 'quarantined' }),
    ],
    'firsthand.PurchaseReversed.v1': ({ data }) => [
      patch(purchases, session(data.sessionId), { reversed_cents: data.reversedCents }),
    ],
    'firsthand.CreditsPurchased.v1': ({ data: { source } }) =>
      source.kind === 'checkout' ? [patch(purchases, session(source.id), { is_credited: true })] : [],
    'firsthand.AutoTopUpDue.v1': ({ data }) => [
      upsert(topUps, {
        ...snake(data, 'topUpId', 'organizationId', 'environment', 'amountCents'),
        ...{ status: 'due', attempts: 0, reason: null, next_at: data.occurredAt, due_at: data.occurredAt },
      }),
    ],
    'firsthand.TopUpStarted.v1': ({ data: { topUpId, attempt, occurredAt } }) => [
      patch(topUps, topUp(topUpId), { status: 'started', attempts: attempt, next_at: occurredAt }),
    ],
    'firsthand.TopUpPaid.v1': ({ data: { topUpId, occurredAt } }) => [
      patch(topUps, topUp(topUpId), { status: 'paid', next_at: occurredAt }),
    ],
    'firsthand.TopUpDeclined.v1': ({ data: { topUpId, reason, nextAttemptAt, occurredAt } }) => [
      patch(topUps, topUp(topUpId), {
        ...{ status: nextAttemptAt === null ? 'declined' : 'waiting', reason },
        // Its wallet is still to be told where it was the last time.
        next_at: nextAttemptAt ?? occurredAt,
      }),
    ],
    'firsthand.AutoTopUpSettled.v1': ({ data: { topUpId } }) => [
      patch(topUps, topUp(topUpId), { status: 'settled', next_at: null }),
    ],
    'firsthand.AutoTopUpCancelled.v1': ({ data: { topUpId } }) => [
      patch(topUps, topUp(topUpId), { status: 'cancelled', next_at: null }),
    ],
    'firsthand.AutoTopUpFailed.v1': ({ data: { topUpId } }) => [
      patch(topUps, topUp(topUpId), { status: 'failed', next_at: null }),
    ],
  },
})

/** Sessions that began by then and are open, or are paid and not credited: the oldest first, after this one. */
export function findUnsettledPurchases(
  db: ReadModels,
  startedBefore: string,
  after: Pick<PurchaseRow, 'started_at' | 'session_id'> | undefined,
  limit: number,
): Promise<PurchaseRow[]> {
  const unsettled = firsthandTables(db)
    .selectFrom('firsthand_purchases')
    .selectAll()
    .where((each) =>
      each.or([each('status', '=', 'open'), each.and([each('status', '=', 'paid'), each('is_credited', '=', false)])]),
    )
    .where('started_at', '<=', startedBefore)
  const rest =
    after &&
    unsettled.where(({ eb, refTuple, tuple }) =>
      eb(refTuple('started_at', 'session_id'), '>', tuple(after.started_at, after.session_id)),
    )
  return (rest ?? unsettled).orderBy('started_at').orderBy('session_id').limit(limit).execute()
}

/** Top-ups about which something is to be done by now, those that have waited longest first. */
export const findDueTopUps = (db: ReadModels, at: string, limit: number): Promise<TopUpRow[]> =>
  firsthandTables(db)
    .selectFrom('firsthand_top_ups')
    .selectAll()
    .where('next_at', 'is not', null)
    .where('next_at', '<=', at)
    .orderBy('next_at')
    .limit(limit)
    .execute()

/** Those of these that are known. */
export const findTopUps = async (db: ReadModels, ids: readonly string[]): Promise<TopUpRow[]> =>
  ids.length === 0
    ? []
    : firsthandTables(db).selectFrom('firsthand_top_ups').selectAll().where('top_up_id', 'in', ids).execute()
