/** All tables of this context, as its queries know them. */
import { queriesOver } from '../../postgres/queries.ts'
import type { TablesOf } from '../projection.ts'
import type { jobProgress, jobs } from './job.ts'
import type { sessions } from './session.ts'

export type ConsoleTables = TablesOf<typeof sessions | typeof jobs | typeof jobProgress>

/** The database, for queries over this context's tables. */
export const { tables: consoleTables } = queriesOver<ConsoleTables>()
