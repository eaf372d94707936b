/** Firsthand's answers that show a view: how each command's answer and each read make it. */
import { job } from '../../../src/commands/firsthand/job.ts'
import { organization } from '../../../src/commands/firsthand/organization.ts'
import { webhookEndpoint } from '../../../src/commands/firsthand/webhook-endpoint.ts'
import { webhookEvent } from '../../../src/commands/firsthand/webhook-event.ts'
import { jobView, rowOf } from '../../../src/http/firsthand/jobs/job-view.ts'
import { keyView, newKeyView } from '../../../src/http/firsthand/keys/key-view.ts'
import { settingsView } from '../../../src/http/firsthand/organization/settings-view.ts'
import { endpointView, shownOf } from '../../../src/http/firsthand/webhooks/endpoint-view.ts'
import { eventView } from '../../../src/http/firsthand/webhooks/event-view.ts'
import { listApiKeys } from '../../../src/projections/firsthand/api-key.ts'
import { findJob } from '../../../src/projections/firsthand/job.ts'
import { findOrganization } from '../../../src/projections/firsthand/organization.ts'
import { findWebhookEndpoint, listWebhookEvents } from '../../../src/projections/firsthand/webhook.ts'
import { camel } from '../../../src/runtime/letter-case.ts'
import { example } from '../../support/examples.ts'
import { type AnsweredView, answeredView, type ContextViews } from '../views.ts'

const { organizationId, environment, jobId } = example('firsthand.JobPosted.v1').data
const created = example('firsthand.ApiKeyCreated.v1').data
const { endpointId } = example('firsthand.WebhookEndpointCreated.v1').data
const told = example('firsthand.WebhookEventCreated.v1').data
const eventRow = {
  ...{ event_id: told.eventId, event_type: told.eventType, endpoint_id: endpointId, created_at: told.createdAt },
  status: 'pending' as const,
}

const views: readonly AnsweredView[] = [
  answeredView(job, {
    operations: ['createJob', 'cancelJob'],
    // A job that is cancelled was not completed before.
    history: [
      ...(['JobPosted', 'SeatClaimed', 'SubmissionReceived', 'SubmissionRejected', 'RetryClaimed'] as const),
      ...(['SeatReleased', 'SubmissionApproved', 'JobCancelled'] as const),
    ].map((name) => `firsthand.${name}.v1` as const),
    viewOf: (state) => jobView(rowOf(state)),
    read: async (db) => {
      const found = await findJob(db, organizationId, environment, jobId)
      return found && jobView(found)
    },
  }),
  answeredView(organization, {
    operations: ['updateOrganizationSettings'],
    history: ['firsthand.OrganizationCreated.v1', 'firsthand.SettingsChanged.v1'],
    viewOf: (state) => state.status !== 'absent' && settingsView(state.settings),
    read: async (db) => {
      const found = await findOrganization(db, organizationId)
      return found && settingsView(camel(found))
    },
  }),
  answeredView(organization, {
    operations: ['createApiKey', 'rotateApiKey'],
    history: ['firsthand.ApiKeyCreated.v1'],
    // The answer alone shows the secret, a read alone its hint and its last use.
    viewOf: () => ({ ...newKeyView(created, ''), secret: undefined }),
    read: async (db) => {
      const [found] = await listApiKeys(db, organizationId, [environment], { before: undefined, limit: 1 })
      return found && { ...keyView(found, new Date(created.occurredAt)), hint: undefined, last_used_at: undefined }
    },
  }),
  answeredView(webhookEndpoint, {
    operations: ['createWebhookEndpoint', 'updateWebhookEndpoint'],
    history: [
      ...(['Created', 'Failing', 'Recovered', 'Disabled', 'Changed'] as const).map(
        (name) => `firsthand.WebhookEndpoint${name}.v1` as const,
      ),
      'firsthand.WebhookSecretRotated.v1',
    ],
    viewOf: (state) => endpointView(shownOf(state)),
    read: async (db) => {
      const found = await findWebhookEndpoint(db, organizationId, environment, endpointId)
      return found && endpointView(found)
    },
  }),
  answeredView(webhookEvent, {
    operations: ['replayWebhookEvent'],
    history: ['firsthand.WebhookEventCreated.v1', 'firsthand.WebhookAttemptStarted.v1'],
    // What it tells is made of other rows by answer and read alike.
    viewOf: (state) =>
      state.status !== 'absent' && eventView({ ...eventRow, attempt_count: state.attempts }, undefined),
    read: async (db) => {
      const [found] = await listWebhookEvents(db, { organizationId, environment }, {}, { limit: 1 })
      return found && eventView(found, undefined)
    },
  }),
]

export const firsthandViews: ContextViews = {
  views,
  withoutView: {
    revokeApiKey: 'answers without a body',
    purchaseCredits: 'answers the link of a page elsewhere, which no read shows',
    deleteWebhookEndpoint: 'answers without a body',
    rotateWebhookSecret: 'answers with the secret, which no read shows',
  },
}
