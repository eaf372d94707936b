/**
 * One event on its way to one endpoint, attempt by attempt. An attempt is recorded before it is made. A replay sends the
 * same event once more: its attempts go on counting, and the schedule begins anew.
 */
import type { Environment } from '../../events/firsthand/vocabulary.ts'
import {
  type Verdict,
  type WebhookEventEvent,
  type WebhookEventType,
  webhookEventType,
} from '../../events/firsthand/webhook.ts'
import type { AttemptOutcome, DeliveryFacts, DeliveryStep } from '../../webhooks/delivery.ts'
import type { Aggregate } from '../decider.ts'
import { Rejected } from './rejection.ts'
import type { EndpointOwner } from './webhook-endpoint.ts'

/** What the event tells, and to which endpoint. */
export interface WebhookEventFacts extends EndpointOwner {
  endpointId: string
  eventId: string
  eventType: WebhookEventType
  source: { eventId: string; stream: string; revision: string }
  jobId: string | null
  submissionId: string | null
  verdict: Verdict | null
  topUpId: string | null
  createdAt: string
}

interface Known {
  /** As the transport knows it. */
  facts: DeliveryFacts
  told: WebhookEventFacts
  /** Attempts made or begun. */
  attempts: number
}

export type WebhookEventState =
  | { status: 'absent' }
  | (Known & {
      status: 'open'
      attemptsBefore: number
      running: { attempt: number; startedAt: string } | null
      dueAt: string
    })
  /** Failed for good, and delivered. */
  | (Known & { status: 'given_up' | 'closed' })

export type WebhookEventCommand = DeliveryStep | { kind: 'replay'; owner: EndpointOwner; at: string }

type Open = Extract<WebhookEventState, { status: 'open' }>

export const webhookEvent: Aggregate<WebhookEventState, WebhookEventCommand, WebhookEventEvent> = {
  category: 'firsthand.webhookEvent',
  initialState: { status: 'absent' },

  evolve(state, { type, data }) {
    if (type === 'firsthand.WebhookEventCreated.v1') {
      const { occurredAt: dueAt, ...told } = data
      return { status: 'open', told, facts: factsOf(told), attempts: 0, attemptsBefore: 0, running: null, dueAt }
    }
    if (state.status === 'absent') return state
    const { facts, told } = state
    switch (type) {
      case 'firsthand.WebhookAttemptStarted.v1': {
        const { attempt, occurredAt: startedAt } = data
        return state.status === 'open' ? { ...state, attempts: attempt, running: { attempt, startedAt } } : state
      }
      case 'firsthand.WebhookAttemptFinished.v1': {
        const { attempt: attempts, status, nextAttemptAt } = data
        if (state.status !== 'open') return state
        if (nextAttemptAt !== null) return { ...state, attempts, running: null, dueAt: nextAttemptAt }
        return { status: status === 'delivered' ? 'closed' : 'given_up', facts, told, attempts }
      }
      case 'firsthand.WebhookReplayRequested.v1': {
        const { attempts, occurredAt: dueAt } = data
        return { status: 'open', facts, told, attempts, attemptsBefore: attempts, running: null, dueAt }
      }
      default:
        return type satisfies never
    }
  },

  /** Whatever does not fit the state any more has been dealt with by somebody else, and changes nothing. */
  decide(command, state) {
    switch (command.kind) {
      case 'request': {
        if (state.status !== 'absent') return []
        const data = { ...toldOf(command.facts), occurredAt: command.at }
        return [{ type: 'firsthand.WebhookEventCreated.v1', data }]
      }
      case 'replay': {
        if (state.status === 'absent' || !isOwnEvent(state, command.owner)) throw eventNotFound()
        if (state.status === 'open') return []
        const data = { ...namesOf(state.told), attempts: state.attempts, occurredAt: command.at }
        return [{ type: 'firsthand.WebhookReplayRequested.v1', data }]
      }
      case 'start': {
        if (state.status !== 'open' || state.running || command.at < state.dueAt) return []
        const data = { ...namesOf(state.told), attempt: state.attempts + 1, occurredAt: command.at }
        return [{ type: 'firsthand.WebhookAttemptStarted.v1', data }]
      }
      case 'finish': {
        if (state.status !== 'open' || state.running?.attempt !== command.attempt) return []
        const { startedAt } = state.running
        return [finished(state, command.outcome, { startedAt, durationMs: command.durationMs, at: command.at })]
      }
      case 'abandon': {
        if (state.status !== 'open' || state.running) return []
        const { errorClass, errorMessage, at } = command
        const nothing = { responseStatus: null, responseExcerpt: null, nextAttemptAt: null }
        const outcome: AttemptOutcome = { status: 'dead_letter', errorClass, errorMessage, ...nothing }
        return [finished(state, outcome, { startedAt: at, durationMs: 0, at })]
      }
      default:
        return command satisfies never
    }
  },
}

/** What an answer says is not kept: it may repeat what it was sent, and that is kept nowhere either. */
function finished(
  { told, attempts: attempt }: Open,
  { responseExcerpt: _, ...outcome }: AttemptOutcome,
  { startedAt, durationMs, at }: { startedAt: string; durationMs: number; at: string },
): WebhookEventEvent {
  const data = { ...namesOf(told), attempt, ...outcome, startedAt, durationMs, occurredAt: at }
  return { type: 'firsthand.WebhookAttemptFinished.v1', data }
}

export const isOwnEvent = ({ told }: Pick<Known, 'told'>, { organizationId, environment }: EndpointOwner): boolean =>
  told.organizationId === organizationId && told.environment === environment

/** The same for another organization's event, and for one of the other environment, as for none. */
export const eventNotFound = () => new Rejected('webhook_event_not_found', 'There is no such webhook event.')

const namesOf = ({ organizationId, environment, endpointId, eventId, eventType }: WebhookEventFacts) => ({
  ...{ organizationId, environment, endpointId, eventId, eventType },
})

/** As the transport knows an event: by names, all of them text. */
function factsOf(told: WebhookEventFacts): DeliveryFacts {
  const { organizationId, environment, endpointId, eventId: deliveryId, eventType, source, createdAt } = told
  const about = { stream: source.stream, revision: source.revision, createdAt }
  const subject = {
    ...(told.jobId && { jobId: told.jobId }),
    ...(told.submissionId && { submissionId: told.submissionId }),
    ...(told.topUpId && { topUpId: told.topUpId }),
    ...(told.verdict && { verdict: JSON.stringify(told.verdict) }),
  }
  return {
    ...{ deliveryId, owner: { organizationId, environment, endpointId }, eventId: source.eventId, eventType },
    ...{ replayId: null, person: {}, body: null, about: { ...about, ...subject } },
  }
}

/** The other way round. */
export function toldOf({
  deliveryId: eventId,
  owner,
  eventId: sourceId,
  eventType,
  about = {},
}: DeliveryFacts): WebhookEventFacts {
  const { organizationId = '', environment, endpointId = '' } = owner
  const { stream = '', revision = '', createdAt = '', jobId = null, submissionId = null, topUpId = null } = about
  const verdict = about.verdict === undefined ? null : (JSON.parse(about.verdict) as Verdict)
  return {
    ...{ organizationId, environment: environment as Environment, endpointId, eventId },
    ...{ eventType: webhookEventType.parse(eventType), source: { eventId: sourceId, stream, revision } },
    ...{ jobId, submissionId, verdict, topUpId, createdAt },
  }
}
