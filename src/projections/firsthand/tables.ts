/** All tables of this context, as its queries know them. */
import type { Kysely } from 'kysely'
import { databaseOf, type ReadModels } from '../../postgres/database.ts'
import { preparedFor } from '../../postgres/prepared.ts'
import type { TablesOf } from '../projection.ts'
import type { apiKeys } from './api-key.ts'
import type { jobs } from './job.ts'
import type { organizations } from './organization.ts'
import type { lots, transactions, wallets } from './wallet.ts'

/** Table name → row. */
export type FirsthandTables = TablesOf<
  typeof apiKeys | typeof jobs | typeof lots | typeof organizations | typeof transactions | typeof wallets
>

/** The database, for queries over this context's tables. */
export const firsthandTables = (db: ReadModels): Kysely<FirsthandTables> => databaseOf<FirsthandTables>(db)

/** A query for at most one row of them, compiled once (prepared.ts). */
export const preparedOne = preparedFor<FirsthandTables>()
