/** Days of which an account's contents can still be read: each has a key of its own in the vault. */
import { sql } from 'kysely'
import type { ReadModels } from '../../postgres/database.ts'

/** The keys' ids, `<account>/<day>`, of days before this one. */
export async function contentDaysBefore(
  db: ReadModels,
  { kind, accountId, day }: { kind: string; accountId: string; day: string },
  limit: number,
): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`SELECT id FROM vault.keys WHERE kind = ${kind}
      AND id >= ${`${accountId}/`} AND id < ${`${accountId}/${day}`} AND wrapped_key IS NOT NULL
    ORDER BY id LIMIT ${limit}`.execute(db)
  return rows.map(({ id }) => id)
}
