/** Firsthand: files that people make on request, everything it has on one page. */

import { firsthandBooks } from '../audit/firsthand/declarations.ts'
import { checkout } from '../commands/firsthand/checkout.ts'
import { contentHash } from '../commands/firsthand/content-hash.ts'
import { file } from '../commands/firsthand/file.ts'
import { job } from '../commands/firsthand/job.ts'
import { organization } from '../commands/firsthand/organization.ts'
import { purchase } from '../commands/firsthand/purchase.ts'
import { requestKeyUse } from '../commands/firsthand/request-key.ts'
import { submission } from '../commands/firsthand/submission.ts'
import { topUp } from '../commands/firsthand/top-up.ts'
import { wallet } from '../commands/firsthand/wallet.ts'
import { webhookEndpoint } from '../commands/firsthand/webhook-endpoint.ts'
import { webhookEvent } from '../commands/firsthand/webhook-event.ts'
import { webhookPlaces } from '../commands/firsthand/webhook-places.ts'
import { worker } from '../commands/firsthand/worker.ts'
import { workerDay } from '../commands/firsthand/worker-day.ts'
import type { Context } from '../context.ts'
import { contentHashEvents } from '../events/firsthand/content-hash.ts'
import { fileEvents } from '../events/firsthand/file.ts'
import { jobEvents } from '../events/firsthand/job.ts'
import { organizationEvents } from '../events/firsthand/organization.ts'
import { publishedEvents } from '../events/firsthand/published.ts'
import { checkoutEvents, purchaseEvents, topUpEvents } from '../events/firsthand/purchase.ts'
import { requestKeyEvents } from '../events/firsthand/request-key.ts'
import { firsthandSentences } from '../events/firsthand/sentences.ts'
import { submissionEvents } from '../events/firsthand/submission.ts'
import { walletEvents } from '../events/firsthand/wallet.ts'
import { webhookEndpointEvents, webhookEventEvents, webhookPlaceEvents } from '../events/firsthand/webhook.ts'
import { workerEvents } from '../events/firsthand/worker.ts'
import { workerDayEvents } from '../events/firsthand/worker-day.ts'
import { inStreams } from '../events/registry.ts'
import type { FirsthandDirectories } from '../http/firsthand/directories.ts'
import { firsthandProcesses } from '../processes/firsthand/processes.ts'
import { firsthandSettings } from '../processes/firsthand/settings.ts'
import { apiKeyProjection } from '../projections/firsthand/api-key.ts'
import { claimProjection, scoringProjection } from '../projections/firsthand/claim.ts'
import { jobProjection } from '../projections/firsthand/job.ts'
import { objectProjection } from '../projections/firsthand/object.ts'
import { organizationProjection } from '../projections/firsthand/organization.ts'
import { purchaseProjection } from '../projections/firsthand/purchase.ts'
import { submissionProjection } from '../projections/firsthand/submission.ts'
import { walletProjection } from '../projections/firsthand/wallet.ts'
import { webhookEndpointProjection, webhookEventProjection } from '../projections/firsthand/webhook.ts'
import { earningProjection, workerProjection } from '../projections/firsthand/worker.ts'

export const firsthand: Context<FirsthandDirectories> = {
  name: 'firsthand',
  events: {
    ...inStreams({
      [organization.category]: organizationEvents,
      [wallet.category]: walletEvents,
      [job.category]: jobEvents,
      [submission.category]: submissionEvents,
      [file.category]: fileEvents,
      [contentHash.category]: contentHashEvents,
      [worker.category]: workerEvents,
      [workerDay.category]: workerDayEvents,
      [webhookEndpoint.category]: webhookEndpointEvents,
      [webhookPlaces.category]: webhookPlaceEvents,
      [webhookEvent.category]: webhookEventEvents,
      [checkout.category]: checkoutEvents,
      [purchase.category]: purchaseEvents,
      [topUp.category]: topUpEvents,
      [requestKeyUse.category]: requestKeyEvents,
    }),
    sentences: firsthandSentences,
    published: publishedEvents,
    tenant: 'organizationId',
    things: [
      ...['jobId', 'submissionId', 'claimId', 'fileId', 'uploadId', 'textId', 'workerId', 'sessionId', 'tokenId'],
      ...['purchaseId', 'topUpId', 'lotId', 'transactionId', 'customerId', 'paymentIntentId', 'paymentMethodId'],
      ...['keyId', 'endpointId', 'eventId', 'secretId'],
    ],
    person: 'workerId',
    forgets: ['firsthand.WorkerForgotten.v1'],
  },
  settings: firsthandSettings,
  aggregates: [
    ...[organization, wallet, job, submission, file, contentHash, worker, workerDay],
    ...[checkout, purchase, topUp, requestKeyUse],
    ...[webhookEndpoint, webhookPlaces, webhookEvent],
  ],
  projections: [
    ...[organizationProjection, apiKeyProjection, walletProjection, purchaseProjection, jobProjection],
    ...[webhookEndpointProjection, webhookEventProjection],
    objectProjection,
    ...[submissionProjection, claimProjection, scoringProjection, workerProjection, earningProjection],
  ],
  books: firsthandBooks,
  directories: async () => (await import('../http/firsthand/directories.ts')).firsthandDirectories(),
  findLogReader: async (own) => (await import('../http/firsthand/log-readers.ts')).findFirsthandReader(own),
  processes: firsthandProcesses,
  serve: async (parts) => (await import('../http/firsthand/serve.ts')).serveFirsthand(parts),
  api: async () => (await import('../http/firsthand/api.ts')).firsthand,
}
