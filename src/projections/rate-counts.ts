/**
 * Requests that the processes of an installation have counted together, by key and window. A row is of no use once its
 * window is over; the table is unlogged, so that counting costs no write-ahead log and begins anew after a crash.
 */
import { sql } from 'kysely'
import type { ReadModels } from '../postgres/database.ts'

export const rateCountsDdl =
  'CREATE UNLOGGED TABLE IF NOT EXISTS opslog_rate_counts (key text PRIMARY KEY, window_at timestamptz(3) NOT NULL, ' +
  'count bigint NOT NULL)'

/** Adds to the counts of these keys in a window, and answers with what all processes have counted for each. */
export async function addRateCounts(
  db: ReadModels,
  windowAt: Date,
  counts: ReadonlyMap<string, number>,
): Promise<ReadonlyMap<string, number>> {
  // In one order, so that two processes never wait for each other's rows.
  const keys = [...counts.keys()].sort()
  const added = keys.map((key) => counts.get(key))
  const { rows } = await sql<{ key: string; count: string }>`
    INSERT INTO opslog_rate_counts AS known (key, window_at, count)
    SELECT key, ${windowAt}::timestamptz(3), added FROM unnest(${keys}::text[], ${added}::bigint[]) AS t (key, added)
    ORDER BY key
    ON CONFLICT (key) DO UPDATE SET
      count = CASE WHEN known.window_at < excluded.window_at THEN excluded.count ELSE known.count + excluded.count END,
      window_at = greatest(known.window_at, excluded.window_at)
    RETURNING key, count`.execute(db)
  return new Map(rows.map(({ key, count }) => [key, Number(count)]))
}

/** Removes what no window needs any more. */
export async function dropRateCounts(db: ReadModels, before: Date): Promise<void> {
  await sql`DELETE FROM opslog_rate_counts WHERE window_at < ${before}::timestamptz(3)`.execute(db)
}
