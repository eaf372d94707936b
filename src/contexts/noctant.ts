/** Noctant: the prop-trading operator API, everything it has on one page. */
import { noctantBooks } from '../audit/noctant/declarations.ts'
import { account } from '../commands/noctant/account.ts'
import { challenge } from '../commands/noctant/challenge.ts'
import { challengeSlots } from '../commands/noctant/challenge-slot.ts'
import { feed } from '../commands/noctant/feed.ts'
import { kyc } from '../commands/noctant/kyc.ts'
import { launchSession } from '../commands/noctant/launch-session.ts'
import { ledger } from '../commands/noctant/ledger.ts'
import { operator } from '../commands/noctant/operator.ts'
import { payouts } from '../commands/noctant/payouts.ts'
import { product } from '../commands/noctant/product.ts'
import { template } from '../commands/noctant/template.ts'
import { user } from '../commands/noctant/user.ts'
import { webhookDelivery } from '../commands/noctant/webhook-delivery.ts'
import { webhookEndpoint } from '../commands/noctant/webhook-endpoint.ts'
import { webhookReplay } from '../commands/noctant/webhook-replay.ts'
import type { Context } from '../context.ts'
import { accountEvents } from '../events/noctant/account.ts'
import { challengeEvents, challengeRequestEvents, challengeSlotEvents } from '../events/noctant/challenge.ts'
import { engineEvents, engineQuarantineEvents } from '../events/noctant/engine.ts'
import { engineCommandEvents } from '../events/noctant/engine-command.ts'
import { feedEvents } from '../events/noctant/feed.ts'
import { kycEvents } from '../events/noctant/kyc.ts'
import { launchSessionEvents } from '../events/noctant/launch-session.ts'
import { operatorEvents, operatorSlugEvents } from '../events/noctant/operator.ts'
import { partnerEvents } from '../events/noctant/partner-events.ts'
import { payoutAddressEvents, payoutEvents } from '../events/noctant/payout.ts'
import { productEvents, productSlugEvents, productSpaceEvents } from '../events/noctant/product.ts'
import { noctantSentences } from '../events/noctant/sentences.ts'
import { templateEvents } from '../events/noctant/template.ts'
import { userEvents } from '../events/noctant/user.ts'
import { webhookDeliveryEvents, webhookEndpointEvents, webhookReplayEvents } from '../events/noctant/webhook.ts'
import { inStreams } from '../events/registry.ts'
import type { NoctantDirectories } from '../http/noctant/directories.ts'
import { noctantProcesses } from '../processes/noctant/processes.ts'
import { noctantSettings } from '../processes/noctant/settings.ts'
import { accountProjection } from '../projections/noctant/account.ts'
import { accountCommandProjection } from '../projections/noctant/account-command.ts'
import { accountCurveProjection } from '../projections/noctant/account-curve.ts'
import { apiKeyProjection } from '../projections/noctant/api-key.ts'
import { challengeProjection } from '../projections/noctant/challenge.ts'
import { correctionProjection } from '../projections/noctant/correction.ts'
import { feedProjection } from '../projections/noctant/feed.ts'
import { historicalSessionProjection } from '../projections/noctant/historical-session.ts'
import { launchSessionProjection } from '../projections/noctant/launch-session.ts'
import { operatorProjection } from '../projections/noctant/operator.ts'
import { orderProjection } from '../projections/noctant/order.ts'
import { partnerEventProjection } from '../projections/noctant/partner-event.ts'
import { payoutProjection } from '../projections/noctant/payout.ts'
import { payoutStatementProjection } from '../projections/noctant/payout-statement.ts'
import { positionProjection } from '../projections/noctant/position.ts'
import { productProjection } from '../projections/noctant/product.ts'
import { summaryProjection } from '../projections/noctant/summary.ts'
import { templateProjection } from '../projections/noctant/template.ts'
import { tradeProjection } from '../projections/noctant/trade.ts'
import { userProjection } from '../projections/noctant/user.ts'
import { webhookDeliveryProjection, webhookEndpointProjection } from '../projections/noctant/webhook.ts'

export const noctant: Context<NoctantDirectories> = {
  name: 'noctant',
  events: {
    ...inStreams(
      {
        'noctant.operator': operatorEvents,
        'noctant.operatorSlug': operatorSlugEvents,
        'noctant.user': userEvents,
        'noctant.kyc': kycEvents,
        'noctant.payouts': payoutEvents,
        'noctant.payoutRequest': payoutAddressEvents,
        'noctant.account': accountEvents,
        'noctant.engineCommand': engineCommandEvents,
        'noctant.engine': engineEvents,
        'noctant.engineQuarantine': engineQuarantineEvents,
        'noctant.template': templateEvents,
        'noctant.product': productEvents,
        'noctant.productSlug': productSlugEvents,
        'noctant.productSpace': productSpaceEvents,
        'noctant.challenge': challengeEvents,
        'noctant.challengeRequest': challengeRequestEvents,
        'noctant.challengeSlots': challengeSlotEvents,
        'noctant.feed': feedEvents,
        'noctant.launchSession': launchSessionEvents,
        'noctant.webhookEndpoint': webhookEndpointEvents,
        'noctant.webhookDelivery': webhookDeliveryEvents,
        'noctant.webhookReplay': webhookReplayEvents,
      },
      // A historical launch and its order to the engine are one append.
      { 'noctant.EngineCommandRequested.v1': ['noctant.launchSession'] },
    ),
    sentences: noctantSentences,
    published: partnerEvents,
    person: 'globalUserId',
    forgets: ['noctant.UserForgotten.v1'],
    tenant: 'operatorId',
    things: [
      ...['accountId', 'programAccountId', 'priorAccountId', 'attemptId', 'correctionId', 'globalUserId', 'orgId'],
      ...['orderId', 'clientOrderId', 'fillId', 'positionId', 'tradeId'],
      ...['entryOrderId', 'entryFillId', 'exitOrderId', 'exitFillId', 'commandId', 'requestCommandId'],
      ...['productId', 'templateId', 'chainId', 'instanceId', 'nextInstanceId', 'parentInstanceId'],
      ...['launchSessionId', 'sessionId', 'feedId', 'replayId', 'backtestRunId', 'payoutRequestId'],
      ...['eventId', 'sourceEventId', 'deliveryId', 'secretId', 'keyId', 'traceId'],
    ],
  },
  settings: noctantSettings,
  aggregates: [
    account,
    challenge,
    challengeSlots,
    feed,
    kyc,
    launchSession,
    ledger,
    operator,
    payouts,
    product,
    template,
    user,
    webhookDelivery,
    webhookEndpoint,
    webhookReplay,
  ],
  projections: [
    operatorProjection,
    apiKeyProjection,
    userProjection,
    accountProjection,
    summaryProjection,
    positionProjection,
    orderProjection,
    tradeProjection,
    accountCurveProjection,
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
  ],
  books: noctantBooks,
  directories: async () => (await import('../http/noctant/directories.ts')).noctantDirectories(),
  processes: noctantProcesses,
  serve: async (parts) => (await import('../http/noctant/serve.ts')).serveNoctant(parts),
  api: async () => (await import('../http/noctant/api.ts')).noctant,
}
