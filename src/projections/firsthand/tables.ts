/** All tables of this context, as its queries know them. */
import { queriesOver } from '../../postgres/queries.ts'
import type { TablesOf } from '../projection.ts'
import type { apiKeys } from './api-key.ts'
import type { claims, scoring } from './claim.ts'
import type { jobs } from './job.ts'
import type { objects } from './object.ts'
import type { organizations } from './organization.ts'
import type { purchases, topUps } from './purchase.ts'
import type { files, submissions } from './submission.ts'
import type { lots, transactions, wallets } from './wallet.ts'
import type { webhookAttempts, webhookEndpoints, webhookEvents } from './webhook.ts'
import type { earnings, workerBalances, workers, workerTokens } from './worker.ts'

/** Table name → row. */
export type FirsthandTables = TablesOf<
  | typeof apiKeys
  | typeof claims
  | typeof earnings
  | typeof files
  | typeof jobs
  | typeof lots
  | typeof objects
  | typeof organizations
  | typeof purchases
  | typeof scoring
  | typeof submissions
  | typeof topUps
  | typeof transactions
  | typeof wallets
  | typeof webhookAttempts
  | typeof webhookEndpoints
  | typeof webhookEvents
  | typeof workerBalances
  | typeof workerTokens
  | typeof workers
>

/** The database for queries over this context's tables, and queries for at most one row of them, compiled once. */
export const { tables: firsthandTables, preparedOne } = queriesOver<FirsthandTables>()
