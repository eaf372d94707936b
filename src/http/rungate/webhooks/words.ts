/** The words of rungate's document about webhooks. */
import { exampleTime as at, exampleId as id, type Words } from '../../words.ts'

const HOOK = 'https://hooks.example.com/rungate'

export const webhookWords: Words = {
  'Webhook.name': ['Its name, unique in the account.', 'news'],
  'CreateWebhookInput.name': ['Its name, 1 to 100 characters, unique whatever its case.', 'news'],
  'updateWebhook.name': ['Its new name, 1 to 100 characters.', 'news'],
  url: ['Where events are posted to: an https address of the public internet.', HOOK],
  'Webhook.secret': ['The end of the secret that signs; the whole of it where the webhook is made.', 'whsec_…c3Q='],
  'CreateWebhookInput.secret': [
    'What signs, 16 to 256 visible ASCII characters. Left out: one is made.',
    'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
  ],
  'updateWebhook.secret': [
    'Another secret, 16 to 256 visible ASCII characters. The former one signs on for a while.',
    'whsec_C2FVsBQIhrscChlQIMV7SHOSyzEj2dtR',
  ],
  'Webhook.previous_secret': ['The end of the former secret, as long as it signs too; null: there is none.', null],
  'rotateWebhookSecret.previous_secret': ['The former secret.', 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'],
  current_secret: ['The secret from now on.', 'whsec_C2FVsBQIhrscChlQIMV7SHOSyzEj2dtR'],
  grace_expires_at: ['Until when the former secret signs too, in UTC.', at(13)],
  previous_secret_expires_at: ['Until when the former secret signs too, in UTC; null: there is none.', null],
  events: ['What it hears of.', ['run.completed', 'run.budget_exceeded']],
  event: ['Only webhooks that hear of this.', 'run.completed'],
  'Webhook.agent_id': ['The agent whose events it hears of; null: all of the account.', null],
  'CreateWebhookInput.agent_id': ['It hears of events of this agent alone; left out: of all of the account.', id(6)],
  'updateWebhook.agent_id': ['It hears of events of this agent alone; null: of all of the account.', null],
  'Webhook.status': ['Whether it is active, paused by somebody, or failing: too much did not arrive.', 'active'],
  'updateWebhook.status': ['Whether it is active or paused from now on.', 'paused'],
  'listWebhooks.status': ['Only webhooks with this status.', 'active'],
  failure_count: ['Deliveries that were given up one after the other since the last one that arrived.', 0],
  'Webhook.member_id': ['The member who made it; null: a token did.', null],
  webhook_id: ['The webhook.', id(8)],
  'WebhookDelivery.event_type': ['What it tells.', 'run.completed'],
  'listWebhookDeliveries.event_type': ['Only deliveries that tell this.', 'run.completed'],
  'listWebhookDeliveries.status': ['Only deliveries with this status.', 'failed'],
  'listWebhookDeliveries.limit': ['How many come at most: 1 to 200, by default 50.', 50],
  event_id: ['The id of the event, which its payload has too.', id(9)],
  payload: [
    'What is sent: the text of a JSON object.',
    `{"id":"${id(9)}","type":"run.completed","created_at":"${at(4)}","account_id":"${id(1)}","data":{}}`,
  ],
  attempts: ['Attempts so far.', 1],
  max_attempts: ['Attempts before it is given up.', 4],
  response_status: ['The HTTP status of the last answer; null: none came.', 200],
  response_body: ['The beginning of the last answer, at most 4 KiB; null: none came.', 'ok'],
  next_retry_at: ['When the next attempt is due, in UTC; null: none follows.', null],
  completed_at: ['When it arrived or was given up, in UTC; null: neither yet.', at(4)],
  delivery_id: ['The delivery, by which the list shows what came of it.', id(10)],
  warning: [
    'Said where the webhook takes nothing but tests now.',
    'The webhook is paused: it takes nothing but tests.',
  ],
}
