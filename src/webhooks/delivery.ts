/**
 * One delivery of one event to one endpoint, attempt by attempt. An attempt is recorded before it is made, so
 * that one whose process died in the middle is known to be of unknown outcome, and is made again under the same id.
 */
import { type Aggregate, aggregateOf, type Decider } from '../commands/decider.ts'
import { deterministicId } from '../commands/identity.ts'
import type { AnyEvent } from '../events/event.ts'
import { type AttemptStatus, type DeliveryEvent, type Named, ownerIn, type WebhookNames } from '../events/webhook.ts'

export interface DeliveryFacts {
  deliveryId: string
  /** The tenant and the endpoint, as the context names them. */
  owner: Named
  eventId: string
  eventType: string
  replayId: string | null
  /** Whose personal data the body holds, as the context names them; empty: nobody's. */
  person: Named
  /** The bytes to be sent; null: they are made at each attempt. */
  body: string | null
  /** What the context keeps of the event, to make the body of. */
  about?: Named
  /** Whoever has the endpoint tries it: it is sent however the endpoint stands. */
  isTrial?: boolean
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
      /** Those before the last replay: the schedule begins anew after it. Absent: none. */
      attemptsBefore?: number
      running: { attempt: number; startedAt: string } | null
      dueAt: string
    }
  /** It did not get through, and nothing more is tried; a replay is a delivery of its own. */
  | { status: 'given_up'; facts: Pick<DeliveryFacts, 'deliveryId' | 'owner' | 'eventId'> }
  | { status: 'closed' }

export type WebhookDeliveryCommand =
  | { kind: 'request'; facts: DeliveryFacts; at: string }
  | { kind: 'start'; at: string }
  | { kind: 'finish'; attempt: number; outcome: AttemptOutcome; durationMs: number; at: string }
  /** Given up without being tried (again). */
  | { kind: 'abandon'; errorClass: string; errorMessage: string; at: string }
  /** Takes one that was given up off the list of what is to be dealt with. */
  | { kind: 'discard'; reason: string | null; at: string }

/** A delivery's id follows from what is delivered to which endpoint and why, so that it is requested once. */
export const deliveryIdOf = (
  { context }: Pick<WebhookNames, 'context'>,
  endpointId: string,
  eventId: string,
  replayId: string | null,
): string => deterministicId(`${context}.webhookDelivery`, endpointId, eventId, replayId ?? '')

type OpenState = Extract<WebhookDeliveryState, { status: 'open' }>

export type WebhookDelivery = Aggregate<WebhookDeliveryState, WebhookDeliveryCommand, AnyEvent>
/** What a delivery is asked for by whoever makes its attempts. */
export type DeliveryStep = Exclude<WebhookDeliveryCommand, { kind: 'discard' }>

/** The deliveries of a context. */
export const webhookDeliveryOf = (names: WebhookNames): WebhookDelivery =>
  aggregateOf(names.context, 'webhookDelivery', deliveryDecider(names))

const deliveryDecider = (
  names: WebhookNames,
): Decider<WebhookDeliveryState, WebhookDeliveryCommand, DeliveryEvent> => ({
  initialState: { status: 'absent' },

  evolve(state, event) {
    if (event.type === 'WebhookDeliveryRequested.v1') {
      const { deliveryId, eventId, eventType, replayId, body, occurredAt } = event.data
      const told = { eventId, eventType, replayId, person: personIn(names, event.data), body }
      const facts = { deliveryId, owner: ownerIn(names, event.data), ...told }
      return { status: 'open', facts, attempts: 0, running: null, dueAt: occurredAt }
    }
    if (event.type === 'WebhookDeliveryDiscarded.v1') return { status: 'closed' }
    if (state.status !== 'open') return state
    switch (event.type) {
      case 'WebhookAttemptStarted.v1': {
        const { attempt, occurredAt: startedAt } = event.data
        return { ...state, attempts: attempt, running: { attempt, startedAt } }
      }
      case 'WebhookAttemptFinished.v1': {
        const { attempt, nextAttemptAt, status } = event.data
        const { deliveryId, owner, eventId } = state.facts
        if (nextAttemptAt !== null) return { ...state, attempts: attempt, running: null, dueAt: nextAttemptAt }
        if (status === 'delivered') return { status: 'closed' }
        return { status: 'given_up', facts: { deliveryId, owner, eventId } }
      }
      default:
        return event satisfies never
    }
  },

  /** Whatever does not fit the state any more has been dealt with by somebody else, and changes nothing. */
  decide(command, state) {
    if (command.kind === 'request') {
      if (state.status !== 'absent') return []
      const { deliveryId, owner, eventId, eventType, replayId, person, body } = command.facts
      if (body === null) throw new Error('these deliveries are recorded with what they send')
      const data = { deliveryId, ...owner, eventId, eventType, replayId, ...person, body, occurredAt: command.at }
      return [{ type: 'WebhookDeliveryRequested.v1', data }]
    }
    if (command.kind === 'discard') {
      if (state.status !== 'given_up') return []
      const { deliveryId, owner, eventId } = state.facts
      const data = { deliveryId, ...owner, eventId, reason: command.reason, occurredAt: command.at }
      return [{ type: 'WebhookDeliveryDiscarded.v1', data }]
    }
    if (state.status !== 'open') return []
    const { deliveryId, owner } = state.facts
    switch (command.kind) {
      case 'start': {
        if (state.running || Date.parse(command.at) < Date.parse(state.dueAt)) return []
        const data = { deliveryId, ...owner, attempt: state.attempts + 1, occurredAt: command.at }
        return [{ type: 'WebhookAttemptStarted.v1', data }]
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
})

/** Whose personal data is in it; nobody's: an event without the field. */
function personIn({ person }: WebhookNames, data: Readonly<Record<string, unknown>>): Named {
  const id = data[person]
  return typeof id === 'string' ? { [person]: id } : {}
}

function finished(
  { facts: { deliveryId, owner, eventId, eventType, person } }: OpenState,
  outcome: AttemptOutcome,
  { attempt, startedAt, durationMs, at }: { attempt: number; startedAt: string; durationMs: number; at: string },
): DeliveryEvent {
  const what = { deliveryId, ...owner, eventId, eventType, ...person, attempt }
  return {
    type: 'WebhookAttemptFinished.v1',
    data: { ...what, ...outcome, startedAt, finishedAt: at, durationMs, occurredAt: at },
  }
}
