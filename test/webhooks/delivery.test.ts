import { describe, expect, it } from 'vitest'
import { type AttemptOutcome, type DeliveryFacts, deliveryIdOf } from '../../src/webhooks/delivery.ts'
import { type HookDeliveryEvent, hookDelivery, hookReplay, names, sampleRegistry } from '../sample/webhooks.ts'
import { uuidOf } from '../support/examples.ts'
import { specify } from '../support/given.ts'
import { at } from '../support/moments.ts'

const given = specify(hookDelivery, sampleRegistry)
const owner = { tenantId: uuidOf('acme'), hookId: uuidOf('hook') }
const eventId = uuidOf('event')
const deliveryId = deliveryIdOf(names, owner.hookId, eventId, null)
const told = { eventId, eventType: 'note.written', replayId: null }
const facts: DeliveryFacts = { deliveryId, owner, ...told, person: {}, body: '{}' }

const requested: HookDeliveryEvent = {
  type: 'sample.WebhookDeliveryRequested.v1',
  data: { deliveryId, ...owner, ...told, body: '{}', occurredAt: at(1) },
}
const started = (attempt: number, minute: number): HookDeliveryEvent => ({
  type: 'sample.WebhookAttemptStarted.v1',
  data: { deliveryId, ...owner, attempt, occurredAt: at(minute) },
})
const delivered: AttemptOutcome = {
  status: 'delivered',
  responseStatus: 200,
  responseExcerpt: 'ok',
  errorClass: null,
  errorMessage: null,
  nextAttemptAt: null,
}
const failed: AttemptOutcome = {
  ...delivered,
  status: 'transient_fail',
  responseStatus: 500,
  errorClass: 'http_5xx',
  errorMessage: 'the endpoint answered 500',
  nextAttemptAt: at(8),
}
const finished = (attempt: number, outcome: AttemptOutcome, startedAt: string, minute: number): HookDeliveryEvent => ({
  type: 'sample.WebhookAttemptFinished.v1',
  data: {
    deliveryId,
    ...owner,
    eventId,
    eventType: 'note.written',
    attempt,
    ...outcome,
    startedAt,
    finishedAt: at(minute),
    durationMs: 70,
    occurredAt: at(minute),
  },
})
const start = (minute: number) => ({ kind: 'start', at: at(minute) }) as const
const finish = (attempt: number, outcome: AttemptOutcome, minute: number) =>
  ({ kind: 'finish', attempt, outcome, durationMs: 70, at: at(minute) }) as const

describe('a delivery', () => {
  it('is requested once', () => {
    given([])
      .when({ kind: 'request', facts, at: at(1) })
      .then([requested])
    given([requested])
      .when({ kind: 'request', facts, at: at(2) })
      .then([])
  })
  it('has its attempts recorded before and after', () => {
    given([requested])
      .when(start(2))
      .then([started(1, 2)])
    given([requested, started(1, 2)])
      .when(finish(1, failed, 3))
      .then([finished(1, failed, at(2), 3)])
  })
  it('is tried again when it is due, not before', () => {
    const once = [requested, started(1, 2), finished(1, failed, at(2), 3)]
    given(once).when(start(7)).then([])
    given(once)
      .when(start(8))
      .then([started(2, 8)])
  })
  it('is not begun twice at once', () => {
    given([requested, started(1, 2)])
      .when(start(3))
      .then([])
  })
  it('lets an attempt end once', () => {
    given([requested])
      .when(finish(1, delivered, 3))
      .then([])
    given([requested, started(1, 2)])
      .when(finish(2, delivered, 3))
      .then([])
    const again = [requested, started(1, 2), finished(1, failed, at(2), 3), started(2, 8)]
    given(again)
      .when(finish(1, delivered, 9))
      .then([])
  })
  it('is over when it has arrived', () => {
    const over = [requested, started(1, 2), finished(1, delivered, at(2), 3)]
    expect(given(over).state()).toStrictEqual({ status: 'closed' })
    for (const command of [start(9), finish(1, failed, 9)]) given(over).when(command).then([])
  })
  it('can be discarded once it was given up, once, and not before', () => {
    const discard = { kind: 'discard', reason: 'told by telephone', at: at(9) } as const
    const discarded: HookDeliveryEvent = {
      type: 'sample.WebhookDeliveryDiscarded.v1',
      data: { deliveryId, ...owner, eventId, reason: 'told by telephone', occurredAt: at(9) },
    }
    const dead = finished(1, { ...failed, status: 'dead_letter', nextAttemptAt: null }, at(2), 3)
    const givenUp = [requested, started(1, 2), dead]
    given(givenUp).when(discard).then([discarded])
    given([...givenUp, discarded])
      .when(discard)
      .then([])
    given([requested]).when(discard).then([])
    given([requested, started(1, 2), finished(1, delivered, at(2), 3)])
      .when(discard)
      .then([])
    given(givenUp).when(start(10)).then([])
    // Refused for good, or gone: nobody hears of that event either, so it is to be dealt with as well.
    const refused = finished(1, { ...failed, status: 'permanent_fail', nextAttemptAt: null }, at(2), 3)
    given([requested, started(1, 2), refused])
      .when(discard)
      .then([discarded])
  })
  it('can be given up without being tried', () => {
    const command = { kind: 'abandon', errorClass: 'endpoint_disabled', errorMessage: 'off', at: at(5) } as const
    const outcome: AttemptOutcome = {
      status: 'dead_letter',
      responseStatus: null,
      responseExcerpt: null,
      errorClass: 'endpoint_disabled',
      errorMessage: 'off',
      nextAttemptAt: null,
    }
    const event = finished(1, outcome, at(5), 5)
    given([requested])
      .when(command)
      .then([{ ...event, data: { ...event.data, durationMs: 0 } } as HookDeliveryEvent])
    given([requested, started(1, 2)])
      .when(command)
      .then([])
    given([]).when(command).then([])
  })
  it('says of every attempt’s end whose personal data was sent', () => {
    const memberId = uuidOf('7')
    const events: HookDeliveryEvent[] = [
      {
        type: 'sample.WebhookDeliveryRequested.v1',
        data: { deliveryId, ...owner, ...told, memberId, body: '{}', occurredAt: at(1) },
      },
    ]
    const command = { kind: 'abandon', errorClass: 'person_forgotten', errorMessage: 'forgotten', at: at(3) } as const
    const outcome = { ...delivered, status: 'dead_letter', responseStatus: null, responseExcerpt: null } as const
    const { data } = finished(1, { ...outcome, errorClass: 'person_forgotten', errorMessage: 'forgotten' }, at(3), 3)
    const end = { ...data, memberId, durationMs: 0 }
    given(events)
      .when(command)
      .then([{ type: 'sample.WebhookAttemptFinished.v1', data: end } as HookDeliveryEvent])
  })
  it('has an id of its own per event and per replay', () => {
    const ids = [
      deliveryId,
      deliveryIdOf(names, owner.hookId, eventId, uuidOf('2')),
      deliveryIdOf(names, owner.hookId, uuidOf('3'), null),
    ]
    expect(new Set(ids).size).toBe(3)
  })
})

describe('a replay', () => {
  const wish = {
    replayId: uuidOf('9'),
    ...owner,
    from: at(0),
    to: at(30),
    eventTypes: null,
    limit: 100,
    sources: [{ eventId, stream: 'sample.note-1', revision: '0' }],
  }
  const request = { kind: 'request', facts: wish, at: at(40) } as const
  const accepted = { type: 'sample.WebhookReplayRequested.v1', data: { ...wish, occurredAt: at(40) } } as const
  it('is recorded with what it is about, once', () => {
    specify(hookReplay, sampleRegistry)([]).when(request).then([accepted])
    specify(hookReplay, sampleRegistry)([accepted]).when(request).then([])
  })
})
