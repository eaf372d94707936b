/**
 * A buyer's webhook endpoint: where its events go, the secrets that sign them, and whether it is active. One that answers
 * that it is gone is disabled, and so is one that has only failed for too long.
 */
import type { Environment } from '../../events/firsthand/vocabulary.ts'
import type { EndpointFacts, EndpointStatus, WebhookEndpointEvent } from '../../events/firsthand/webhook.ts'
import type { ConfiguredEndpoint, EndpointReport, SealedSecret } from '../../webhooks/endpoint.ts'
import type { Aggregate } from '../decider.ts'
import type { CommandBus } from '../handle.ts'
import { Rejected } from './rejection.ts'

/** Whose endpoint it is to be. */
export interface EndpointOwner {
  organizationId: string
  environment: Environment
}

export interface ExistingEndpoint extends ConfiguredEndpoint {
  description: string | null
  /** The one that it was made with. */
  firstSecret: SealedSecret
  createdAt: string
  updatedAt: string
}
export type EndpointState = { status: 'absent' } | { status: 'deleted' } | ExistingEndpoint

export type EndpointCommand =
  | { kind: 'create'; facts: EndpointFacts; secret: SealedSecret }
  /** What is not given stays as it is. */
  | { kind: 'change'; owner: EndpointOwner; change: EndpointChange; at: string }
  | { kind: 'rotate'; owner: EndpointOwner; secret: SealedSecret; previousValidUntil: string; at: string }
  | { kind: 'delete'; owner: EndpointOwner; at: string }
  | EndpointReport

export interface EndpointChange {
  url?: string
  description?: string
  status?: EndpointStatus
}

export const webhookEndpoint: Aggregate<EndpointState, EndpointCommand, WebhookEndpointEvent> = {
  category: 'firsthand.webhookEndpoint',
  initialState: { status: 'absent' },

  evolve(state, { type, data }) {
    if (type === 'firsthand.WebhookEndpointCreated.v1') {
      const { organizationId, environment, endpointId, url, description, secretId, sealed, occurredAt } = data
      return {
        ...{ status: 'enabled', owner: { organizationId, environment, endpointId }, url, description },
        ...{ eventTypes: null, failingSince: null, createdAt: occurredAt, updatedAt: occurredAt },
        ...{ firstSecret: { secretId, sealed }, secrets: [{ secretId, sealed, validUntil: null }] },
      }
    }
    if (!isThere(state)) return state
    const changed = { ...state, updatedAt: data.occurredAt }
    switch (type) {
      case 'firsthand.WebhookEndpointChanged.v1': {
        const { url, description } = data
        const status = data.status === 'active' ? 'enabled' : 'disabled'
        return { ...changed, url, description, status, failingSince: null }
      }
      case 'firsthand.WebhookSecretRotated.v1': {
        const { secretId, sealed, previousValidUntil: validUntil } = data
        const former = state.secrets.slice(-1).map((secret) => ({ ...secret, validUntil }))
        return { ...changed, secrets: [...former, { secretId, sealed, validUntil: null }] }
      }
      case 'firsthand.WebhookEndpointFailing.v1':
        return { ...state, failingSince: data.occurredAt }
      case 'firsthand.WebhookEndpointRecovered.v1':
        return { ...state, failingSince: null }
      case 'firsthand.WebhookEndpointDisabled.v1':
        return { ...changed, status: 'disabled' }
      case 'firsthand.WebhookEndpointDeleted.v1':
        return { status: 'deleted' }
      default:
        return type satisfies never
    }
  },

  decide(command, state) {
    if (command.kind === 'create') {
      if (state.status !== 'absent') return []
      return [{ type: 'firsthand.WebhookEndpointCreated.v1', data: { ...command.facts, ...command.secret } }]
    }
    if (!isThere(state) || ('owner' in command && !isOwn(state, command.owner))) throw endpointNotFound()
    const of = { ...nameOf(state), occurredAt: command.at }
    switch (command.kind) {
      case 'change': {
        const { url, description, status } = state
        const before = { url, description, status: status === 'enabled' ? 'active' : status }
        const after = { ...before, ...command.change }
        const isSame = (Object.keys(before) as (keyof typeof before)[]).every((name) => before[name] === after[name])
        if (isSame) return []
        const wanted = { ...after, status: after.status as EndpointStatus }
        return [{ type: 'firsthand.WebhookEndpointChanged.v1', data: { ...of, ...wanted } }]
      }
      case 'rotate': {
        const { secret, previousValidUntil } = command
        return [{ type: 'firsthand.WebhookSecretRotated.v1', data: { ...of, ...secret, previousValidUntil } }]
      }
      case 'delete':
        return [{ type: 'firsthand.WebhookEndpointDeleted.v1', data: of }]
      default:
        return report(command, state, of)
    }
  },
}

/** What its deliveries say of it. Only turns are events: to failing, from failing, out of use. */
function report(
  command: EndpointReport,
  { status, failingSince }: ExistingEndpoint,
  of: { organizationId: string; environment: Environment; endpointId: string; occurredAt: string },
): WebhookEndpointEvent[] {
  switch (command.kind) {
    case 'disable': {
      if (status === 'disabled') return []
      const reason = command.reason ?? 'the endpoint is gone'
      return [{ type: 'firsthand.WebhookEndpointDisabled.v1', data: { ...of, cause: 'gone', reason } }]
    }
    case 'reportSuccess':
      if (failingSince === null) return []
      return [{ type: 'firsthand.WebhookEndpointRecovered.v1', data: { ...of, failingSince } }]
    case 'reportFailure': {
      if (status === 'disabled') return []
      if (failingSince === null) return [{ type: 'firsthand.WebhookEndpointFailing.v1', data: of }]
      if (Date.parse(command.at) - Date.parse(failingSince) < command.disableAfterMs) return []
      const reason = `nothing but failures since ${failingSince}`
      return [{ type: 'firsthand.WebhookEndpointDisabled.v1', data: { ...of, cause: 'failing', reason } }]
    }
    default:
      return command satisfies never
  }
}

export const isThere = (state: EndpointState): state is ExistingEndpoint =>
  state.status === 'enabled' || state.status === 'disabled'

/** Rejects with webhook_not_configured or webhook_disabled where nothing is delivered to it. */
export async function requireDeliverable(bus: Pick<CommandBus, 'current'>, endpointId: string): Promise<void> {
  const endpoint = await bus.current(webhookEndpoint, endpointId)
  if (!isThere(endpoint)) throw endpointNotFound()
  if (endpoint.status === 'disabled') throw new Rejected('webhook_disabled', 'The webhook endpoint is disabled.')
}

/** Whether it is there, for this organization in this environment. */
export const isOwnEndpoint = (state: EndpointState, owner: EndpointOwner): state is ExistingEndpoint =>
  isThere(state) && isOwn(state, owner)

function isOwn(state: ExistingEndpoint, { organizationId, environment }: EndpointOwner): boolean {
  const own = nameOf(state)
  return own.organizationId === organizationId && own.environment === environment
}

/** The fields that name the endpoint in its events. */
const nameOf = ({ owner: { organizationId = '', environment, endpointId = '' } }: ExistingEndpoint) => ({
  ...{ organizationId, environment: environment as Environment, endpointId },
})

/** The same for another organization's endpoint, for one of the other environment, and for a deleted one, as for none. */
export const endpointNotFound = () => new Rejected('webhook_not_configured', 'There is no such webhook endpoint.')
