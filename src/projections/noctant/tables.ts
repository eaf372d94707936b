/** All tables of this context, as its queries know them. */
import type { Kysely } from 'kysely'
import { databaseOf, type ReadModels } from '../../postgres/database.ts'
import { preparedFor } from '../../postgres/prepared.ts'
import type { AccountRow, AttemptRow } from './account.ts'
import type { AccountCommandRow } from './account-command.ts'
import type { ApiKeyRow } from './api-key.ts'
import type { ChallengeRow } from './challenge.ts'
import type { CorrectionRow } from './correction.ts'
import type { FeedGrantRow, FeedRow } from './feed.ts'
import type { HistoricalSessionRow, HistoricalTradeRow } from './historical-session.ts'
import type { LaunchSessionRow } from './launch-session.ts'
import type { OperatorRow } from './operator.ts'
import type { OrderRow } from './order.ts'
import type { PartnerEventRow } from './partner-event.ts'
import type { PayoutRow } from './payout.ts'
import type { StatementRow } from './payout-statement.ts'
import type { PositionRow } from './position.ts'
import type { ProductRow } from './product.ts'
import type { SummaryRow } from './summary.ts'
import type { TemplateRow } from './template.ts'
import type { TradeRow } from './trade.ts'
import type { UserRow } from './user.ts'
import type { WebhookAttemptRow, WebhookDeadLetterRow, WebhookEndpointRow, WebhookOutboxRow } from './webhook.ts'

export interface NoctantTables {
  noctant_operators: OperatorRow
  noctant_api_keys: ApiKeyRow
  noctant_users: UserRow
  noctant_accounts: AccountRow
  noctant_attempts: AttemptRow
  noctant_summaries: SummaryRow
  noctant_positions: PositionRow
  noctant_orders: OrderRow
  noctant_trades: TradeRow
  noctant_account_commands: AccountCommandRow
  noctant_templates: TemplateRow
  noctant_products: ProductRow
  noctant_challenges: ChallengeRow
  noctant_feeds: FeedRow
  noctant_feed_grants: FeedGrantRow
  noctant_launch_sessions: LaunchSessionRow
  noctant_historical_sessions: HistoricalSessionRow
  noctant_historical_trades: HistoricalTradeRow
  noctant_corrections: CorrectionRow
  noctant_payout_statements: StatementRow
  noctant_payouts: PayoutRow
  noctant_webhook_endpoints: WebhookEndpointRow
  noctant_webhook_outbox: WebhookOutboxRow
  noctant_webhook_deliveries: WebhookAttemptRow
  noctant_webhook_dead_letters: WebhookDeadLetterRow
  noctant_partner_events: PartnerEventRow
}

export type NoctantDatabase = Kysely<NoctantTables>

/** The database, for queries over this context's tables. */
export const noctantTables = (db: ReadModels): NoctantDatabase => databaseOf<NoctantTables>(db)

/** A query for at most one row of them, compiled once (prepared.ts). */
export const preparedOne = preparedFor<NoctantTables>()
