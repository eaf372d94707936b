/** The kernel's own tables, as its queries know them. */
import { queriesOver } from '../postgres/queries.ts'
import type { CheckpointRow } from './checkpoint.ts'
import type { parkedEvents } from './parking.ts'
import type { RowOf } from './projection.ts'
import type { ProjectionRow } from './schema.ts'

export interface KernelTables {
  opslog_checkpoints: CheckpointRow
  opslog_projections: ProjectionRow
  opslog_parked_events: RowOf<typeof parkedEvents>
}

/** The database, for queries over the kernel's tables. */
export const { tables: kernelTables } = queriesOver<KernelTables>()
