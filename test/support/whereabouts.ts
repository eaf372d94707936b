/** Where a text is to be found: in the log's bytes, in files, in columns; and whether tables are what a rebuild makes. */
import { randomUUID } from 'node:crypto'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { sql } from 'kysely'
import { openRawLog } from '../../src/audit/raw-log.ts'
import type { PersonKeys } from '../../src/events/sealing.ts'
import { readHistory } from '../../src/events/subscription.ts'
import type { ReadModels } from '../../src/postgres/database.ts'
import { projectionsCheckpoint } from '../../src/projections/checkpoint.ts'
import {
  type Comparison,
  compareWithLive,
  mergedComparison,
  rowsDiffering,
} from '../../src/projections/rebuild/compare.ts'
import { dropShadow, openShadow } from '../../src/projections/rebuild/shadow.ts'
import { contexts, registry } from './contexts.ts'

export const textsIn = (content: string, sought: readonly string[]): string[] =>
  sought.filter((text) => content.includes(text))

/** Data and metadata of every event, as they are stored. */
export async function rawLogOf(eventStoreUrl: string): Promise<string> {
  const log = openRawLog(eventStoreUrl, registry)
  const texts: string[] = []
  for await (const { data, metadata } of log.readAll()) texts.push(Buffer.concat([data, metadata]).toString())
  await log.close()
  return texts.join('\n')
}

/** `table.column` → which of the texts stand in it, in whatever schema. */
export async function columnsWith(db: ReadModels, sought: readonly string[]): Promise<Record<string, string[]>> {
  const { rows: columns } = await sql<{ schema: string; name: string; column: string }>`SELECT table_schema AS schema,
    table_name AS name, column_name AS column FROM information_schema.columns
    WHERE table_schema NOT IN ('pg_catalog', 'information_schema')`.execute(db)
  const found: Record<string, string[]> = {}
  for (const { schema, name, column } of columns) {
    const { rows } = await sql<{ text: string | null }>`SELECT string_agg(${sql.id(column)}::text, ' ') AS text
      FROM ${sql.id(schema, name)}`.execute(db)
    const texts = textsIn(rows[0]?.text ?? '', sought)
    if (texts.length > 0) found[`${name}.${column}`] = texts
  }
  return found
}

/** The files under a directory that hold one of the texts. */
export function filesWith(directory: string, sought: readonly string[]): string[] {
  const files = readdirSync(directory, { recursive: true, encoding: 'utf8' }).map((name) => join(directory, name))
  const holds = (file: string) => textsIn(readFileSync(file, 'latin1'), sought).length > 0
  return files.filter((file) => statSync(file).isFile() && holds(file))
}

/** Every projection, rebuilt beside the live tables and compared with them. */
export async function rebuiltAndCompared(
  db: ReadModels,
  eventStoreUrl: string,
  personKeys: PersonKeys,
): Promise<Comparison & { rowsLive: number; rowsDiffering: number }> {
  const comparisons: Comparison[] = []
  for (const { name, projections } of contexts) {
    const checkpoint = projectionsCheckpoint(name)
    const shadow = await openShadow({
      ...{ db, projections, checkpoint, transactionAttemptsMax: 5 },
      schema: `opslog_verify_${randomUUID().slice(0, 8)}`,
      signal: new AbortController().signal,
      readHistory: (after) =>
        readHistory({ registry, url: eventStoreUrl, batchMax: 100, readTimeoutMs: 5_000, personKeys }, after),
    })
    const options = { db, projections, checkpoint, transactionAttemptsMax: 5, differencesMax: 10 }
    comparisons.push(await compareWithLive(options, shadow))
    await dropShadow(db, shadow.schema)
  }
  const comparison = mergedComparison(comparisons)
  const rowsLive = comparison.tables.reduce((sum, table) => sum + table.rowsLive, 0)
  return { ...comparison, rowsLive, rowsDiffering: rowsDiffering(comparison) }
}
