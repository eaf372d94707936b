/** Firsthand's operations, in the contract's order. */
import type { Operation } from '../operation.ts'
import type { FirsthandParts } from './access.ts'
import { getCreditBalance } from './billing/get-credit-balance.ts'
import { listTransactions } from './billing/list-transactions.ts'
import { purchaseCredits } from './billing/purchase-credits.ts'
import { cancelJob } from './jobs/cancel-job.ts'
import { createJob } from './jobs/create-job.ts'
import { getJob } from './jobs/get-job.ts'
import { getJobFiles } from './jobs/get-job-files.ts'
import { getJobSubmissions } from './jobs/get-job-submissions.ts'
import { listJobs } from './jobs/list-jobs.ts'
import { createApiKey } from './keys/create-api-key.ts'
import { listApiKeys } from './keys/list-api-keys.ts'
import { revokeApiKey } from './keys/revoke-api-key.ts'
import { rotateApiKey } from './keys/rotate-api-key.ts'
import { getOrganizationSettings } from './organization/get-settings.ts'
import { updateOrganizationSettings } from './organization/update-settings.ts'
import { createWebhookEndpoint } from './webhooks/create-webhook-endpoint.ts'
import { deleteWebhookEndpoint } from './webhooks/delete-webhook-endpoint.ts'
import { getWebhookEndpoint } from './webhooks/get-webhook-endpoint.ts'
import { listWebhookEndpoints } from './webhooks/list-webhook-endpoints.ts'
import { listWebhookEvents } from './webhooks/list-webhook-events.ts'
import { replayWebhookEvent } from './webhooks/replay-webhook-event.ts'
import { rotateWebhookSecret } from './webhooks/rotate-webhook-secret.ts'
import { updateWebhookEndpoint } from './webhooks/update-webhook-endpoint.ts'

export const operations: readonly Operation<FirsthandParts>[] = [
  ...[createJob, listJobs, getJob, cancelJob, getJobFiles, getJobSubmissions],
  ...[createApiKey, listApiKeys, rotateApiKey, revokeApiKey],
  ...[createWebhookEndpoint, listWebhookEndpoints, getWebhookEndpoint, updateWebhookEndpoint, deleteWebhookEndpoint],
  ...[rotateWebhookSecret, listWebhookEvents, replayWebhookEvent],
  ...[getCreditBalance, listTransactions, purchaseCredits],
  ...[getOrganizationSettings, updateOrganizationSettings],
]
