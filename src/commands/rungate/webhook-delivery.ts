/**
 * One event on its way to one webhook, attempt by attempt. An attempt is recorded before it is made, so that one whose process died
 * in the middle is known to be of unknown outcome. It counts: there are never more attempts than there may be.
 */
import { type WebhookDeliveryEvent, webhookEventType } from '../../events/rungate/webhook.ts'
import type { DeliveryFacts, DeliveryStep, WebhookDeliveryState } from '../../webhooks/delivery.ts'
import type { Aggregate } from '../decider.ts'

type Of<T extends WebhookDeliveryEvent['type']> = Extract<WebhookDeliveryEvent, { type: T }>['data']
type Requested = Of<'rungate.DeliveryRequested.v1'>
type Open = Extract<WebhookDeliveryState, { status: 'open' }>

export const webhookDelivery: Aggregate<WebhookDeliveryState, DeliveryStep, WebhookDeliveryEvent> = {
  category: 'rungate.webhookDelivery',
  initialState: { status: 'absent' },

  evolve(state, { type, data }) {
    if (type === 'rungate.DeliveryRequested.v1') {
      return { status: 'open', facts: factsOf(data), attempts: 0, running: null, dueAt: data.occurredAt }
    }
    if (state.status !== 'open') return state
    const { deliveryId, owner, eventId } = state.facts
    switch (type) {
      case 'rungate.AttemptStarted.v1': {
        const { attempt, occurredAt: startedAt } = data
        return { ...state, attempts: attempt, running: { attempt, startedAt } }
      }
      case 'rungate.AttemptFinished.v1':
        if (data.nextAttemptAt !== null) return { ...state, running: null, dueAt: data.nextAttemptAt }
        return data.status === 'delivered' ? { status: 'closed' } : { ...state, running: null }
      case 'rungate.DeliveryGivenUp.v1':
        return { status: 'given_up', facts: { deliveryId, owner, eventId } }
      default:
        return type satisfies never
    }
  },

  /** Whatever does not fit the state any more has been dealt with by somebody else, and changes nothing. */
  decide(command, state) {
    if (command.kind === 'request') {
      if (state.status !== 'absent') return []
      return [{ type: 'rungate.DeliveryRequested.v1', data: { ...requestedOf(command.facts), occurredAt: command.at } }]
    }
    if (state.status !== 'open') return []
    const of = { ...namesOf(state.facts), occurredAt: command.at }
    switch (command.kind) {
      case 'start':
        if (state.running || command.at < state.dueAt) return []
        return [{ type: 'rungate.AttemptStarted.v1', data: { ...of, attempt: state.attempts + 1 } }]
      case 'finish':
        return finish(command, state, of)
      case 'abandon': {
        if (state.running) return []
        const { errorMessage: reason } = command
        const about = { attempts: state.attempts, cause: 'webhook_off' as const, reason, isTrial: isTrial(state) }
        return [{ type: 'rungate.DeliveryGivenUp.v1', data: { ...of, ...about } }]
      }
      default:
        return command satisfies never
    }
  },
}

function finish(
  { attempt, outcome, durationMs }: Extract<DeliveryStep, { kind: 'finish' }>,
  state: Open,
  of: ReturnType<typeof namesOf> & { occurredAt: string },
): WebhookDeliveryEvent[] {
  if (state.running?.attempt !== attempt) return []
  const isLast = outcome.status !== 'delivered' && attempt >= Number(state.facts.about?.attemptsMax)
  const nextAttemptAt = isLast ? null : outcome.nextAttemptAt
  const { startedAt } = state.running
  const finished = { ...of, ...outcome, attempt, startedAt, durationMs, nextAttemptAt }
  const events: WebhookDeliveryEvent[] = [{ type: 'rungate.AttemptFinished.v1', data: finished }]
  if (nextAttemptAt === null && outcome.status !== 'delivered') {
    const reason = outcome.errorMessage ?? 'it did not arrive'
    const about = { attempts: attempt, cause: 'failed' as const, reason, isTrial: isTrial(state) }
    events.push({ type: 'rungate.DeliveryGivenUp.v1', data: { ...of, ...about } })
  }
  return events
}

const isTrial = ({ facts }: Open): boolean => facts.isTrial === true

const namesOf = ({ deliveryId, owner: { accountId = '', webhookId = '' }, eventType, about }: DeliveryFacts) => ({
  ...{ accountId, webhookId, deliveryId, eventType: webhookEventType.parse(eventType), runId: about?.runId ?? null },
})

/** As the transport knows a delivery: by names, all of them text. */
function factsOf({ accountId, webhookId, deliveryId, eventId, eventType, body, ...data }: Requested): DeliveryFacts {
  const { isTrial, attemptsMax, runId, sourcePosition } = data
  const about = { attemptsMax: String(attemptsMax), sourcePosition, ...(runId !== null && { runId }) }
  const told = { eventId, eventType, replayId: null, person: {}, body, about, isTrial }
  return { deliveryId, owner: { accountId, webhookId }, ...told }
}

/** The other way round. Throws where the facts lack what these deliveries are made with. */
function requestedOf(facts: DeliveryFacts): Omit<Requested, 'occurredAt'> {
  const { eventId, body, about = {}, isTrial = false } = facts
  const { attemptsMax, sourcePosition } = about
  if (body === null || attemptsMax === undefined || sourcePosition === undefined) {
    throw new Error('a delivery is requested with its body, its place and its attempts')
  }
  return { ...namesOf(facts), eventId, body, isTrial, attemptsMax: Number(attemptsMax), sourcePosition }
}
