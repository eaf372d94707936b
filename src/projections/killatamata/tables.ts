/** All tables of this context, as its queries know them. */
import { queriesOver } from '../../postgres/queries.ts'
import type { TablesOf } from '../projection.ts'
import type { accounts, apiKeys, keyUses } from './account.ts'
import type { affiliateCodes, affiliates, commissions, payoutRequests } from './affiliate.ts'
import type { agentPieces, agentRequests, approvalPlans } from './agent.ts'
import type { channels, games, launches, releases } from './arcade.ts'
import type { balances, holds, postings } from './ledger.ts'
import type { callbacks, mediaFiles, mediaJobs } from './media.ts'
import type { settlements, x402Payments } from './payment.ts'
import type { deviceLinks, sessions } from './sign-in.ts'
import type { studioAssets, studioMessages, studioProjects, studioThreads, studioWorkspaces } from './studio.ts'

/** Table name → row. */
export type KillatamataTables = TablesOf<
  | typeof accounts
  | typeof agentPieces
  | typeof agentRequests
  | typeof affiliateCodes
  | typeof affiliates
  | typeof commissions
  | typeof payoutRequests
  | typeof apiKeys
  | typeof approvalPlans
  | typeof balances
  | typeof channels
  | typeof games
  | typeof launches
  | typeof releases
  | typeof callbacks
  | typeof deviceLinks
  | typeof holds
  | typeof keyUses
  | typeof mediaFiles
  | typeof mediaJobs
  | typeof postings
  | typeof sessions
  | typeof settlements
  | typeof studioAssets
  | typeof studioMessages
  | typeof studioProjects
  | typeof studioThreads
  | typeof studioWorkspaces
  | typeof x402Payments
>

/** The database for queries over this context's tables, and queries for at most one row of them, compiled once. */
export const { tables: killatamataTables, preparedOne } = queriesOver<KillatamataTables>()
