import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { setWebhookEndpoint } from '../../../src/commands/noctant/webhook-endpoint.ts'
import { type WebhookDeliveryEvent, webhookNames } from '../../../src/events/noctant/webhook.ts'
import type { NewEvent } from '../../../src/events/store.ts'
import { deliveryIdOf } from '../../../src/webhooks/delivery.ts'
import { sealSecret } from '../../../src/webhooks/secret.ts'
import { accountRequest } from '../../http/noctant/serving.ts'
import { eventually } from '../../projections/support.ts'
import { type Stack, startStack } from '../../support/stack.ts'
import {
  addSubscriber,
  type Subscriber,
  sealingKey,
  verify,
  webhookEnvironment,
} from '../../support/webhook-operator.ts'
import { answers, drips, hangs, resets } from '../../support/webhook-receiver.ts'

let stack: Stack
beforeAll(async () => {
  stack = await startStack({
    environment: { ...webhookEnvironment, WEBHOOK_CONCURRENCY_MAX: '6', WEBHOOK_ENDPOINT_CONCURRENCY_MAX: '2' },
  })
})
const subscribers: Subscriber[] = []
afterEach(async () => {
  for (const { receiver } of subscribers.splice(0)) await receiver.close()
})
afterAll(() => stack.close())

async function subscriber(options: Parameters<typeof addSubscriber>[1] = {}): Promise<Subscriber> {
  const added = await addSubscriber(stack, options)
  subscribers.push(added)
  return added
}

/** A finished delivery's attempts. */
const ended = (who: Subscriber, count: number) =>
  eventually(async () => {
    const attempts = await who.attempts()
    expect(attempts).toHaveLength(count)
    return attempts
  })
const statuses = (attempts: Record<string, unknown>[]) => attempts.map(({ status }) => status)

describe('an event', () => {
  it('arrives once, signed, with its facts under public names', async () => {
    const who = await subscriber()
    const answered = await who.provision('trader-1')
    const opened = await who.call('POST', '/v1/accounts', accountRequest('account-1'))
    const received = await who.receives(3)
    for (const one of received) expect(verify(who.secret, one)).toStrictEqual(one.event)
    const byType = new Map(received.map(({ event }) => [event.type, event]))
    expect(byType.get('user.provisioned')).toMatchObject({
      operator_id: who.operator.operatorId,
      external_account_id: null,
      aggregate: 'user',
      aggregate_id: answered.body.global_user_id,
      aggregate_revision: 0,
      data: { global_user_id: answered.body.global_user_id, external_id: 'trader-1', email: null },
    })
    expect(byType.get('account.opened')).toMatchObject({
      external_account_id: 'account-1',
      aggregate_id: opened.body.account.program_account_id,
      data: { currency: 'USD', initial_balance: '100000.00', account_id: opened.body.account.account_id },
    })
    expect(byType.get('command.confirmed')).toMatchObject({
      external_account_id: 'account-1',
      data: { kind: 'open_account', outcome: 'accepted' },
    })
    for (const { headers, event } of received) expect(headers['webhook-id']).toBe(event.id)
    const attempts = await ended(who, 3)
    expect(new Set(statuses(attempts))).toStrictEqual(new Set(['delivered']))
    expect(attempts[0]).toMatchObject({ attempt_number: 1, response_status: 204, error_class: null })
  })

  it('is not told of where the endpoint does not ask for its type', async () => {
    const who = await subscriber({ eventTypes: ['account.opened'] })
    await who.provision('trader-1')
    await who.call('POST', '/v1/accounts', accountRequest('account-1'))
    const [received] = await who.receives(1)
    expect(received?.event.type).toBe('account.opened')
    await ended(who, 1)
    expect(who.receiver.received).toHaveLength(1)
  })

  it('from before the endpoint was set is not delivered', async () => {
    const before = await stack.addOperator()
    const provision = (key: string, name: string) =>
      fetch(`${stack.url}/noctant/v1/users`, {
        method: 'POST',
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
        body: JSON.stringify({ external_id: name }),
      })
    await provision(before.apiKey, 'early')
    const who = await subscriber()
    const context = stack.adminContext()
    const { kept } = who.newSecret()
    const url = `${who.receiver.url}/late`
    const { operatorId } = before
    const sealed = sealSecret(who.secret, { endpointId: operatorId, secretId: kept.secretId }, sealingKey)
    const secret = { secretId: kept.secretId, sealed }
    await setWebhookEndpoint(
      stack.bus,
      { kind: 'set', operatorId, url, eventTypes: null, secret, at: context.at },
      context,
    )
    await provision(before.apiKey, 'late')
    const [received] = await who.receives(1)
    expect(received).toMatchObject({ path: '/hooks/late', event: { data: { external_id: 'late' } } })
    expect(who.receiver.received).toHaveLength(1)
  })
})

describe('a signature', () => {
  it('is made by both secrets after a rotation, and by the new one alone when the overlap is over', async () => {
    const who = await subscriber()
    const { secret, kept } = who.newSecret()
    const overlapMs = 800
    const at = new Date()
    const previousValidUntil = new Date(at.getTime() + overlapMs).toISOString()
    await who.command({ kind: 'rotateSecret', secret: kept, previousValidUntil, at: at.toISOString() })
    await who.provision()
    const [first] = await who.receives(1)
    for (const each of [who.secret, secret]) expect(verify(each, first!)).toStrictEqual(first!.event)
    await eventually(() => expect(Date.now()).toBeGreaterThan(Date.parse(previousValidUntil)))
    await who.provision()
    const [, second] = await who.receives(2)
    expect(verify(secret, second!)).toStrictEqual(second!.event)
    expect(() => verify(who.secret, second!)).toThrow()
  })
})

describe('a delivery that fails', () => {
  // Seen to fail (row 25) with 3xx taken for success: one attempt was all.
  it('is made again under the same id, each attempt in a row of its own', async () => {
    const who = await subscriber()
    who.receiver.behave(answers(500, {}, `broken ${'x'.repeat(2_000)}`), resets, hangs, answers(302), answers(204))
    await who.provision()
    const received = await who.receives(5)
    expect(new Set(received.map(({ headers }) => headers['webhook-id'])).size).toBe(1)
    expect(new Set(received.map(({ body }) => body)).size).toBe(1)
    for (const one of received) expect(verify(who.secret, one)).toStrictEqual(one.event)
    const attempts = await ended(who, 5)
    expect(
      attempts.map(({ attempt_number, status, error_class }) => [attempt_number, status, error_class]),
    ).toStrictEqual([
      [1, 'transient_fail', 'http_5xx'],
      [2, 'transient_fail', 'connection_reset'],
      [3, 'transient_fail', 'timeout'],
      [4, 'transient_fail', 'http_3xx'],
      [5, 'delivered', null],
    ])
    expect(attempts[0]?.response_body_excerpt).toBe(`broken ${'x'.repeat(1_017)}`)
    expect(attempts[2]).toMatchObject({ response_status: null })
    expect(Number(attempts[2]?.duration_ms)).toBeGreaterThanOrEqual(390)
  })

  it('to the end is a dead letter', async () => {
    const who = await subscriber()
    who.receiver.behave(answers(503))
    await who.provision()
    const attempts = await ended(who, 5)
    expect(statuses(attempts)).toStrictEqual([...Array(4).fill('transient_fail'), 'dead_letter'])
    expect(who.receiver.received).toHaveLength(5)
  })

  it('waits as long as Retry-After asks', async () => {
    const who = await subscriber()
    who.receiver.behave(answers(429, { 'retry-after': '1' }), answers(200))
    await who.provision()
    const [first, second] = await who.receives(2)
    expect(second!.receivedAtMs - first!.receivedAtMs).toBeGreaterThanOrEqual(950)
  })

  // Seen to fail (row 25) with 410 taken for any other answer: it was tried again.
  it('with 410 disables the endpoint, and nothing goes there until it is enabled again', async () => {
    const who = await subscriber()
    who.receiver.behave(answers(410))
    await who.provision()
    const webhook = async () => (await who.call('GET', '/v1/me')).body.operator.webhook
    await eventually(async () => expect(await webhook()).toMatchObject({ configured: true, enabled: false }))
    expect(await ended(who, 1)).toMatchObject([{ status: 'permanent_fail', error_class: 'gone', response_status: 410 }])
    await who.provision()
    who.receiver.behave(answers(200))
    await who.command({ kind: 'enable', reason: null, at: new Date().toISOString() })
    await who.provision('after')
    const [, received] = await who.receives(2)
    expect(received?.event).toMatchObject({ data: { external_id: 'after' } })
    await ended(who, 2)
    expect(await webhook()).toMatchObject({ enabled: true })
  })

  it('leaves what was waiting as a dead letter when the endpoint is disabled', async () => {
    const who = await subscriber()
    who.receiver.behave(answers(500, { 'retry-after': '1' }))
    await who.provision()
    await ended(who, 1)
    await who.command({ kind: 'disable', cause: 'administrator', reason: null, at: new Date().toISOString() })
    const attempts = await ended(who, 2)
    expect(attempts[1]).toMatchObject({ status: 'dead_letter', error_class: 'endpoint_disabled', attempt_number: 2 })
    expect(who.receiver.received).toHaveLength(1)
  })

  it('after five days of nothing but failure disables the endpoint; a success in between starts the count anew', async () => {
    const day = 86_400_000
    const failedSince = (days: number) => ({
      kind: 'reportFailure' as const,
      disableAfterMs: 5 * day,
      at: new Date(Date.now() - days * day).toISOString(),
    })
    const [tired, recovering] = await Promise.all([subscriber(), subscriber()])
    await tired.command(failedSince(5))
    await recovering.command(failedSince(5))
    recovering.receiver.behave(answers(200), answers(500))
    tired.receiver.behave(answers(500))
    for (const who of [tired, recovering]) await who.provision()
    const enabled = async (who: Subscriber) => (await who.call('GET', '/v1/me')).body.operator.webhook.enabled
    await eventually(async () => expect(await enabled(tired)).toBe(false))
    await ended(recovering, 1)
    await recovering.provision()
    await ended(recovering, 6)
    expect(await enabled(recovering)).toBe(true)
  })
})

describe('an endpoint that hangs or drips', () => {
  // Seen to fail (row 24) without the bound on one endpoint's attempts at once.
  it('holds up nobody else', async () => {
    const [slow, dripping, quick] = await Promise.all([subscriber(), subscriber(), subscriber()])
    slow.receiver.behave(hangs)
    dripping.receiver.behave(drips)
    await Promise.all(Array.from({ length: 8 }, () => Promise.all([slow.provision(), dripping.provision()])))
    await slow.receives(2)
    await quick.provision()
    await quick.receives(1)
    // Two at a time, each for the whole of its deadline: of sixteen slow ones most are still to be made.
    expect(slow.receiver.received.length).toBeLessThan(8)
    const attempts = await eventually(async () => {
      const made = await dripping.attempts()
      expect(made.length).toBeGreaterThan(0)
      return made
    })
    expect(attempts[0]).toMatchObject({ status: 'transient_fail', error_class: 'timeout', response_status: 200 })
    for (const who of [slow, dripping]) who.receiver.behave(answers(200))
  })
})

describe('an attempt whose process died', () => {
  it('is put on record as unknown, and made again under the same id', async () => {
    const who = await subscriber()
    const { operatorId } = who.operator
    const eventId = randomUUID()
    const deliveryId = deliveryIdOf(webhookNames, operatorId, eventId, null)
    const at = new Date().toISOString()
    const body = JSON.stringify({ type: 'user.provisioned', id: eventId })
    const facts = { deliveryId, operatorId, eventId, eventType: 'user.provisioned', replayId: null, body }
    const events: WebhookDeliveryEvent[] = [
      { type: 'noctant.WebhookDeliveryRequested.v1', data: { ...facts, occurredAt: at } },
      { type: 'noctant.WebhookAttemptStarted.v1', data: { deliveryId, operatorId, attempt: 1, occurredAt: at } },
    ]
    const cause = {
      $correlationId: eventId,
      $causationId: eventId,
      actor: { kind: 'system', id: 'test' } as const,
      commandId: randomUUID(),
    }
    const batch = events.map((event): NewEvent => ({ id: randomUUID(), event, cause }))
    await stack.store.append(`noctant.webhookDelivery-${deliveryId}`, undefined, '', batch)
    const [received] = await who.receives(1)
    expect(received?.headers['webhook-id']).toBe(eventId)
    expect(await ended(who, 2)).toMatchObject([
      { attempt_number: 1, status: 'transient_fail', error_class: 'outcome_unknown', response_status: null },
      { attempt_number: 2, status: 'delivered' },
    ])
  })
})

describe('an endpoint whose events cannot be read', () => {
  it('gets nothing, and takes nothing from anybody else', async () => {
    const [broken, sound] = await Promise.all([subscriber(), subscriber()])
    const { operatorId } = broken.operator
    const stream = `noctant.webhookEndpoint-${operatorId}`
    const last = await stack.store.readLast(stream)
    const actor = { kind: 'system', id: 'test' } as const
    const cause = { $correlationId: operatorId, $causationId: operatorId, actor, commandId: randomUUID() }
    const unknown = { type: 'noctant.WebhookEndpointDisabled.v99', data: { operatorId } }
    await stack.store.append(stream, last?.revision, last?.metadata.hash ?? '', [
      { id: randomUUID(), event: unknown, cause },
    ])
    await broken.provision()
    await sound.provision()
    await sound.receives(1)
    await sound.provision()
    await sound.receives(2)
    expect(broken.receiver.received).toStrictEqual([])
  })
})
