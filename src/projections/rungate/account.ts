/** Accounts: their standing and limits, as GET /api/account and the command line show them. */
import type { AccountEvent } from '../../events/rungate/account.ts'
import type { Tier } from '../../events/rungate/vocabulary.ts'
import type { ReadModels } from '../../postgres/database.ts'
import { snake } from '../../runtime/letter-case.ts'
import { boolean, integer, text, time, uuid } from '../columns.ts'
import { defineProjection, defineTable, patch, type RowOf, upsert, type WrittenOf } from '../projection.ts'
import { preparedOne, rungateTables } from './tables.ts'

export const accounts = defineTable({
  name: 'rungate_accounts',
  key: ['account_id'],
  columns: {
    account_id: uuid,
    slug: text.unique,
    name: text,
    tier: text.of<Tier>(),
    status: text.of<'active' | 'suspended'>(),
    is_hosted: boolean,
    step_limit: integer.orNull,
    created_at: time,
    updated_at: time,
  },
})
export type AccountRow = RowOf<typeof accounts>

type Data = AccountEvent['data']
const changed = (data: Data, values: Partial<Omit<WrittenOf<typeof accounts>, 'account_id'>>) => [
  patch(accounts, snake(data, 'accountId'), { ...values, updated_at: data.occurredAt }),
]

export const accountProjection = defineProjection<AccountEvent>({
  name: 'rungate.account',
  version: 1,
  onPoison: 'park',
  tables: [accounts],
  handlers: {
    'rungate.AccountRegistered.v1': ({ data }) => {
      const { occurred_at: created_at, ...facts } = snake(data)
      return [upsert(accounts, { ...facts, status: 'active', step_limit: null, created_at, updated_at: created_at })]
    },
    'rungate.AccountRenamed.v1': ({ data }) => changed(data, snake(data, 'name')),
    'rungate.AccountSuspended.v1': ({ data }) => changed(data, { status: 'suspended' }),
    'rungate.AccountResumed.v1': ({ data }) => changed(data, { status: 'active' }),
    'rungate.TierChanged.v1': ({ data }) => changed(data, snake(data, 'tier')),
    'rungate.StepLimitSet.v1': ({ data }) => changed(data, snake(data, 'stepLimit')),
  },
})

export const findAccount = preparedOne((db, accountId: string) =>
  db.selectFrom('rungate_accounts').selectAll().where('account_id', '=', accountId),
)

/** Oldest first, at most `limit`. */
export const listAccounts = (db: ReadModels, limit = 1_000): Promise<AccountRow[]> =>
  rungateTables(db).selectFrom('rungate_accounts').selectAll().orderBy('created_at').limit(limit).execute()
