/** All tables of this context, as its queries know them. */
import { queriesOver } from '../../postgres/queries.ts'
import type { TablesOf } from '../projection.ts'
import type { apiKeys } from './api-key.ts'
import type { jobs } from './job.ts'
import type { objects } from './object.ts'
import type { organizations } from './organization.ts'
import type { purchases, topUps } from './purchase.ts'
import type { lots, transactions, wallets } from './wallet.ts'
import type { webhookAttempts, webhookEndpoints, webhookEvents } from './webhook.ts'

/** Table name → row. */
export type FirsthandTables = TablesOf<
  | typeof apiKeys
  | typeof jobs
  | typeof lots
  | typeof objects
  | typeof organizations
  | typeof purchases
  | typeof topUps
  | typeof transactions
  | typeof wallets
  | typeof webhookAttempts
  | typeof webhookEndpoints
  | typeof webhookEvents
>

/** The database for queries over this context's tables, and queries for at most one row of them, compiled once. */
export const { tables: firsthandTables, preparedOne } = queriesOver<FirsthandTables>()
