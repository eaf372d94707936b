/** Noctant's tables in a test's database: emptied, and written to. */
import { noctant } from '../../../src/contexts/noctant.ts'
import type { ReadModels } from '../../../src/postgres/database.ts'
import { projectionsCheckpoint } from '../../../src/projections/checkpoint.ts'
import { empty as emptyTables, writerOn as writerOf } from '../support.ts'

const { projections } = noctant

export const empty = (db: ReadModels): Promise<void> => emptyTables(db, projections)
export const writerOn = (db: ReadModels) => writerOf(db, { projections, checkpoint: projectionsCheckpoint('noctant') })
