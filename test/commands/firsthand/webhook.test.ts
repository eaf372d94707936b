import { describe, expect, it } from 'vitest'
import { type EndpointCommand, webhookEndpoint } from '../../../src/commands/firsthand/webhook-endpoint.ts'
import { webhookEvent } from '../../../src/commands/firsthand/webhook-event.ts'
import { webhookPlaces } from '../../../src/commands/firsthand/webhook-places.ts'
import type { WebhookEndpointEvent, WebhookEventEvent } from '../../../src/events/firsthand/webhook.ts'
import type { AttemptOutcome } from '../../../src/webhooks/delivery.ts'
import { example, timeAt } from '../../support/examples.ts'
import { rejects, specify } from '../../support/given.ts'

const given = specify(webhookEndpoint)
const created = example('firsthand.WebhookEndpointCreated.v1') as WebhookEndpointEvent
const { organizationId, environment, endpointId } = created.data
const owner = { organizationId, environment }
const at = timeAt(10_000)
const of = { ...owner, endpointId, occurredAt: at }
const secret = { secretId: 'next', sealed: 'next.sealed' }

describe('a webhook endpoint', () => {
  const changed: WebhookEndpointEvent = {
    type: 'firsthand.WebhookEndpointChanged.v1',
    data: { ...of, url: 'https://example.com/other', description: 'order system', status: 'disabled' },
  }
  const change = { url: 'https://example.com/other', status: 'disabled' } as const

  it('is changed, and not where nothing is different', () => {
    given([created]).when({ kind: 'change', owner, change, at }).then([changed])
    for (const same of [{}, change])
      given([created, changed]).when({ kind: 'change', owner, change: same, at }).then([])
  })

  it.each<EndpointCommand>([
    { kind: 'change', owner, change, at },
    { kind: 'rotate', owner, secret, previousValidUntil: at, at },
    { kind: 'delete', owner, at },
  ])('to $kind is refused where it is another’s, of the other environment, deleted, or never was', (command) => {
    const deleted = example('firsthand.WebhookEndpointDeleted.v1') as WebhookEndpointEvent
    for (const other of [
      { ...owner, organizationId: 'org_other' },
      { ...owner, environment: 'test' as const },
    ]) {
      given([created])
        .when({ ...command, owner: other } as EndpointCommand)
        .then(rejects('webhook_not_configured'))
    }
    for (const history of [[], [created, deleted]]) given(history).when(command).then(rejects('webhook_not_configured'))
  })

  it('signs with two secrets at most, the newest last', () => {
    const rotated = (secretId: string): WebhookEndpointEvent => ({
      type: 'firsthand.WebhookSecretRotated.v1',
      data: { ...of, secretId, sealed: secretId, previousValidUntil: at },
    })
    const state = given([created, rotated('b'), rotated('c')]).state()
    expect(state.status === 'enabled' && state.secrets).toStrictEqual([
      { secretId: 'b', sealed: 'b', validUntil: at },
      { secretId: 'c', sealed: 'c', validUntil: null },
    ])
  })

  it('is disabled after five days of nothing but failure, and at once where it is gone', () => {
    const failing: WebhookEndpointEvent = { type: 'firsthand.WebhookEndpointFailing.v1', data: of }
    const fiveDaysMs = 432_000_000
    const report = (afterMs: number) => {
      const later = new Date(Date.parse(at) + afterMs).toISOString()
      return { kind: 'reportFailure', disableAfterMs: fiveDaysMs, at: later } as const
    }
    given([created]).when(report(0)).then([failing])
    given([created, failing])
      .when(report(fiveDaysMs - 1))
      .then([])
    const reason = `nothing but failures since ${at}`
    const { at: later } = report(fiveDaysMs)
    const disabled = { type: 'firsthand.WebhookEndpointDisabled.v1' as const, data: { ...of, occurredAt: later } }
    given([created, failing])
      .when(report(fiveDaysMs))
      .then([{ ...disabled, data: { ...disabled.data, cause: 'failing', reason } }])
    const gone = { kind: 'disable', cause: 'gone', reason: 'the endpoint answered 410', at } as const
    given([created])
      .when(gone)
      .then([{ type: disabled.type, data: { ...of, cause: 'gone', reason: gone.reason } }])
  })
})

describe('the places for endpoints', () => {
  it('are so many, and free again after an endpoint is deleted', () => {
    const placed = specify(webhookPlaces)
    const taken = example('firsthand.WebhookEndpointPlaceTaken.v1')
    const facts = { ...taken.data, endpointId: 'we_other' }
    const take = { kind: 'take', facts, placesMax: 1 } as const
    placed([taken]).when(take).then(rejects('webhook_limit_reached'))
    const freed = { type: 'firsthand.WebhookEndpointPlaceFreed.v1' as const, data: of }
    placed([taken])
      .when({ kind: 'free', ...owner, endpointId, at })
      .then([freed])
    placed([taken, freed])
      .when(take)
      .then([{ ...taken, data: facts }])
    placed([])
      .when({ kind: 'free', ...owner, endpointId, at })
      .then([])
  })
})

describe('a webhook event', () => {
  const sent = specify(webhookEvent)
  const event = example('firsthand.WebhookEventCreated.v1') as WebhookEventEvent
  const { eventId, eventType } = event.data
  const ofEvent = { ...owner, endpointId, eventId, eventType }
  const outcome: AttemptOutcome = {
    ...{ status: 'dead_letter', responseStatus: 500, responseExcerpt: 'secret words', errorClass: 'http_5xx' },
    ...{ errorMessage: 'the endpoint answered 500', nextAttemptAt: null },
  }
  const started = (attempt: number): WebhookEventEvent => ({
    type: 'firsthand.WebhookAttemptStarted.v1',
    data: { ...ofEvent, attempt, occurredAt: at },
  })
  const { responseExcerpt: _, ...kept } = outcome
  const finished = (attempt: number): WebhookEventEvent => ({
    type: 'firsthand.WebhookAttemptFinished.v1',
    data: { ...ofEvent, attempt, ...kept, startedAt: at, durationMs: 7, occurredAt: at },
  })

  it('keeps nothing of what its endpoint says', () => {
    sent([event, started(1)])
      .when({ kind: 'finish', attempt: 1, outcome, durationMs: 7, at })
      .then([finished(1)])
  })

  it('is replayed once it has ended, and its attempts go on counting while the schedule begins anew', () => {
    const replay = { kind: 'replay', owner, at } as const
    const requested: WebhookEventEvent = {
      type: 'firsthand.WebhookReplayRequested.v1',
      data: { ...ofEvent, attempts: 1, occurredAt: at },
    }
    const failed = [event, started(1), finished(1)]
    sent(failed).when(replay).then([requested])
    for (const pending of [[event], [...failed, requested]]) sent(pending).when(replay).then([])
    expect(sent([...failed, requested]).state()).toMatchObject({ status: 'open', attempts: 1, attemptsBefore: 1 })
    sent([...failed, requested])
      .when({ kind: 'start', at })
      .then([started(2)])
    for (const other of [
      { ...owner, organizationId: 'org_other' },
      { ...owner, environment: 'test' as const },
    ]) {
      sent(failed)
        .when({ ...replay, owner: other })
        .then(rejects('webhook_event_not_found'))
    }
  })

  it('that is given up without being tried has no attempt more', () => {
    sent([event])
      .when({ kind: 'abandon', errorClass: 'endpoint_disabled', errorMessage: 'the endpoint was deleted', at })
      .then([
        {
          type: 'firsthand.WebhookAttemptFinished.v1',
          data: {
            ...{ ...ofEvent, attempt: 0, status: 'dead_letter', startedAt: at, durationMs: 0, responseStatus: null },
            ...{ errorClass: 'endpoint_disabled', errorMessage: 'the endpoint was deleted', nextAttemptAt: null },
            occurredAt: at,
          },
        },
      ])
  })
})
