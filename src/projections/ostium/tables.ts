/** All tables of this context, as its queries know them. */
import { queriesOver } from '../../postgres/queries.ts'
import type { TablesOf } from '../projection.ts'
import type { actions } from './action.ts'
import type { agents } from './agent.ts'
import type { builds } from './build.ts'
import type { challenges } from './challenge.ts'

export type OstiumTables = TablesOf<typeof actions | typeof agents | typeof builds | typeof challenges>

/** The database for queries over this context's tables, and queries for at most one row of them, compiled once. */
export const { tables: ostiumTables, preparedOne } = queriesOver<OstiumTables>()
