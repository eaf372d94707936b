/**
 * A webhook endpoint: where events go, the secrets that sign them, and whether it is enabled. An endpoint that answers
 * that it is gone is disabled, and so is one that has only failed for too long.
 */
import { type Aggregate, aggregateOf, type Decider } from '../commands/decider.ts'
import type { CommandBus } from '../commands/handle.ts'
import type { RejectedBy } from '../commands/rejection.ts'
import type { AnyEvent } from '../events/event.ts'
import {
  type EndpointEvent,
  type Named,
  ownerIn,
  type WebhookNames,
  type WebhookRejectionCode,
} from '../events/webhook.ts'

type Rejected = RejectedBy<WebhookRejectionCode>

/** A secret as it is kept; see secret.ts. */
export interface SealedSecret {
  secretId: string
  sealed: string
}

export interface EndpointSecret extends SealedSecret {
  /** null: the current one. */
  validUntil: string | null
}

export interface ConfiguredEndpoint {
  status: 'enabled' | 'disabled'
  /** The tenant and the endpoint, as the context names them. */
  owner: Named
  url: string
  /** null: every type. */
  eventTypes: readonly string[] | null
  /** The current one last. */
  secrets: readonly EndpointSecret[]
  /** Since when nothing has been delivered. */
  failingSince: string | null
}

export type WebhookEndpointState = { status: 'absent' } | { status: 'deleted' } | ConfiguredEndpoint

export interface SetEndpoint {
  kind: 'set'
  owner: Named
  url: string
  eventTypes: readonly string[] | null
  /** Taken where the endpoint has none yet. */
  secret: SealedSecret
  at: string
}

export type WebhookEndpointCommand =
  | SetEndpoint
  | { kind: 'rotateSecret'; secret: SealedSecret; previousValidUntil: string; at: string }
  | { kind: 'enable'; reason: string | null; at: string }
  | { kind: 'disable'; cause: 'administrator' | 'gone'; reason: string | null; at: string }
  | { kind: 'delete'; at: string }
  | { kind: 'reportSuccess'; at: string }
  /** `disableAfterMs` of nothing but failure, and the endpoint is disabled. */
  | { kind: 'reportFailure'; disableAfterMs: number; at: string }

export type WebhookEndpoint = Aggregate<WebhookEndpointState, WebhookEndpointCommand, AnyEvent>
/** What an endpoint is told by whoever sends to it. */
export type EndpointReport = Extract<
  WebhookEndpointCommand,
  { kind: 'disable' } | { kind: 'reportSuccess' } | { kind: 'reportFailure' }
>

/** Whether something may still be done with it. */
const isConfigured = (state: WebhookEndpointState): state is ConfiguredEndpoint =>
  state.status === 'enabled' || state.status === 'disabled'

/** The endpoints of a context, which refuses as `Rejected` does. */
export const webhookEndpointOf = (names: WebhookNames, Rejected: Rejected): WebhookEndpoint =>
  aggregateOf(names.context, 'webhookEndpoint', endpointDecider(names, Rejected))

const endpointDecider = (
  names: WebhookNames,
  Rejected: Rejected,
): Decider<WebhookEndpointState, WebhookEndpointCommand, EndpointEvent> => ({
  initialState: { status: 'absent' },

  evolve(state, event) {
    if (event.type === 'WebhookEndpointSet.v1') {
      const { url, eventTypes } = event.data
      if (isConfigured(state)) return { ...state, url, eventTypes }
      return { status: 'enabled', owner: ownerIn(names, event.data), url, eventTypes, secrets: [], failingSince: null }
    }
    return isConfigured(state) ? evolveConfigured(state, event) : state
  },

  decide(command, state) {
    if (command.kind === 'set') return set(command, state, Rejected)
    if (!isConfigured(state)) throw notConfigured(Rejected)
    const { owner } = state
    const occurredAt = command.at
    switch (command.kind) {
      case 'rotateSecret': {
        const { secret, previousValidUntil } = command
        const data = { ...owner, ...secret, previousValidUntil, occurredAt }
        return [{ type: 'WebhookEndpointSecretIssued.v1', data }]
      }
      case 'enable':
        if (state.status === 'enabled') return []
        return [{ type: 'WebhookEndpointEnabled.v1', data: { ...owner, reason: command.reason, occurredAt } }]
      case 'disable': {
        if (state.status === 'disabled') return []
        const data = { ...owner, cause: command.cause, reason: command.reason, occurredAt }
        return [{ type: 'WebhookEndpointDisabled.v1', data }]
      }
      case 'delete':
        return [{ type: 'WebhookEndpointDeleted.v1', data: { ...owner, occurredAt } }]
      case 'reportSuccess': {
        if (state.failingSince === null) return []
        const data = { ...owner, failingSince: state.failingSince, occurredAt }
        return [{ type: 'WebhookEndpointRecovered.v1', data }]
      }
      case 'reportFailure':
        return reportFailure(command, state)
      default:
        return command satisfies never
    }
  },
})

function evolveConfigured(state: ConfiguredEndpoint, event: EndpointEvent): WebhookEndpointState {
  switch (event.type) {
    case 'WebhookEndpointSecretIssued.v1': {
      const { secretId, sealed, previousValidUntil } = event.data
      const earlier = state.secrets.map((secret) => ({
        ...secret,
        validUntil: secret.validUntil ?? previousValidUntil,
      }))
      return { ...state, secrets: [...earlier, { secretId, sealed, validUntil: null }] }
    }
    case 'WebhookEndpointEnabled.v1':
      return { ...state, status: 'enabled', failingSince: null }
    case 'WebhookEndpointDisabled.v1':
      return { ...state, status: 'disabled' }
    case 'WebhookEndpointFailing.v1':
      return { ...state, failingSince: event.data.since }
    case 'WebhookEndpointRecovered.v1':
      return { ...state, failingSince: null }
    case 'WebhookEndpointDeleted.v1':
      return { status: 'deleted' }
    default:
      return state
  }
}

function set(command: SetEndpoint, state: WebhookEndpointState, Rejected: Rejected): EndpointEvent[] {
  const { owner, url, secret, at: occurredAt } = command
  if (state.status === 'deleted') throw notConfigured(Rejected)
  const eventTypes = command.eventTypes && [...command.eventTypes]
  const changed: EndpointEvent = { type: 'WebhookEndpointSet.v1', data: { ...owner, url, eventTypes, occurredAt } }
  if (state.status === 'absent') {
    const data = { ...owner, ...secret, previousValidUntil: null, occurredAt }
    return [changed, { type: 'WebhookEndpointSecretIssued.v1', data }]
  }
  const same = state.url === url && JSON.stringify(state.eventTypes) === JSON.stringify(eventTypes)
  return same ? [] : [changed]
}

function reportFailure(
  { disableAfterMs, at }: Extract<WebhookEndpointCommand, { kind: 'reportFailure' }>,
  { owner, status, failingSince }: ConfiguredEndpoint,
): EndpointEvent[] {
  if (status === 'disabled') return []
  if (failingSince === null) {
    return [{ type: 'WebhookEndpointFailing.v1', data: { ...owner, since: at, occurredAt: at } }]
  }
  if (Date.parse(at) - Date.parse(failingSince) < disableAfterMs) return []
  const reason = `nothing but failures since ${failingSince}`
  const data = { ...owner, cause: 'failing' as const, reason, occurredAt: at }
  return [{ type: 'WebhookEndpointDisabled.v1', data }]
}

const notConfigured = (Rejected: Rejected) =>
  new Rejected('webhook_not_configured', 'There is no such webhook endpoint.')

/** Whether events of this type go to the endpoint. */
export const isSubscribed = (state: WebhookEndpointState, eventType: string): state is ConfiguredEndpoint =>
  state.status === 'enabled' && (state.eventTypes === null || state.eventTypes.includes(eventType))

/** The endpoint, where it may be delivered to. Rejects with webhook_not_configured or webhook_disabled. */
export async function deliverableEndpoint(
  bus: CommandBus,
  aggregate: WebhookEndpoint,
  endpointId: string,
  Rejected: Rejected,
): Promise<ConfiguredEndpoint> {
  const state = await bus.current(aggregate, endpointId)
  if (!isConfigured(state)) throw notConfigured(Rejected)
  if (state.status === 'disabled') {
    throw new Rejected('webhook_disabled', 'The webhook endpoint is disabled; enable it before asking for a replay.')
  }
  return state
}
