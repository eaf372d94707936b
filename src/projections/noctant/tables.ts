/** All tables of this context, as its queries know them. */
import type { Kysely } from 'kysely'
import { queriesOver } from '../../postgres/queries.ts'
import type { TablesOf } from '../projection.ts'
import type { accounts, attempts } from './account.ts'
import type { accountCommands } from './account-command.ts'
import type { accountCurve } from './account-curve.ts'
import type { apiKeys } from './api-key.ts'
import type { challenges } from './challenge.ts'
import type { corrections } from './correction.ts'
import type { feedGrants, feeds } from './feed.ts'
import type { historicalSessions, historicalTrades } from './historical-session.ts'
import type { launchSessions } from './launch-session.ts'
import type { operators } from './operator.ts'
import type { orders } from './order.ts'
import type { partnerEventTable } from './partner-event.ts'
import type { cashEvents } from './payout.ts'
import type { statements } from './payout-statement.ts'
import type { positions } from './position.ts'
import type { products } from './product.ts'
import type { summaries } from './summary.ts'
import type { templates } from './template.ts'
import type { trades } from './trade.ts'
import type { users } from './user.ts'
import type { deadLetters, deliveries, endpoints, outbox } from './webhook.ts'

/** Table name → row. */
export type NoctantTables = TablesOf<
  | typeof accountCommands
  | typeof accountCurve
  | typeof accounts
  | typeof apiKeys
  | typeof attempts
  | typeof cashEvents
  | typeof challenges
  | typeof corrections
  | typeof deadLetters
  | typeof deliveries
  | typeof endpoints
  | typeof feedGrants
  | typeof feeds
  | typeof historicalSessions
  | typeof historicalTrades
  | typeof launchSessions
  | typeof operators
  | typeof orders
  | typeof outbox
  | typeof partnerEventTable
  | typeof positions
  | typeof products
  | typeof statements
  | typeof summaries
  | typeof templates
  | typeof trades
  | typeof users
>

export type NoctantDatabase = Kysely<NoctantTables>

/** The database for queries over this context's tables, and queries for at most one row of them, compiled once. */
export const { tables: noctantTables, preparedOne } = queriesOver<NoctantTables>()
