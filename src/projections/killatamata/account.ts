/** Accounts, and their API keys with the hash that a presented key is compared with. */
import type { AccountEvent, ApiKeyEvent } from '../../events/killatamata/account.ts'
import type { ReadModels } from '../../postgres/database.ts'
import { snake } from '../../runtime/letter-case.ts'
import { boolean, byBeginning, text, time } from '../columns.ts'
import { defineProjection, defineTable, patch, type RowOf, upsert } from '../projection.ts'
import { killatamataTables } from './tables.ts'

export const accounts = defineTable({
  name: 'killatamata_accounts',
  key: ['account_id'],
  columns: {
    account_id: text,
    status: text.of<'active' | 'forgotten'>(),
    /** Personal; null once the person is forgotten. */
    email: text.orNull,
    is_admin: boolean,
    created_at: time,
  },
  indexes: [byBeginning('account_id'), '(email)'],
})
export type AccountRow = RowOf<typeof accounts>

export const apiKeys = defineTable({
  name: 'killatamata_api_keys',
  key: ['key_id'],
  columns: {
    key_id: text,
    account_id: text,
    /** The id in the key's own text. */
    text_id: text,
    /** SHA-256 of the key, hex. */
    key_hash: text,
    key_prefix: text,
    label: text.orNull,
    status: text.of<'active' | 'revoked' | 'expired'>(),
    revoked_at: time.orNull,
    created_at: time,
  },
  indexes: ['(account_id, created_at DESC, key_id DESC)'],
})
export type ApiKeyRow = RowOf<typeof apiKeys>

/** Beside the keys: their streams are others, and a row is written at most once for each key and day. */
export const keyUses = defineTable({
  name: 'killatamata_key_uses',
  key: ['key_id'],
  columns: { key_id: text, account_id: text, last_used_at: time },
})

export const accountProjection = defineProjection<AccountEvent>({
  name: 'killatamata.account',
  version: 2,
  onPoison: 'park',
  tables: [accounts, apiKeys],
  handlers: {
    'killatamata.AccountOpened.v1': ({ data }) => [
      upsert(accounts, {
        ...snake(data, 'accountId', 'email'),
        ...{ status: 'active', is_admin: false, created_at: data.occurredAt },
      }),
    ],
    'killatamata.AdminGranted.v1': ({ data }) => [patch(accounts, snake(data, 'accountId'), { is_admin: true })],
    'killatamata.AdminRevoked.v1': ({ data }) => [patch(accounts, snake(data, 'accountId'), { is_admin: false })],
    'killatamata.ApiKeyIssued.v1': ({ data }) => [
      upsert(apiKeys, {
        ...snake(data, 'keyId', 'accountId', 'textId', 'keyHash', 'keyPrefix', 'label'),
        ...{ status: 'active', revoked_at: null, created_at: data.occurredAt },
      }),
    ],
    'killatamata.ApiKeyRevoked.v1': ({ data }) => [
      patch(apiKeys, snake(data, 'keyId'), { status: 'revoked', revoked_at: data.occurredAt }),
    ],
    'killatamata.ApiKeyExpired.v1': ({ data }) => [patch(apiKeys, snake(data, 'keyId'), { status: 'expired' })],
    'killatamata.AccountForgotten.v1': ({ data }) => [
      patch(accounts, snake(data, 'accountId'), { status: 'forgotten', email: null, is_admin: false }),
    ],
  },
})

export const keyUseProjection = defineProjection<ApiKeyEvent>({
  name: 'killatamata.keyUse',
  version: 1,
  onPoison: 'park',
  tables: [keyUses],
  handlers: {
    'killatamata.ApiKeyUsed.v1': ({ data }) => [
      upsert(keyUses, { ...snake(data, 'keyId', 'accountId'), last_used_at: data.occurredAt }),
    ],
  },
})

export type ListedKey = ApiKeyRow & { last_used_at: string | null }

/** Keys of an account, those that have ended too, newest first. */
export const listApiKeys = (db: ReadModels, accountId: string, limit: number): Promise<ListedKey[]> =>
  killatamataTables(db)
    .selectFrom('killatamata_api_keys as key')
    .leftJoin('killatamata_key_uses as use', 'use.key_id', 'key.key_id')
    .selectAll('key')
    .select('use.last_used_at')
    .where('key.account_id', '=', accountId)
    .orderBy('key.created_at', 'desc')
    .orderBy('key.key_id', 'desc')
    .limit(limit)
    .execute()

/** Keys that work and were neither made nor used since this time (RFC 3339), at most `limit`. */
export const findIdleKeys = (db: ReadModels, since: string, limit: number) =>
  killatamataTables(db)
    .selectFrom('killatamata_api_keys as key')
    .leftJoin('killatamata_key_uses as use', 'use.key_id', 'key.key_id')
    .select(['key.key_id', 'key.account_id'])
    .where('key.status', '=', 'active')
    .where('key.created_at', '<', since)
    .where((each) => each.or([each('use.last_used_at', 'is', null), each('use.last_used_at', '<', since)]))
    .limit(limit)
    .execute()

/** Whether there is such an account, forgotten or not. */
export async function existsAccount(db: ReadModels, accountId: string): Promise<boolean> {
  const found = killatamataTables(db).selectFrom('killatamata_accounts').select('account_id')
  return (await found.where('account_id', '=', accountId).executeTakeFirst()) !== undefined
}
