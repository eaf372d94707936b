/** Provider keys: where each is used, whether it may be, and its secret, sealed. */
import type { ProviderKeyEvent } from '../../events/rungate/provider-key.ts'
import type { ReadModels } from '../../postgres/database.ts'
import { snake } from '../../runtime/letter-case.ts'
import { text, time, uuid } from '../columns.ts'
import { defineProjection, defineTable, patch, type RowOf, upsert, type WrittenOf } from '../projection.ts'
import { preparedOne, type Query, rungateTables } from './tables.ts'

export type ProviderKeyStatus = 'active' | 'disabled' | 'deleted'

export const providerKeys = defineTable({
  name: 'rungate_provider_keys',
  key: ['key_id'],
  columns: {
    key_id: uuid,
    account_id: uuid,
    provider: text,
    name: text,
    base_url: text.orNull,
    secret_id: uuid,
    /** Null once the key is deleted. */
    sealed: text.orNull,
    masked: text.orNull,
    status: text.of<ProviderKeyStatus>(),
    rotated_at: time.orNull,
    created_at: time,
    updated_at: time,
  },
  indexes: ['(account_id, created_at DESC, key_id DESC)'],
})
export type ProviderKeyRow = RowOf<typeof providerKeys>

const changed = (data: ProviderKeyEvent['data'], values: Partial<Omit<WrittenOf<typeof providerKeys>, 'key_id'>>) => [
  patch(providerKeys, snake(data, 'keyId'), { ...values, updated_at: data.occurredAt }),
]

export const providerKeyProjection = defineProjection<ProviderKeyEvent>({
  name: 'rungate.providerKey',
  version: 1,
  onPoison: 'park',
  tables: [providerKeys],
  handlers: {
    'rungate.ProviderKeyAdded.v1': ({ data }) => {
      const { occurred_at: created_at, author: _, ...facts } = snake(data)
      const times = { rotated_at: null, created_at, updated_at: created_at }
      return [upsert(providerKeys, { ...facts, status: 'active', ...times })]
    },
    'rungate.ProviderKeyChanged.v1': ({ data }) => changed(data, snake(data, 'name', 'baseUrl')),
    'rungate.ProviderKeyRotated.v1': ({ data }) =>
      changed(data, { ...snake(data, 'secretId', 'sealed', 'masked'), rotated_at: data.occurredAt }),
    'rungate.ProviderKeyDisabled.v1': ({ data }) => changed(data, { status: 'disabled' }),
    'rungate.ProviderKeyEnabled.v1': ({ data }) => changed(data, { status: 'active' }),
    'rungate.ProviderKeyDeleted.v1': ({ data }) => changed(data, { status: 'deleted', sealed: null, masked: null }),
  },
})

export const findProviderKey = preparedOne((db, accountId: string, keyId: string) =>
  db.selectFrom('rungate_provider_keys').selectAll().where('account_id', '=', accountId).where('key_id', '=', keyId),
)

interface Filter {
  accountId: string
  provider?: string | undefined
  /** Default: all but the deleted ones. */
  status?: ProviderKeyStatus | undefined
}
export const providerKeysOf: Query<'rungate_provider_keys', Filter> = (db, { accountId, provider, status }) => {
  let query = rungateTables(db).selectFrom('rungate_provider_keys').selectAll().where('account_id', '=', accountId)
  if (provider !== undefined) query = query.where('provider', '=', provider)
  query = status ? query.where('status', '=', status) : query.where('status', '!=', 'deleted')
  return query.orderBy('created_at', 'desc').orderBy('key_id', 'desc')
}

/** Keys of this provider that calls can be made with. */
export async function countActiveKeys(db: ReadModels, accountId: string, provider: string): Promise<number> {
  const { count } = await rungateTables(db)
    .selectFrom('rungate_provider_keys')
    .select((of) => of.fn.countAll<string>().as('count'))
    .where('account_id', '=', accountId)
    .where('provider', '=', provider)
    .where('status', '=', 'active')
    .executeTakeFirstOrThrow()
  return Number(count)
}
