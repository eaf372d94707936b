/**
 * One attempt of one delivery, from the record that it begins to the record of how it ended. A process that dies between
 * the two leaves a begun attempt behind: the next one to come by records that nobody knows how it ended, and makes
 * another, under the same `webhook-id`.
 */
import type { CommandBus, CommandContext } from '../../commands/handle.ts'
import { deterministicId } from '../../commands/identity.ts'
import { user } from '../../commands/noctant/user.ts'
import {
  type AttemptOutcome,
  type WebhookDeliveryState,
  webhookDelivery,
} from '../../commands/noctant/webhook-delivery.ts'
import { type WebhookEndpointState, webhookEndpoint } from '../../commands/noctant/webhook-endpoint.ts'
import { openSecret, signatureHeader } from '../../commands/noctant/webhook-secret.ts'
import { PersonForgotten, UNREADABLE } from '../../events/sealing.ts'
import { crashPoint } from '../../runtime/crash-points.ts'
import type { WebhookEndpoints } from './webhook-endpoints.ts'
import { outcomeOf, type RetryPolicy, unknownOutcome } from './webhook-outcome.ts'
import { type RequestLimits, type Resolve, sendWebhook } from './webhook-request.ts'

export interface AttemptDeps {
  bus: CommandBus
  endpoints: WebhookEndpoints
  sealingKey: Uint8Array
  resolve: Resolve
  now: () => Date
  random: () => number
}

export interface AttemptLimits extends RequestLimits, RetryPolicy {
  /** Nothing but failures for so long, and the endpoint is disabled. */
  disableAfterMs: number
}

type OpenDelivery = Extract<WebhookDeliveryState, { status: 'open' }>
type EnabledEndpoint = Exclude<WebhookEndpointState, { status: 'absent' }>

const USER_AGENT = 'opslog-webhooks/1'

/**
 * Makes the attempt if it is due, and answers when the next one is; null: not known, or none. Throws where the event store is away or the secret does not open: nothing is lost then,
 * the delivery stays due.
 */
export async function makeAttempt(
  deps: AttemptDeps,
  limits: AttemptLimits,
  deliveryId: string,
  signal: AbortSignal,
): Promise<string | null> {
  const { bus, endpoints, now } = deps
  const delivery = await settled(deps, deliveryId)
  if (delivery?.status !== 'open' || Date.parse(delivery.dueAt) > now().getTime()) return null
  const { operatorId } = delivery.facts
  const endpoint = await endpoints.latest(operatorId)
  if (endpoint.status !== 'enabled') return abandon(deps, delivery, 'endpoint_disabled', 'the endpoint is disabled')
  if (!(await mayBeTold(bus, delivery))) {
    return abandon(deps, delivery, 'person_forgotten', 'the person that it told of was forgotten')
  }
  const secrets = signingSecrets(endpoint, deps.sealingKey, now())

  const begun = contextOf(delivery, `start ${delivery.attempts + 1}`, now())
  const started = await bus.handle(webhookDelivery, deliveryId, { kind: 'start', at: begun.at }, begun)
  if (started.events.length === 0 || started.state.status !== 'open') return null
  const attempt = started.state.attempts
  const startedMs = performance.now()
  const request = signedRequest(endpoint, delivery, secrets, now())
  crashPoint('webhooks.before-post', delivery.facts)
  const answer = await sendWebhook(request, limits, deps.resolve, signal)
  crashPoint('webhooks.after-post', delivery.facts)
  const outcome = outcomeOf(answer, limits, { attempt, nowMs: now().getTime(), random: deps.random })
  const durationMs = Math.round(performance.now() - startedMs)
  await finish(deps, delivery, attempt, outcome, durationMs)
  await report(deps, limits, endpoint, outcome)
  return outcome.nextAttemptAt
}

/** The delivery, after an attempt that somebody began and did not end has been put on record as of unknown outcome. */
async function settled({ bus, now }: AttemptDeps, deliveryId: string): Promise<WebhookDeliveryState> {
  const delivery = await bus.load(webhookDelivery, deliveryId)
  if (delivery.status !== 'open' || !delivery.running) return delivery
  const { attempt, startedAt } = delivery.running
  const at = now()
  const durationMs = Math.max(0, at.getTime() - Date.parse(startedAt))
  const context = contextOf(delivery, `finish ${attempt}`, at)
  const outcome = unknownOutcome(at.getTime())
  const command = { kind: 'finish', attempt, outcome, durationMs, at: context.at } as const
  return (await bus.handle(webhookDelivery, deliveryId, command, context)).state
}

/** Signed by every secret that is valid now, the current one first. */
function signingSecrets({ operatorId, secrets }: EnabledEndpoint, key: Uint8Array, now: Date): string[] {
  const valid = secrets.filter(({ validUntil }) => validUntil === null || Date.parse(validUntil) > now.getTime())
  return valid.toReversed().map(({ secretId, sealed }) => openSecret(sealed, { operatorId, secretId }, key))
}

/** Standard Webhooks: `webhook-id` is the event's, whichever attempt and whichever replay this is. */
function signedRequest(endpoint: EnabledEndpoint, { facts }: OpenDelivery, secrets: readonly string[], now: Date) {
  const { eventId: id, body } = facts
  const timestampS = Math.floor(now.getTime() / 1_000)
  const headers = {
    'content-type': 'application/json',
    'content-length': String(Buffer.byteLength(body)),
    'user-agent': USER_AGENT,
    'webhook-id': id,
    'webhook-timestamp': String(timestampS),
    'webhook-signature': signatureHeader(secrets, { id, timestampS, body }),
  }
  return { url: endpoint.url, headers, body }
}

/**
 * Whether what it tells of a person may still be told: asked anew, since the delivery may have been in memory when the
 * person was forgotten. A body that does not open is not sent either.
 */
async function mayBeTold(bus: CommandBus, { facts: { globalUserId, body } }: OpenDelivery): Promise<boolean> {
  if (globalUserId === undefined) return true
  if (Object.values<string>(UNREADABLE).includes(body)) return false
  return (await bus.current(user, globalUserId)).status !== 'forgotten'
}

async function finish(
  { bus, now }: AttemptDeps,
  delivery: OpenDelivery,
  attempt: number,
  outcome: AttemptOutcome,
  durationMs: number,
): Promise<void> {
  const context = contextOf(delivery, `finish ${attempt}`, now())
  const record = (heard: AttemptOutcome) => {
    const command = { kind: 'finish', attempt, outcome: heard, durationMs, at: context.at } as const
    return bus.handle(webhookDelivery, delivery.facts.deliveryId, command, context)
  }
  try {
    await record(outcome)
  } catch (error) {
    // Forgotten while the request was under way: what the endpoint answered may repeat what it was sent.
    if (!(error instanceof PersonForgotten)) throw error
    await record({ ...outcome, responseExcerpt: null })
  }
}

/**
 * What is not sent is given up, and the row says why: a disabled endpoint is not spoken to, and a replay brings the event
 * once it is enabled again; a person who was forgotten is not told of.
 */
async function abandon(
  { bus, now }: AttemptDeps,
  delivery: OpenDelivery,
  errorClass: string,
  errorMessage: string,
): Promise<null> {
  const context = contextOf(delivery, 'abandon', now())
  const command = { kind: 'abandon', errorClass, errorMessage, at: context.at } as const
  await bus.handle(webhookDelivery, delivery.facts.deliveryId, command, context)
  return null
}

/** What the outcome means for the endpoint. Only the turns are recorded: to failing, from failing, out of use. */
async function report(
  { bus, endpoints, now }: AttemptDeps,
  { disableAfterMs }: AttemptLimits,
  { operatorId, failingSince }: EnabledEndpoint,
  { status, errorClass }: AttemptOutcome,
): Promise<void> {
  if (errorClass === 'interrupted' || (status === 'delivered' && failingSince === null)) return
  const at = now().toISOString()
  const context = systemContext(deterministicId('webhookEndpoint', operatorId, at), operatorId, at)
  if (status === 'delivered') await bus.handle(webhookEndpoint, operatorId, { kind: 'reportSuccess', at }, context)
  else if (errorClass === 'gone') {
    const command = { kind: 'disable', cause: 'gone', reason: 'the endpoint answered 410', at } as const
    await bus.handle(webhookEndpoint, operatorId, command, context)
  } else await bus.handle(webhookEndpoint, operatorId, { kind: 'reportFailure', disableAfterMs, at }, context)
  endpoints.forget(operatorId)
}

const contextOf = ({ facts }: OpenDelivery, step: string, at: Date): CommandContext =>
  systemContext(deterministicId('webhookDelivery', facts.deliveryId, step), facts.eventId, at.toISOString())

/** The context of what this process does by itself. */
export const systemContext = (commandId: string, correlationId: string, at: string): CommandContext => ({
  commandId,
  fingerprint: undefined,
  actor: { kind: 'system', id: 'webhooks' },
  requestId: commandId,
  correlationId,
  traceparent: undefined,
  at,
})
