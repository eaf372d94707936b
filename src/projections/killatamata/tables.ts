/** All tables of this context, as its queries know them. */
import { queriesOver } from '../../postgres/queries.ts'
import type { TablesOf } from '../projection.ts'
import type { accounts, apiKeys, keyUses } from './account.ts'
import type { balances, holds, postings } from './ledger.ts'
import type { callbacks, mediaFiles, mediaJobs } from './media.ts'
import type { settlements, x402Payments } from './payment.ts'
import type { deviceLinks, sessions } from './sign-in.ts'

/** Table name → row. */
export type KillatamataTables = TablesOf<
  | typeof accounts
  | typeof apiKeys
  | typeof balances
  | typeof callbacks
  | typeof deviceLinks
  | typeof holds
  | typeof keyUses
  | typeof mediaFiles
  | typeof mediaJobs
  | typeof postings
  | typeof sessions
  | typeof settlements
  | typeof x402Payments
>

/** The database for queries over this context's tables, and queries for at most one row of them, compiled once. */
export const { tables: killatamataTables, preparedOne } = queriesOver<KillatamataTables>()
