/** How far the read models of contexts have come in the log, wherever their projectors run. */
import type { ReadModels } from '../../postgres/database.ts'
import { projectionsCheckpoint } from '../checkpoint.ts'
import { kernelTables } from '../kernel-tables.ts'

export interface ReadModelPlace {
  /** Commit position. */
  position: bigint
  /** Events that were taken in, in all. */
  events: number
}

/** By context; one that has taken nothing in yet is not among them. */
export async function readPlaces(
  db: ReadModels,
  contexts: readonly string[],
): Promise<ReadonlyMap<string, ReadModelPlace>> {
  const rows = await kernelTables(db).selectFrom('opslog_checkpoints').select(['name', 'position', 'events']).execute()
  const known = new Map(rows.map((row) => [row.name, row]))
  return new Map(
    contexts.flatMap((context) => {
      const row = known.get(projectionsCheckpoint(context))
      return row ? [[context, { position: BigInt(row.position), events: Number(row.events) }] as const] : []
    }),
  )
}
