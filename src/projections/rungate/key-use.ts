/** When each provider key was asked with last, and in how many runs. Kept beside the keys: a row for each, however many calls. */
import { sql } from 'kysely'
import type { DeskEvent } from '../../events/rungate/desk.ts'
import type { ReadModels } from '../../postgres/database.ts'
import { time, uuid } from '../columns.ts'
import { defineProjection, defineTable, upsert } from '../projection.ts'
import { rungateTables } from './tables.ts'

export const keyUses = defineTable({
  name: 'rungate_key_uses',
  key: ['key_id'],
  columns: { key_id: uuid, account_id: uuid, last_used_at: time },
})

export const keyUseProjection = defineProjection<DeskEvent>({
  name: 'rungate.keyUse',
  version: 1,
  onPoison: 'park',
  tables: [keyUses],
  handlers: {
    'rungate.CallSettled.v1': ({ data: { attempts, accountId: account_id, occurredAt: last_used_at } }) =>
      [...new Set(attempts.map(({ keyId }) => keyId))].map((key_id) =>
        upsert(keyUses, { key_id, account_id, last_used_at }),
      ),
  },
})

/** By the key’s id; RFC 3339. A key that was never asked with is not among them. */
export async function lastUsesOf(db: ReadModels, keyIds: readonly string[]): Promise<Map<string, string>> {
  if (keyIds.length === 0) return new Map()
  const query = rungateTables(db)
    .selectFrom('rungate_key_uses')
    .selectAll()
    .where('key_id', 'in', [...keyIds])
  return new Map((await query.execute()).map(({ key_id, last_used_at }) => [key_id, last_used_at]))
}

/** Runs of the account in which the key was asked with since a time. */
export async function runsWithKey(db: ReadModels, accountId: string, keyId: string, since: string): Promise<number> {
  const { rows } = await sql<{ runs: number }>`SELECT count(DISTINCT run_id)::integer AS runs FROM rungate_steps
    WHERE account_id = ${accountId}::uuid AND provider_key_id = ${keyId}::uuid AND created_at >= ${since}::timestamptz`.execute(
    db,
  )
  return rows[0]?.runs ?? 0
}
