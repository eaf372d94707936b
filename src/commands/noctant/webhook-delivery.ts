/**
 * One delivery of one event to an operator's endpoint, attempt by attempt. An attempt is recorded before it is made, so
 * that one whose process died in the middle is known to be of unknown outcome, and is made again under the same id.
 */
import type { AttemptStatus, WebhookDeliveryEvent } from '../../events/noctant/webhook.ts'
import type { Aggregate } from '../decider.ts'
import { deterministicId } from '../identity.ts'

export interface DeliveryFacts {
  deliveryId: string
  operatorId: string
  eventId: string
  eventType: string
  replayId: string | null
  /** Whose personal data the body holds. */
  globalUserId?: string | undefined
  body: string
}

/** What an attempt came to. */
export interface AttemptOutcome {
  status: AttemptStatus
  responseStatus: number | null
  responseExcerpt: string | null
  errorClass: string | null
  errorMessage: string | null
  /** null: no further attempt. */
  nextAttemptAt: string | null
}

export type WebhookDeliveryState =
  | { status: 'absent' }
  | {
      status: 'open'
      facts: DeliveryFacts
      /** Attempts made or begun. */
      attempts: number
      running: { attempt: number; startedAt: string } | null
      dueAt: string
    }
  /** Nothing more is tried; a replay is a delivery of its own. */
  | { status: 'given_up'; facts: Pick<DeliveryFacts, 'deliveryId' | 'operatorId' | 'eventId'> }
  | { status: 'closed' }

export type WebhookDeliveryCommand =
  | { kind: 'request'; facts: DeliveryFacts; at: string }
  | { kind: 'start'; at: string }
  | { kind: 'finish'; attempt: number; outcome: AttemptOutcome; durationMs: number; at: string }
  /** Given up without being tried (again). */
  | { kind: 'abandon'; errorClass: string; errorMessage: string; at: string }
  /** Takes one that was given up off the list of what is to be dealt with. */
  | { kind: 'discard'; reason: string | null; at: string }

/** A delivery's id follows from what is delivered and why, so that it is requested once. */
export const deliveryIdOf = (operatorId: string, eventId: string, replayId: string | null): string =>
  deterministicId('noctant.webhookDelivery', operatorId, eventId, replayId ?? '')

type OpenState = Extract<WebhookDeliveryState, { status: 'open' }>

export const webhookDelivery: Aggregate<WebhookDeliveryState, WebhookDeliveryCommand, WebhookDeliveryEvent> = {
  category: 'noctant.webhookDelivery',
  initialState: { status: 'absent' },

  evolve(state, event) {
    if (event.type === 'noctant.WebhookDeliveryRequested.v1') {
      const { occurredAt, ...facts } = event.data
      return { status: 'open', facts, attempts: 0, running: null, dueAt: occurredAt }
    }
    if (event.type === 'noctant.WebhookDeliveryDiscarded.v1') return { status: 'closed' }
    if (state.status !== 'open') return state
    switch (event.type) {
      case 'noctant.WebhookAttemptStarted.v1': {
        const { attempt, occurredAt: startedAt } = event.data
        return { ...state, attempts: attempt, running: { attempt, startedAt } }
      }
      case 'noctant.WebhookAttemptFinished.v1': {
        const { attempt, nextAttemptAt, status } = event.data
        const { deliveryId, operatorId, eventId } = state.facts
        if (status === 'dead_letter') return { status: 'given_up', facts: { deliveryId, operatorId, eventId } }
        if (nextAttemptAt === null) return { status: 'closed' }
        return { ...state, attempts: attempt, running: null, dueAt: nextAttemptAt }
      }
      default:
        return event satisfies never
    }
  },

  /** Whatever does not fit the state any more has been dealt with by somebody else, and changes nothing. */
  decide(command, state) {
    if (command.kind === 'request') {
      if (state.status !== 'absent') return []
      const data = { ...command.facts, occurredAt: command.at }
      return [{ type: 'noctant.WebhookDeliveryRequested.v1', data }]
    }
    if (command.kind === 'discard') {
      if (state.status !== 'given_up') return []
      const { reason, at: occurredAt } = command
      return [{ type: 'noctant.WebhookDeliveryDiscarded.v1', data: { ...state.facts, reason, occurredAt } }]
    }
    if (state.status !== 'open') return []
    const { deliveryId, operatorId } = state.facts
    switch (command.kind) {
      case 'start': {
        if (state.running || Date.parse(command.at) < Date.parse(state.dueAt)) return []
        const data = { deliveryId, operatorId, attempt: state.attempts + 1, occurredAt: command.at }
        return [{ type: 'noctant.WebhookAttemptStarted.v1', data }]
      }
      case 'finish': {
        if (state.running?.attempt !== command.attempt) return []
        const { attempt, startedAt } = state.running
        return [
          finished(state, command.outcome, { attempt, startedAt, durationMs: command.durationMs, at: command.at }),
        ]
      }
      case 'abandon': {
        if (state.running) return []
        const { errorClass, errorMessage, at } = command
        const nothing = { responseStatus: null, responseExcerpt: null, nextAttemptAt: null }
        const outcome: AttemptOutcome = { status: 'dead_letter', errorClass, errorMessage, ...nothing }
        return [finished(state, outcome, { attempt: state.attempts + 1, startedAt: at, durationMs: 0, at })]
      }
      default:
        return command satisfies never
    }
  },
}

function finished(
  { facts: { deliveryId, operatorId, eventId, eventType, globalUserId } }: OpenState,
  outcome: AttemptOutcome,
  { attempt, startedAt, durationMs, at }: { attempt: number; startedAt: string; durationMs: number; at: string },
): WebhookDeliveryEvent {
  const person = globalUserId === undefined ? {} : { globalUserId }
  const what = { deliveryId, operatorId, eventId, eventType, ...person, attempt }
  return {
    type: 'noctant.WebhookAttemptFinished.v1',
    data: { ...what, ...outcome, startedAt, finishedAt: at, durationMs, occurredAt: at },
  }
}
