/**
 * How accounts' figures went: one row for each minute in which the engine valued an account, the last of that minute. Rows go
 * round in a ring, so that an account has at most MINUTES_MAX of them, however long it trades.
 */
import type { EngineEvent } from '../../events/noctant/engine.ts'
import type { ReadModels } from '../../postgres/database.ts'
import { integer, numeric, time, uuid } from '../columns.ts'
import { type Change, defineProjection, defineTable, type RowOf, upsert } from '../projection.ts'
import { noctantTables } from './tables.ts'

/** A day and a third: a row is written anew by what happens so many minutes later. */
const MINUTES_MAX = 2_000
const MINUTE_MS = 60_000

export const accountCurve = defineTable({
  name: 'noctant_account_curve',
  key: ['account_id', 'slot'],
  columns: {
    account_id: uuid,
    /** The minute's place in the ring. */
    slot: integer,
    at: time,
    balance: numeric,
    equity: numeric,
  },
})
export type CurvePoint = Pick<RowOf<typeof accountCurve>, 'at' | 'balance' | 'equity'>

interface Figures {
  accountId: string
  balance: string
  equity: string
  occurredAt: string
}

function point({ accountId, balance, equity, occurredAt }: Figures): Change[] {
  const slot = Math.floor(Date.parse(occurredAt) / MINUTE_MS) % MINUTES_MAX
  return [upsert(accountCurve, { account_id: accountId, slot, at: occurredAt, balance, equity })]
}

export const accountCurveProjection = defineProjection<EngineEvent>({
  name: 'noctant.accountCurve',
  version: 1,
  onPoison: 'park',
  tables: [accountCurve],
  handlers: {
    'noctant.EngineAccountOpened.v1': ({ data }) => point({ ...data, equity: data.balance }),
    'noctant.EngineAccountMarked.v1': ({ data }) => point(data),
  },
})

/** The account's points of this time, the oldest first. Both ends are RFC 3339 and included. */
export const listCurve = (db: ReadModels, accountId: string, from: string, until: string): Promise<CurvePoint[]> =>
  noctantTables(db)
    .selectFrom('noctant_account_curve')
    .select(['at', 'balance', 'equity'])
    .where('account_id', '=', accountId)
    .where('at', '>=', from)
    .where('at', '<=', until)
    .orderBy('at')
    .execute()
