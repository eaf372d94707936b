/** Every projection that the projector keeps. */
import { auditorKeyProjection } from './audit/auditor-key.ts'
import { accountProjection } from './noctant/account.ts'
import { accountCommandProjection } from './noctant/account-command.ts'
import { apiKeyProjection } from './noctant/api-key.ts'
import { challengeProjection } from './noctant/challenge.ts'
import { correctionProjection } from './noctant/correction.ts'
import { feedProjection } from './noctant/feed.ts'
import { historicalSessionProjection } from './noctant/historical-session.ts'
import { launchSessionProjection } from './noctant/launch-session.ts'
import { operatorProjection } from './noctant/operator.ts'
import { orderProjection } from './noctant/order.ts'
import { partnerEventProjection } from './noctant/partner-event.ts'
import { payoutProjection } from './noctant/payout.ts'
import { payoutStatementProjection } from './noctant/payout-statement.ts'
import { positionProjection } from './noctant/position.ts'
import { productProjection } from './noctant/product.ts'
import { summaryProjection } from './noctant/summary.ts'
import { templateProjection } from './noctant/template.ts'
import { tradeProjection } from './noctant/trade.ts'
import { userProjection } from './noctant/user.ts'
import { webhookDeliveryProjection, webhookEndpointProjection } from './noctant/webhook.ts'
import type { Projection } from './projection.ts'

export const projections: readonly Projection[] = [
  operatorProjection,
  apiKeyProjection,
  userProjection,
  accountProjection,
  summaryProjection,
  positionProjection,
  orderProjection,
  tradeProjection,
  accountCommandProjection,
  templateProjection,
  productProjection,
  challengeProjection,
  feedProjection,
  launchSessionProjection,
  historicalSessionProjection,
  correctionProjection,
  payoutStatementProjection,
  payoutProjection,
  webhookEndpointProjection,
  webhookDeliveryProjection,
  partnerEventProjection,
  auditorKeyProjection,
]
