/** Examples of the events around webhooks: an endpoint, a delivery that fails once and then arrives, and a replay. */
import type {
  WebhookDeliveryEvent,
  WebhookEndpointEvent,
  WebhookReplayEvent,
} from '../../../src/events/noctant/webhook.ts'

export type WebhookStoryEvent = WebhookEndpointEvent | WebhookDeliveryEvent | WebhookReplayEvent

type Examples = {
  readonly [T in WebhookStoryEvent['type']]: Extract<WebhookStoryEvent, { type: T }>['data']
}

/** `uuidOf` and `timeAt` are those of examples.ts, which imports this file. */
export function webhookExamples(
  operatorId: string,
  uuidOf: (name: string) => string,
  timeAt: (seconds: number) => string,
): Examples {
  const delivery = { deliveryId: uuidOf('webhook delivery'), operatorId }
  const event = { eventId: uuidOf('told event'), eventType: 'account.opened' }
  return {
    'noctant.WebhookEndpointSet.v1': {
      operatorId,
      url: 'https://hooks.example.com/opslog?token=secret',
      eventTypes: ['account.opened', 'trade.closed'],
      occurredAt: timeAt(400),
    },
    'noctant.WebhookEndpointSecretIssued.v1': {
      operatorId,
      secretId: uuidOf('webhook secret'),
      sealed: '0a1b2c3d.AAAA',
      previousValidUntil: null,
      occurredAt: timeAt(400),
    },
    'noctant.WebhookEndpointDisabled.v1': { operatorId, cause: 'gone', reason: null, occurredAt: timeAt(401) },
    'noctant.WebhookEndpointEnabled.v1': { operatorId, reason: 'moved house', occurredAt: timeAt(402) },
    'noctant.WebhookEndpointFailing.v1': { operatorId, since: timeAt(411), occurredAt: timeAt(411) },
    'noctant.WebhookEndpointRecovered.v1': { operatorId, failingSince: timeAt(411), occurredAt: timeAt(421) },
    'noctant.WebhookDeliveryRequested.v1': {
      ...delivery,
      ...event,
      replayId: null,
      body: '{"type":"account.opened"}',
      occurredAt: timeAt(410),
    },
    'noctant.WebhookAttemptStarted.v1': { ...delivery, attempt: 1, occurredAt: timeAt(410) },
    'noctant.WebhookAttemptFinished.v1': {
      ...delivery,
      ...event,
      attempt: 1,
      status: 'transient_fail',
      startedAt: timeAt(410),
      finishedAt: timeAt(411),
      durationMs: 1_000,
      responseStatus: 503,
      responseExcerpt: 'busy',
      errorClass: 'http_5xx',
      errorMessage: 'the endpoint answered 503',
      nextAttemptAt: timeAt(416),
      occurredAt: timeAt(411),
    },
    'noctant.WebhookDeliveryDiscarded.v1': {
      ...delivery,
      eventId: uuidOf('webhook event'),
      reason: 'told by telephone',
      occurredAt: timeAt(430),
    },
    'noctant.WebhookReplayRequested.v1': {
      replayId: uuidOf('webhook replay'),
      operatorId,
      from: timeAt(0),
      to: timeAt(3_600),
      eventTypes: null,
      externalAccountId: null,
      limit: 100,
      sources: [{ eventId: event.eventId, stream: `noctant.account-${uuidOf('program account')}`, revision: '0' }],
      occurredAt: timeAt(430),
    },
  }
}
