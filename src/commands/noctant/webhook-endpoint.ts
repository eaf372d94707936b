/**
 * An operator's webhook endpoint: where its events go, the secrets that sign them, and whether it is spoken to at all.
 * One that says it is gone is disabled, and so is one that has done nothing but fail for too long.
 */
import type { WebhookEndpointEvent } from '../../events/noctant/webhook.ts'
import type { Aggregate } from '../decider.ts'
import type { CommandBus, CommandContext, Handled } from '../handle.ts'
import { Rejected } from '../rejection.ts'
import { operator } from './operator.ts'

/** A secret as it is kept; see webhook-secret.ts. */
export interface SealedSecret {
  secretId: string
  sealed: string
}

export interface EndpointSecret extends SealedSecret {
  /** null: the current one. */
  validUntil: string | null
}

export type WebhookEndpointState =
  | { status: 'absent' }
  | {
      status: 'enabled' | 'disabled'
      operatorId: string
      url: string
      /** null: every type. */
      eventTypes: readonly string[] | null
      /** The current one last. */
      secrets: readonly EndpointSecret[]
      /** Since when nothing has been delivered. */
      failingSince: string | null
    }

export type WebhookEndpointCommand =
  | {
      kind: 'set'
      operatorId: string
      url: string
      eventTypes: readonly string[] | null
      /** Taken where the endpoint has none yet. */
      secret: SealedSecret
      at: string
    }
  | { kind: 'rotateSecret'; secret: SealedSecret; previousValidUntil: string; at: string }
  | { kind: 'enable'; reason: string | null; at: string }
  | { kind: 'disable'; cause: 'administrator' | 'gone'; reason: string | null; at: string }
  | { kind: 'reportSuccess'; at: string }
  /** `disableAfterMs` of nothing but failure, and the endpoint is disabled. */
  | { kind: 'reportFailure'; disableAfterMs: number; at: string }

type ConfiguredState = Exclude<WebhookEndpointState, { status: 'absent' }>

export const webhookEndpoint: Aggregate<WebhookEndpointState, WebhookEndpointCommand, WebhookEndpointEvent> = {
  category: 'noctant.webhookEndpoint',
  initialState: { status: 'absent' },

  evolve(state, event) {
    if (event.type === 'noctant.WebhookEndpointSet.v1') {
      const { operatorId, url, eventTypes } = event.data
      if (state.status !== 'absent') return { ...state, url, eventTypes }
      return { status: 'enabled', operatorId, url, eventTypes, secrets: [], failingSince: null }
    }
    if (state.status === 'absent') return state
    switch (event.type) {
      case 'noctant.WebhookEndpointSecretIssued.v1': {
        const { secretId, sealed, previousValidUntil } = event.data
        const earlier = state.secrets.map((secret) => ({
          ...secret,
          validUntil: secret.validUntil ?? previousValidUntil,
        }))
        return { ...state, secrets: [...earlier, { secretId, sealed, validUntil: null }] }
      }
      case 'noctant.WebhookEndpointEnabled.v1':
        return { ...state, status: 'enabled', failingSince: null }
      case 'noctant.WebhookEndpointDisabled.v1':
        return { ...state, status: 'disabled' }
      case 'noctant.WebhookEndpointFailing.v1':
        return { ...state, failingSince: event.data.since }
      case 'noctant.WebhookEndpointRecovered.v1':
        return { ...state, failingSince: null }
      default:
        return event satisfies never
    }
  },

  decide(command, state) {
    if (command.kind === 'set') return set(command, state)
    if (state.status === 'absent') throw notConfigured()
    const { operatorId } = state
    const occurredAt = command.at
    switch (command.kind) {
      case 'rotateSecret': {
        const { secret, previousValidUntil } = command
        const data = { operatorId, ...secret, previousValidUntil, occurredAt }
        return [{ type: 'noctant.WebhookEndpointSecretIssued.v1', data }]
      }
      case 'enable':
        if (state.status === 'enabled') return []
        return [{ type: 'noctant.WebhookEndpointEnabled.v1', data: { operatorId, reason: command.reason, occurredAt } }]
      case 'disable': {
        if (state.status === 'disabled') return []
        const data = { operatorId, cause: command.cause, reason: command.reason, occurredAt }
        return [{ type: 'noctant.WebhookEndpointDisabled.v1', data }]
      }
      case 'reportSuccess': {
        if (state.failingSince === null) return []
        const data = { operatorId, failingSince: state.failingSince, occurredAt }
        return [{ type: 'noctant.WebhookEndpointRecovered.v1', data }]
      }
      case 'reportFailure':
        return reportFailure(command, state)
      default:
        return command satisfies never
    }
  },
}

function set(
  command: Extract<WebhookEndpointCommand, { kind: 'set' }>,
  state: WebhookEndpointState,
): WebhookEndpointEvent[] {
  const { operatorId, url, secret, at: occurredAt } = command
  const eventTypes = command.eventTypes && [...command.eventTypes]
  const changed: WebhookEndpointEvent = {
    type: 'noctant.WebhookEndpointSet.v1',
    data: { operatorId, url, eventTypes, occurredAt },
  }
  if (state.status === 'absent') {
    const data = { operatorId, ...secret, previousValidUntil: null, occurredAt }
    return [changed, { type: 'noctant.WebhookEndpointSecretIssued.v1', data }]
  }
  const same = state.url === url && JSON.stringify(state.eventTypes) === JSON.stringify(eventTypes)
  return same ? [] : [changed]
}

function reportFailure(
  { disableAfterMs, at }: Extract<WebhookEndpointCommand, { kind: 'reportFailure' }>,
  { operatorId, status, failingSince }: ConfiguredState,
): WebhookEndpointEvent[] {
  if (status === 'disabled') return []
  if (failingSince === null) {
    return [{ type: 'noctant.WebhookEndpointFailing.v1', data: { operatorId, since: at, occurredAt: at } }]
  }
  if (Date.parse(at) - Date.parse(failingSince) < disableAfterMs) return []
  const reason = `nothing but failures since ${failingSince}`
  const data = { operatorId, cause: 'failing' as const, reason, occurredAt: at }
  return [{ type: 'noctant.WebhookEndpointDisabled.v1', data }]
}

const notConfigured = () => new Rejected('webhook_not_configured', 'The operator has no webhook endpoint.')

/** Whether events of this type go to the endpoint. */
export const isSubscribed = (state: WebhookEndpointState, eventType: string): boolean =>
  state.status === 'enabled' && (state.eventTypes === null || state.eventTypes.includes(eventType))

/** Sets where an operator's events go. Rejects with operator_not_found. The URL has been checked: webhook-address.ts. */
export function setWebhookEndpoint(
  bus: CommandBus,
  command: Extract<WebhookEndpointCommand, { kind: 'set' }>,
  context: CommandContext,
): Promise<Handled<WebhookEndpointState, WebhookEndpointEvent>> {
  return bus.handle(webhookEndpoint, command.operatorId, command, context, async () => {
    const owner = await bus.load(operator, command.operatorId)
    if (owner.status === 'absent') throw new Rejected('operator_not_found', 'There is no such operator.')
  })
}

/** The endpoint, where it may be delivered to. Rejects with webhook_not_configured or webhook_disabled. */
export async function deliverableEndpoint(bus: CommandBus, operatorId: string): Promise<ConfiguredState> {
  const state = await bus.current(webhookEndpoint, operatorId)
  if (state.status === 'absent') throw notConfigured()
  if (state.status === 'disabled') {
    throw new Rejected('webhook_disabled', 'The webhook endpoint is disabled; enable it before asking for a replay.')
  }
  return state
}
