/**
 * One attempt of one delivery, from the record that it begins to the record of how it ended. A process that dies between
 * the two leaves a begun attempt behind: the next one to come by records that nobody knows how it ended, and makes
 * another, under the same `webhook-id`.
 */
import { systemContext } from '../commands/context.ts'
import { type Aggregate, streamName } from '../commands/decider.ts'
import type { CommandBus, CommandContext } from '../commands/handle.ts'
import { deterministicId } from '../commands/identity.ts'
import type { AnyEvent } from '../events/event.ts'
import { PersonForgotten, UNREADABLE } from '../events/sealing.ts'
import type { WebhookNames } from '../events/webhook.ts'
import { crashPoint } from '../runtime/crash-points.ts'
import { type Span, span, traceparentNow } from '../telemetry.ts'
import type { AttemptOutcome, DeliveryFacts, DeliveryStep, WebhookDeliveryState } from './delivery.ts'
import type { ConfiguredEndpoint } from './endpoint.ts'
import type { EndpointAggregates, WebhookEndpoints } from './endpoints.ts'
import { outcomeOf, type RetryPolicy, unknownOutcome } from './outcome.ts'
import { type RequestLimits, type Resolve, sendWebhook } from './request.ts'
import type { OpenSecret } from './secret.ts'
import type { Sign } from './signing.ts'

/** Makes the bytes to be sent of what was kept. Throws where that cannot be told yet; undefined: nothing is left of it. */
export type MakeBody = (facts: DeliveryFacts) => Promise<string | undefined>
/** Whether it is the delivery's turn. One that has to wait is looked at again when what comes before it has ended. */
export type IsTurn = (facts: DeliveryFacts) => Promise<boolean>
export type DeliveryAggregate = Aggregate<WebhookDeliveryState, DeliveryStep, AnyEvent>

export interface AttemptDeps {
  bus: CommandBus
  names: WebhookNames
  endpoint: EndpointAggregates['endpoint']
  delivery: DeliveryAggregate
  endpoints: WebhookEndpoints
  /** Absent: the delivery itself holds the body. */
  makeBody?: MakeBody | undefined
  /** Absent: deliveries are in no order. */
  isTurn?: IsTurn | undefined
  openSecret: OpenSecret
  sign: Sign
  /** Whether the person whose data a body holds was forgotten. */
  isForgotten(personId: string): Promise<boolean>
  resolve: Resolve
  /** The trace that a delivery belongs to; undefined: none. */
  traceOf(deliveryId: string): Promise<string | undefined>
  now: () => Date
  random: () => number
}

export interface AttemptLimits extends RequestLimits, RetryPolicy {
  /** An endpoint that has only failed for this long is disabled. */
  disableAfterMs: number
  /** Secrets that sign at once, the newest of them; those before stop early. */
  secretsMax: number
}

type OpenDelivery = Extract<WebhookDeliveryState, { status: 'open' }>

const USER_AGENT = 'opslog-webhooks/1'

/**
 * Makes the attempt if it is due, and answers when the next one is; null: not known, or none. Throws where the event store
 * is away or the secret does not open: nothing is lost then, the delivery stays due.
 */
export async function makeAttempt(
  deps: AttemptDeps,
  limits: AttemptLimits,
  deliveryId: string,
  signal: AbortSignal,
): Promise<string | null> {
  const { names, endpoints, now } = deps
  const delivery = await settled(deps, deliveryId)
  if (delivery?.status !== 'open') return null
  const endpoint = await endpoints.latest(endpointIdOf(names, delivery))
  if (endpoint.status !== 'enabled' && (endpoint.status !== 'disabled' || !delivery.facts.isTrial)) {
    const isGone = endpoint.status !== 'disabled'
    const why = isGone ? 'the endpoint was deleted' : 'the endpoint is disabled'
    return abandon(deps, delivery, 'endpoint_disabled', why)
  }
  if (Date.parse(delivery.dueAt) > now().getTime()) return null
  if (deps.isTurn && !(await deps.isTurn(delivery.facts))) return null
  const body = (await mayBeSent(deps, delivery)) ? await bodyOf(deps, delivery) : undefined
  if (body === undefined) {
    return abandon(deps, delivery, 'person_forgotten', 'the person that it told of was forgotten')
  }
  const parent = await deps.traceOf(deliveryId)
  const prepared = { delivery, endpoint, body, secrets: await signingSecrets(deps, limits, endpoint), parent }
  const make = (opened?: Span) => attempted(deps, limits, prepared, signal, opened)
  if (parent === undefined) return make()
  const { eventType } = delivery.facts
  const about = { 'opslog.event_type': eventType, 'opslog.attempt': delivery.attempts + 1, ...originOf(endpoint) }
  return span('webhook attempt', about, make, { parent, kind: 'client' })
}

/** Of an endpoint its origin alone is told: paths and queries may hold what only its owner is to know. */
const originOf = ({ url }: ConfiguredEndpoint) => ({ 'server.address': URL.canParse(url) ? new URL(url).origin : '' })

interface Prepared {
  delivery: OpenDelivery
  endpoint: ConfiguredEndpoint
  body: string
  secrets: readonly string[]
  /** The trace that it belongs to. */
  parent: string | undefined
}

/** From the record that the attempt begins to the record of how it ended. */
async function attempted(
  deps: AttemptDeps,
  limits: AttemptLimits,
  { delivery, endpoint, body, secrets, parent }: Prepared,
  signal: AbortSignal,
  opened: Span | undefined,
): Promise<string | null> {
  const { bus, now } = deps
  const { deliveryId } = delivery.facts
  const begun = contextOf(delivery, `start ${delivery.attempts + 1}`, now())
  const started = await bus.handle(deps.delivery, deliveryId, { kind: 'start', at: begun.at }, begun)
  if (started.events.length === 0 || started.state.status !== 'open') return null
  const attempt = started.state.attempts
  const startedMs = performance.now()
  const request = signedRequest(deps, endpoint, { ...delivery.facts, body }, secrets, traceparentNow() ?? parent)
  crashPoint('webhooks.before-post', pointOf(delivery))
  const answer = await sendWebhook(request, limits, deps.resolve, signal)
  crashPoint('webhooks.after-post', pointOf(delivery))
  const sinceReplay = attempt - (delivery.attemptsBefore ?? 0)
  const outcome = outcomeOf(answer, limits, { attempt: sinceReplay, nowMs: now().getTime(), random: deps.random })
  const durationMs = Math.round(performance.now() - startedMs)
  const { status, responseStatus, errorClass } = outcome
  const heard = { 'http.response.status_code': responseStatus ?? undefined, 'error.type': errorClass ?? undefined }
  opened?.set({ 'opslog.outcome': status, ...heard })
  await finish(deps, delivery, attempt, outcome, durationMs)
  await report(deps, limits, endpoint, outcome)
  return outcome.nextAttemptAt
}

/** The delivery, after an attempt that somebody began and did not end has been put on record as of unknown outcome. */
async function settled(deps: AttemptDeps, deliveryId: string): Promise<WebhookDeliveryState> {
  const { bus, now } = deps
  const known = await bus.load(deps.delivery, deliveryId)
  // One that had ended may have been asked for again, by another process.
  const delivery = known.status === 'open' ? known : await bus.current(deps.delivery, deliveryId)
  if (delivery.status !== 'open' || !delivery.running) return delivery
  const { attempt, startedAt } = delivery.running
  const at = now()
  const durationMs = Math.max(0, at.getTime() - Date.parse(startedAt))
  const context = contextOf(delivery, `finish ${attempt}`, at)
  const outcome = unknownOutcome(at.getTime())
  const command = { kind: 'finish', attempt, outcome, durationMs, at: context.at } as const
  return (await bus.handle(deps.delivery, deliveryId, command, context)).state
}

/** Every secret that is valid now, the current one first. */
async function signingSecrets(
  { openSecret, names, now }: AttemptDeps,
  { secretsMax }: AttemptLimits,
  { owner, secrets }: ConfiguredEndpoint,
): Promise<string[]> {
  const nowMs = now().getTime()
  const valid = secrets.filter(({ validUntil }) => validUntil === null || Date.parse(validUntil) > nowMs)
  const endpointId = owner[names.endpoint] ?? ''
  const newest = valid.toReversed().slice(0, secretsMax)
  return Promise.all(newest.map(({ secretId, sealed }) => openSecret(sealed, { endpointId, secretId })))
}

function signedRequest(
  { sign, now }: AttemptDeps,
  { url }: ConfiguredEndpoint,
  { eventId: id, eventType, deliveryId, body }: DeliveryFacts & { body: string },
  secrets: readonly string[],
  traceparent: string | undefined,
) {
  const timestampS = Math.floor(now().getTime() / 1_000)
  const headers = {
    'content-type': 'application/json',
    'content-length': String(Buffer.byteLength(body)),
    'user-agent': USER_AGENT,
    ...(traceparent !== undefined && { traceparent }),
    ...sign({ id, eventType, deliveryId, timestampS, body }, secrets),
  }
  return { url, headers, body }
}

/**
 * Whether the body's personal data may still be sent. Checked at each attempt, since the delivery may have been in memory
 * when the person was forgotten. A body that does not open is not sent either.
 */
async function mayBeSent({ names, isForgotten }: AttemptDeps, { facts: { person, body } }: OpenDelivery) {
  const personId = person[names.person]
  if (personId === undefined) return true
  return !Object.values<unknown>(UNREADABLE).includes(body) && !(await isForgotten(personId))
}

const bodyOf = async ({ makeBody }: AttemptDeps, { facts }: OpenDelivery): Promise<string | undefined> =>
  makeBody ? makeBody(facts) : (facts.body ?? undefined)

async function finish(
  deps: AttemptDeps,
  delivery: OpenDelivery,
  attempt: number,
  outcome: AttemptOutcome,
  durationMs: number,
): Promise<void> {
  const { bus, now } = deps
  const context = contextOf(delivery, `finish ${attempt}`, now())
  const record = (heard: AttemptOutcome) => {
    const command = { kind: 'finish', attempt, outcome: heard, durationMs, at: context.at } as const
    return bus.handle(deps.delivery, delivery.facts.deliveryId, command, context)
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
 * Gives up a delivery without an attempt; the row says why. A disabled endpoint gets nothing, and a replay sends the event
 * once the endpoint is enabled again. Data of a forgotten person is not sent.
 */
async function abandon(
  deps: AttemptDeps,
  delivery: OpenDelivery,
  errorClass: string,
  errorMessage: string,
): Promise<null> {
  const { bus, now } = deps
  const context = contextOf(delivery, 'abandon', now())
  const command = { kind: 'abandon', errorClass, errorMessage, at: context.at } as const
  await bus.handle(deps.delivery, delivery.facts.deliveryId, command, context)
  return null
}

/** What the outcome means for the endpoint. Only the turns are recorded: to failing, from failing, out of use. */
async function report(
  { bus, names, endpoint, endpoints, now }: AttemptDeps,
  { disableAfterMs }: AttemptLimits,
  { owner, failingSince }: ConfiguredEndpoint,
  { status, errorClass }: AttemptOutcome,
): Promise<void> {
  if (errorClass === 'interrupted' || (status === 'delivered' && failingSince === null)) return
  const at = now().toISOString()
  const endpointId = owner[names.endpoint] ?? ''
  const context = webhookContext(deterministicId('webhookEndpoint', endpointId, at), endpointId, at)
  if (status === 'delivered') await bus.handle(endpoint, endpointId, { kind: 'reportSuccess', at }, context)
  else if (errorClass === 'gone') {
    const command = { kind: 'disable', cause: 'gone', reason: 'the endpoint answered 410', at } as const
    await bus.handle(endpoint, endpointId, command, context)
  } else await bus.handle(endpoint, endpointId, { kind: 'reportFailure', disableAfterMs, at }, context)
  endpoints.forget(streamName(endpoint, endpointId))
}

const endpointIdOf = ({ endpoint }: WebhookNames, { facts }: OpenDelivery): string => facts.owner[endpoint] ?? ''

/** What crash points of the tests may ask for. */
const pointOf = ({ facts: { owner, person, ...facts } }: OpenDelivery) => ({ ...facts, ...owner, ...person })

/** What is done about a delivery follows from the command that has made it. */
const contextOf = ({ facts: { deliveryId, eventId } }: OpenDelivery, step: string, at: Date): CommandContext => {
  const idOf = (...more: string[]) => deterministicId('webhookDelivery', deliveryId, ...more)
  return webhookContext(idOf(step), eventId, at.toISOString(), idOf())
}

/** The context of what this process does by itself, or because of an event or a command. */
export const webhookContext = (
  commandId: string,
  correlationId: string,
  at: string,
  causationId = commandId,
  traceparent?: string,
) => systemContext('webhooks', commandId, at, { correlationId, causationId, traceparent })
