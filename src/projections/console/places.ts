/** How far the read models of contexts have come in the log, wherever their projectors run. */
import type { ReadModels } from '../../postgres/database.ts'
import { projectionsCheckpoint } from '../checkpoint.ts'
import { kernelTables } from '../kernel-tables.ts'

/** Commit positions by context; one that has taken nothing in yet is not among them. */
export async function readPlaces(db: ReadModels, contexts: readonly string[]): Promise<ReadonlyMap<string, bigint>> {
  const rows = await kernelTables(db).selectFrom('opslog_checkpoints').select(['name', 'position']).execute()
  const known = new Map(rows.map(({ name, position }) => [name, BigInt(position)]))
  return new Map(
    contexts.flatMap((context) => {
      const position = known.get(projectionsCheckpoint(context))
      return position === undefined ? [] : [[context, position] as const]
    }),
  )
}
