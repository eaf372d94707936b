/** What may be done with webhooks, and what becomes of deliveries. */
import { describe, expect, it } from 'vitest'
import { type WebhookCommand, webhook } from '../../../src/commands/rungate/webhook.ts'
import { webhookDelivery } from '../../../src/commands/rungate/webhook-delivery.ts'
import type { WebhookDeliveryEvent, WebhookEvent } from '../../../src/events/rungate/webhook.ts'
import type { AttemptOutcome, DeliveryFacts } from '../../../src/webhooks/delivery.ts'
import { example, timeAt, uuidOf } from '../../support/examples.ts'
import { rejects, specify } from '../../support/given.ts'

const at = timeAt(10_000)

describe('a webhook', () => {
  const given = specify(webhook)
  const created = example('rungate.WebhookCreated.v1')
  const { accountId, webhookId, author, secretId, sealed, masked } = created.data
  const asker = { accountId, memberId: null, author, at }
  const of = { accountId, webhookId, occurredAt: at }
  const by = { ...of, author }
  const next = { secretId: uuidOf('next secret'), sealed: 'next', masked: 'whsec_…next' }
  const rotated: WebhookEvent = {
    type: 'rungate.SecretRotated.v1',
    data: { ...by, ...next, previousMasked: masked, previousValidUntil: timeAt(10_600) },
  }
  const disabled: WebhookEvent = { type: 'rungate.WebhookDisabled.v1', data: by }
  const deleted: WebhookEvent = { type: 'rungate.WebhookDeleted.v1', data: by }
  const counted = (failures: number, upTo: string): WebhookEvent => ({
    type: 'rungate.WebhookFailuresCounted.v1',
    data: { ...of, failures, upTo },
  })

  it('is made once', () => {
    given([]).when({ kind: 'create', facts: created.data }).then([created])
    given([created]).when({ kind: 'create', facts: created.data }).then([])
    given([created, deleted]).when({ kind: 'create', facts: created.data }).then([])
  })

  it('is changed, given another secret and switched in one step, or not at all', () => {
    const changed: WebhookEvent = {
      type: 'rungate.WebhookChanged.v1',
      data: { ...by, webhook: { ...created.data.webhook, name: 'other' } },
    }
    const rotation = { secret: next, previousValidUntil: timeAt(10_600) }
    const asked = { kind: 'change', webhook: { name: 'other' }, status: 'paused', rotation, ...asker } as const
    given([created]).when(asked).then([changed, rotated, disabled])
    given([created])
      .when({ kind: 'change', webhook: { name: 'news' }, status: 'active', ...asker })
      .then([])
  })

  it.each<WebhookCommand>([
    { kind: 'change', webhook: { name: 'mine' }, ...asker },
    { kind: 'rotate', secret: next, previousValidUntil: at, ...asker },
    ...(['enable', 'disable', 'expirePrevious', 'delete'] as const).map((kind) => ({ kind, ...asker })),
  ])('to $kind is refused where it is another’s, personal of a member, deleted, or never was', (command) => {
    const memberId = uuidOf('a member')
    const personal = example('rungate.WebhookCreated.v1', {
      ...{ memberId, webhook: { ...created.data.webhook, scope: 'personal' } },
    })
    const other = { ...command, accountId: uuidOf('another account') } as WebhookCommand
    given([created]).when(other).then(rejects('webhook_not_found'))
    for (const history of [[], [personal], [created, deleted]]) {
      given(history).when(command).then(rejects('webhook_not_found'))
    }
    const own = { ...command, memberId } as WebhookCommand
    expect(() => webhook.decide(own, given([personal]).state())).not.toThrow()
  })

  it('is switched, and not where it stands so already', () => {
    const enabled: WebhookEvent = { type: 'rungate.WebhookEnabled.v1', data: by }
    given([created])
      .when({ kind: 'enable', ...asker })
      .then([])
    given([created])
      .when({ kind: 'disable', ...asker })
      .then([disabled])
    given([created, disabled])
      .when({ kind: 'disable', ...asker })
      .then([])
    given([created, disabled])
      .when({ kind: 'enable', ...asker })
      .then([enabled])
    // Its failures are forgotten.
    given([created, counted(2, '7')])
      .when({ kind: 'enable', ...asker })
      .then([enabled])
  })

  it('signs with two secrets at most, until the former one is ended or its time is over', () => {
    const third: WebhookEvent = {
      type: 'rungate.SecretRotated.v1',
      data: {
        ...by,
        ...next,
        secretId: uuidOf('third'),
        previousMasked: next.masked,
        previousValidUntil: timeAt(11_000),
      },
    }
    const state = given([created, rotated, third]).state()
    expect(state.status === 'enabled' && state.secrets.map((each) => [each.secretId, each.validUntil])).toStrictEqual([
      ...[
        [next.secretId, timeAt(11_000)],
        [uuidOf('third'), null],
      ],
    ])
    const ended: WebhookEvent = { type: 'rungate.PreviousSecretExpired.v1', data: by }
    given([created])
      .when({ kind: 'expirePrevious', ...asker })
      .then([])
    given([created, rotated])
      .when({ kind: 'expirePrevious', ...asker })
      .then([ended])
    given([created, rotated]).when({ kind: 'endGrace', author, at }).then([])
    const later = timeAt(10_600)
    const overNow = { ...ended, data: { ...by, occurredAt: later } }
    given([created, rotated]).when({ kind: 'endGrace', author, at: later }).then([overNow])
    const first = given([created]).state()
    expect(first.status === 'enabled' && first.secrets).toStrictEqual([{ secretId, sealed, masked, validUntil: null }])
  })

  it('is failing after so many deliveries that were given up in a row, each counted once', () => {
    const end = (isDelivered: boolean, position: bigint) =>
      ({ kind: 'countEnd', isDelivered, failuresMax: 3, position, at }) as const
    given([created]).when(end(true, 5n)).then([])
    given([created])
      .when(end(false, 5n))
      .then([counted(1, '5')])
    given([created, counted(1, '5')])
      .when(end(false, 5n))
      .then([])
    given([created, counted(1, '5')])
      .when(end(true, 4n))
      .then([])
    given([created, counted(1, '5')])
      .when(end(true, 6n))
      .then([counted(0, '6')])
    const failing: WebhookEvent = { type: 'rungate.WebhookFailing.v1', data: { ...of, failures: 3 } }
    given([created, counted(2, '6')])
      .when(end(false, 7n))
      .then([counted(3, '7'), failing])
    given([created, counted(2, '6'), counted(3, '7'), failing])
      .when(end(false, 8n))
      .then([])
    expect(given([created, counted(3, '7'), failing]).state()).toMatchObject({
      status: 'disabled',
      standing: 'failing',
    })
  })

  it('leaves what its sender reports to the ends of deliveries', () => {
    given([created]).when({ kind: 'reportSuccess', at }).then([])
    given([created]).when({ kind: 'reportFailure', disableAfterMs: 1, at }).then([])
    given([created]).when({ kind: 'disable', cause: 'gone', reason: null, at }).then([])
  })
})

describe('a delivery', () => {
  const given = specify(webhookDelivery)
  const requested = example('rungate.DeliveryRequested.v1')
  const { accountId, webhookId, deliveryId, eventType, eventId, body } = requested.data
  const of = { accountId, webhookId, deliveryId, eventType, runId: null, occurredAt: at }
  const started = (attempt: number): WebhookDeliveryEvent => ({
    type: 'rungate.AttemptStarted.v1',
    data: { ...of, attempt },
  })
  const busy: AttemptOutcome = {
    ...{ status: 'transient_fail', responseStatus: 503, responseExcerpt: 'busy' },
    ...{ errorClass: 'http_5xx', errorMessage: 'the endpoint answered 503', nextAttemptAt: timeAt(10_030) },
  }
  const finished = (attempt: number, outcome: AttemptOutcome): WebhookDeliveryEvent => ({
    type: 'rungate.AttemptFinished.v1',
    data: { ...of, ...outcome, attempt, startedAt: at, durationMs: 12 },
  })
  const givenUp = (attempts: number, cause: 'failed' | 'webhook_off', reason: string): WebhookDeliveryEvent => ({
    type: 'rungate.DeliveryGivenUp.v1',
    data: { ...of, attempts, cause, reason, isTrial: false },
  })
  const finish = (attempt: number, outcome: AttemptOutcome) =>
    ({ kind: 'finish', attempt, outcome, durationMs: 12, at }) as const

  it('is requested once, with what the log has of it', () => {
    const facts: DeliveryFacts = {
      ...{ deliveryId, owner: { accountId, webhookId }, eventId, eventType, replayId: null, person: {}, body },
      about: { attemptsMax: '4', sourcePosition: requested.data.sourcePosition },
    }
    const command = { kind: 'request', facts, at: requested.data.occurredAt } as const
    given([]).when(command).then([requested])
    given([requested]).when(command).then([])
    const state = given([requested]).state()
    expect(state.status === 'open' && state.facts).toStrictEqual({ ...facts, isTrial: false })
  })

  it('is tried, one attempt after the other, and never more often than it may be', () => {
    given([requested])
      .when({ kind: 'start', at })
      .then([started(1)])
    given([requested, started(1)])
      .when({ kind: 'start', at })
      .then([])
    given([requested, started(1)])
      .when(finish(1, busy))
      .then([finished(1, busy)])
    given([requested, started(1), finished(1, busy)])
      .when({ kind: 'start', at })
      .then([])
    given([requested, started(1), finished(1, busy)])
      .when({ kind: 'start', at: timeAt(10_030) })
      .then([{ ...started(2), data: { ...started(2).data, occurredAt: timeAt(10_030) } } as WebhookDeliveryEvent])
    const last = { ...busy, nextAttemptAt: null }
    given([requested, started(4)])
      .when(finish(4, busy))
      .then([finished(4, last), givenUp(4, 'failed', 'the endpoint answered 503')])
  })

  it('ends when it arrived, and when its webhook takes nothing', () => {
    const arrived: AttemptOutcome = {
      ...{ status: 'delivered', responseStatus: 204, responseExcerpt: '' },
      ...{ errorClass: null, errorMessage: null, nextAttemptAt: null },
    }
    given([requested, started(1)])
      .when(finish(1, arrived))
      .then([finished(1, arrived)])
    given([requested, started(1), finished(1, arrived)])
      .when({ kind: 'start', at })
      .then([])
    const off = {
      kind: 'abandon',
      errorClass: 'endpoint_disabled',
      errorMessage: 'the endpoint is disabled',
      at,
    } as const
    given([requested])
      .when(off)
      .then([givenUp(0, 'webhook_off', 'the endpoint is disabled')])
    given([requested, started(1)])
      .when(off)
      .then([])
    given([requested, givenUp(0, 'webhook_off', 'off')])
      .when(off)
      .then([])
  })
})
