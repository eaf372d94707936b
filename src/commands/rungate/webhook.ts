/**
 * A webhook: where events go, which ones, the secrets that sign them, and whether it takes any. One whose deliveries were given up
 * too often in a row is failing, and takes none until somebody enables it.
 */
import type { Author } from '../../events/rungate/vocabulary.ts'
import type { WebhookCreation, WebhookEvent, WebhookFacts } from '../../events/rungate/webhook.ts'
import type { ConfiguredEndpoint, EndpointReport, EndpointSecret } from '../../webhooks/endpoint.ts'
import type { Aggregate } from '../decider.ts'
import { changedFields } from './policy-merge.ts'
import { Rejected } from './rejection.ts'

/** Taken, by whom it belongs to, and by too many failures. */
export type WebhookStatus = 'active' | 'paused' | 'failing'

/** A secret as it is kept. */
export type SealedWebhookSecret = Pick<WebhookCreation, 'secretId' | 'sealed' | 'masked'>
type KeptSecret = EndpointSecret & { masked: string }

export interface ExistingWebhook extends ConfiguredEndpoint {
  standing: WebhookStatus
  created: WebhookCreation
  webhook: WebhookFacts
  /** The current one last, behind the one before it, where there is one. */
  secrets: readonly KeptSecret[]
  /** Deliveries that were given up in a row. */
  failures: number
  /** Ends of deliveries up to here are counted. */
  countedUpTo: bigint
  updatedBy: Author
  updatedAt: string
}
export type WebhookState = { status: 'absent' } | { status: 'deleted'; created: WebhookCreation } | ExistingWebhook

interface Asked {
  accountId: string
  memberId: string | null
  author: Author
  at: string
}
export interface WebhookRotation {
  secret: SealedWebhookSecret
  previousValidUntil: string
}
export type WebhookCommand =
  | { kind: 'create'; facts: WebhookCreation }
  /** What is not given stays. */
  | (Asked & {
      kind: 'change'
      webhook: Partial<Omit<WebhookFacts, 'scope'>>
      status?: 'active' | 'paused'
      rotation?: WebhookRotation
    })
  | (Asked & WebhookRotation & { kind: 'rotate' })
  | (Asked & { kind: 'enable' | 'disable' | 'expirePrevious' | 'delete' })
  /** Nothing follows before the previous secret's time is over. */
  | { kind: 'endGrace'; author: Author; at: string }
  /** A delivery has come to its end. `position`: of the event that says so. */
  | { kind: 'countEnd'; isDelivered: boolean; failuresMax: number; position: bigint; at: string }
  | EndpointReport

export const webhookNotFound = () => new Rejected('webhook_not_found', 'There is no such webhook.')

const isThere = (state: WebhookState): state is ExistingWebhook =>
  state.status === 'enabled' || state.status === 'disabled'

/** Whether the caller sees the webhook: a personal one is its member's alone. */
export const seesWebhook = (
  state: WebhookState,
  { accountId, memberId }: Pick<Asked, 'accountId' | 'memberId'>,
): state is ExistingWebhook =>
  isThere(state) &&
  state.created.accountId === accountId &&
  (state.webhook.scope === 'org' || (memberId !== null && state.created.memberId === memberId))

export const webhook: Aggregate<WebhookState, WebhookCommand, WebhookEvent> = {
  category: 'rungate.webhook',
  initialState: { status: 'absent' },

  evolve(state, event) {
    if (event.type === 'rungate.WebhookCreated.v1') return created(event.data)
    if (!isThere(state)) return state
    if (event.type === 'rungate.WebhookFailuresCounted.v1') {
      return { ...state, failures: event.data.failures, countedUpTo: BigInt(event.data.upTo) }
    }
    const { occurredAt: updatedAt } = event.data
    if (event.type === 'rungate.WebhookFailing.v1') {
      return { ...state, ...standing('failing'), failures: event.data.failures, updatedAt }
    }
    const changed = { ...state, updatedBy: event.data.author, updatedAt }
    switch (event.type) {
      case 'rungate.WebhookChanged.v1':
        return { ...changed, ...told(event.data.webhook) }
      case 'rungate.SecretRotated.v1': {
        const { secretId, sealed, masked, previousValidUntil: validUntil } = event.data
        const former = state.secrets.slice(-1).map((secret) => ({ ...secret, validUntil }))
        return { ...changed, secrets: [...former, { secretId, sealed, masked, validUntil: null }] }
      }
      case 'rungate.PreviousSecretExpired.v1':
        return { ...changed, secrets: state.secrets.slice(-1) }
      case 'rungate.WebhookEnabled.v1':
        return { ...changed, ...standing('active'), failures: 0 }
      case 'rungate.WebhookDisabled.v1':
        return { ...changed, ...standing('paused') }
      case 'rungate.WebhookDeleted.v1':
        return { status: 'deleted', created: state.created }
      default:
        return event satisfies never
    }
  },

  decide(command, state) {
    switch (command.kind) {
      case 'create':
        return state.status === 'absent' ? [{ type: 'rungate.WebhookCreated.v1', data: command.facts }] : []
      case 'countEnd':
        return countEnd(command, state)
      case 'endGrace': {
        const until = isThere(state) ? state.secrets.at(-2)?.validUntil : undefined
        return isThere(state) && until && until <= command.at ? withoutPrevious(state, of(state, command)) : []
      }
      // Deliveries are counted by their ends, which the log has.
      case 'reportSuccess':
      case 'reportFailure':
        return []
      case 'disable':
        // By whoever sends: an endpoint that says it is gone has had a delivery given up.
        if (!('author' in command)) return []
        break
      default:
    }
    if (!seesWebhook(state, command)) throw webhookNotFound()
    return decideAsked(command, state)
  },
}

const standing = (as: WebhookStatus) => ({
  standing: as,
  status: as === 'active' ? ('enabled' as const) : ('disabled' as const),
})
const told = (webhook: WebhookFacts) => ({ webhook, url: webhook.url, eventTypes: webhook.events })

function created(data: WebhookCreation): ExistingWebhook {
  const { accountId, webhookId, secretId, sealed, masked, author, occurredAt } = data
  return {
    ...{ ...standing('active'), ...told(data.webhook), owner: { accountId, webhookId }, failingSince: null },
    ...{ created: data, secrets: [{ secretId, sealed, masked, validUntil: null }], failures: 0, countedUpTo: -1n },
    ...{ updatedBy: author, updatedAt: occurredAt },
  }
}

const of = ({ created: { accountId, webhookId } }: ExistingWebhook, { author, at }: Pick<Asked, 'author' | 'at'>) => ({
  ...{ accountId, webhookId, author, occurredAt: at },
})

type AskedCommand = Extract<WebhookCommand, Asked>

function decideAsked(command: AskedCommand, state: ExistingWebhook): WebhookEvent[] {
  const facts = of(state, command)
  switch (command.kind) {
    case 'change':
      return [
        ...changes(command, state, facts),
        ...(command.rotation ? [rotated(state, facts, command.rotation)] : []),
        ...(command.status === undefined ? [] : switched(state, command.status, facts)),
      ]
    case 'rotate':
      return [rotated(state, facts, command)]
    case 'expirePrevious':
      return withoutPrevious(state, facts)
    case 'enable':
      return switched(state, 'active', facts)
    case 'disable':
      return switched(state, 'paused', facts)
    case 'delete':
      return [{ type: 'rungate.WebhookDeleted.v1', data: facts }]
    default:
      return command satisfies never
  }
}

type Facts = ReturnType<typeof of>

function changes(
  { webhook: change }: Extract<WebhookCommand, { kind: 'change' }>,
  { webhook: before }: ExistingWebhook,
  facts: Facts,
): WebhookEvent[] {
  const after = { ...before, ...change }
  if (changedFields(before, after).length === 0) return []
  return [{ type: 'rungate.WebhookChanged.v1', data: { ...facts, webhook: after } }]
}

const rotated = (
  { secrets }: ExistingWebhook,
  facts: Facts,
  { secret, previousValidUntil }: WebhookRotation,
): WebhookEvent => ({
  type: 'rungate.SecretRotated.v1',
  data: { ...facts, ...secret, previousMasked: secrets.at(-1)?.masked ?? '', previousValidUntil },
})

const withoutPrevious = ({ secrets }: ExistingWebhook, facts: Facts): WebhookEvent[] =>
  secrets.length > 1 ? [{ type: 'rungate.PreviousSecretExpired.v1', data: facts }] : []

function switched({ standing: as, failures }: ExistingWebhook, to: 'active' | 'paused', facts: Facts): WebhookEvent[] {
  if (to === 'paused') return as === 'paused' ? [] : [{ type: 'rungate.WebhookDisabled.v1', data: facts }]
  return as === 'active' && failures === 0 ? [] : [{ type: 'rungate.WebhookEnabled.v1', data: facts }]
}

/** Of one that takes nothing, nothing is counted. An end that was counted already is no other. */
function countEnd(
  { isDelivered, failuresMax, position, at: occurredAt }: Extract<WebhookCommand, { kind: 'countEnd' }>,
  state: WebhookState,
): WebhookEvent[] {
  if (state.status !== 'enabled' || position <= state.countedUpTo) return []
  const failures = isDelivered ? 0 : state.failures + 1
  if (failures === state.failures) return []
  const { accountId, webhookId } = state.created
  const counted = { accountId, webhookId, failures, occurredAt }
  const events: WebhookEvent[] = [
    { type: 'rungate.WebhookFailuresCounted.v1', data: { ...counted, upTo: position.toString() } },
  ]
  if (failures >= failuresMax) events.push({ type: 'rungate.WebhookFailing.v1', data: counted })
  return events
}
