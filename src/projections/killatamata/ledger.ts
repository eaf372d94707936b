/** Balances of accounts, the postings that they are made of, and holds that are open. */
import type { LedgerEvent, Posting } from '../../events/killatamata/ledger.ts'
import type { ReadModels } from '../../postgres/database.ts'
import { snake } from '../../runtime/letter-case.ts'
import { bigint, integer, text, time, uuid } from '../columns.ts'
import { type Change, defineProjection, defineTable, type RowOf, remove, upsert } from '../projection.ts'
import { killatamataTables, preparedOne } from './tables.ts'

export const balances = defineTable({
  name: 'killatamata_balances',
  key: ['account_id'],
  columns: {
    account_id: text,
    available_micros: bigint,
    held_micros: bigint,
    owed_micros: bigint,
    /** The period of the ledger that was open last: a process that knows nothing begins there. */
    period: integer,
    updated_at: time,
  },
})
export type BalanceRow = RowOf<typeof balances>

export const postings = defineTable({
  name: 'killatamata_postings',
  key: ['event_id', 'entry'],
  columns: {
    event_id: uuid,
    entry: integer,
    account_id: text,
    account: text.of<Posting['account']>(),
    side: text.of<Posting['side']>(),
    usd_micros: bigint,
    posted_at: time,
  },
  indexes: ['(account_id, posted_at DESC)'],
})

export const holds = defineTable({
  name: 'killatamata_holds',
  key: ['hold_id'],
  columns: { hold_id: text, account_id: text, job_id: text, usd_micros: bigint, placed_at: time },
  indexes: ['(placed_at)'],
})
export type HoldRow = RowOf<typeof holds>

type Moved = Extract<LedgerEvent, { data: { postings: Posting[] } }>['data']

/** The balances as they are now, and the postings. */
function moved(event_id: string, { accountId: account_id, period, after, postings: all, occurredAt }: Moved): Change[] {
  return [
    upsert(balances, {
      ...{ account_id, period, updated_at: occurredAt },
      ...snake(after, 'availableMicros', 'heldMicros', 'owedMicros'),
    }),
    ...all.map(({ account, side, usdMicros: usd_micros }, entry) =>
      upsert(postings, { event_id, entry, account_id, account, side, usd_micros, posted_at: occurredAt }),
    ),
  ]
}

export const ledgerProjection = defineProjection<LedgerEvent>({
  name: 'killatamata.ledger',
  version: 1,
  onPoison: 'halt',
  tables: [balances, postings, holds],
  handlers: {
    'killatamata.DepositCredited.v1': ({ id, data }) => moved(id, data),
    'killatamata.DepositReversed.v1': ({ id, data }) => moved(id, data),
    'killatamata.HoldPlaced.v1': ({ id, data }) => [
      ...moved(id, data),
      upsert(holds, { ...snake(data, 'holdId', 'accountId', 'jobId', 'usdMicros'), placed_at: data.occurredAt }),
    ],
    'killatamata.HoldCaptured.v1': ({ id, data }) => [...moved(id, data), remove(holds, snake(data, 'holdId'))],
    'killatamata.HoldReleased.v1': ({ id, data }) => [...moved(id, data), remove(holds, snake(data, 'holdId'))],
    'killatamata.LedgerPeriodOpened.v1': ({
      data: { accountId: account_id, period, balances: carried, occurredAt },
    }) => [
      upsert(balances, {
        ...{ account_id, period, updated_at: occurredAt },
        ...snake(carried, 'availableMicros', 'heldMicros', 'owedMicros'),
      }),
    ],
  },
})

/** Undefined: the account has had no money yet. */
export const findBalance = preparedOne((db, accountId: string) =>
  db.selectFrom('killatamata_balances').selectAll().where('account_id', '=', accountId),
)

/** Of one account, the newest first. */
export const listPostings = (db: ReadModels, accountId: string, limit: number) =>
  killatamataTables(db)
    .selectFrom('killatamata_postings')
    .selectAll()
    .where('account_id', '=', accountId)
    .orderBy('posted_at', 'desc')
    .orderBy('event_id')
    .orderBy('entry')
    .limit(limit)
    .execute()

/** Holds that were placed before this time (RFC 3339) and are open, the oldest first. */
export const findOldHolds = (db: ReadModels, before: string, limit: number): Promise<HoldRow[]> =>
  killatamataTables(db)
    .selectFrom('killatamata_holds')
    .selectAll()
    .where('placed_at', '<', before)
    .orderBy('placed_at')
    .orderBy('hold_id')
    .limit(limit)
    .execute()

/** What has gone into an account of the house in all, debits less credits, over all customers. */
export async function sumOfPostings(db: ReadModels, account: Posting['account']): Promise<bigint> {
  const rows = await killatamataTables(db)
    .selectFrom('killatamata_postings')
    .select(({ fn }) => ['side', fn.sum<string>('usd_micros').as('sum')])
    .where('account', '=', account)
    .groupBy('side')
    .execute()
  return rows.reduce((total, { side, sum }) => (side === 'debit' ? total + BigInt(sum) : total - BigInt(sum)), 0n)
}
