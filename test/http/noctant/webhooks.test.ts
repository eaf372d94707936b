import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from '../../projections/support.ts'
import { type Stack, startStack } from '../../support/stack.ts'
import { addSubscriber, type Subscriber, verify, webhookEnvironment } from '../../support/webhook-operator.ts'
import { answers } from '../../support/webhook-receiver.ts'
import { accountRequest } from './serving.ts'

let stack: Stack
let acme: Subscriber
let other: Subscriber
beforeAll(async () => {
  stack = await startStack({ environment: { ...webhookEnvironment, WEBHOOK_REPLAY_WINDOW_MAX_DAYS: '2' } })
  ;[acme, other] = await Promise.all([addSubscriber(stack), addSubscriber(stack)])
  for (const name of ['trader-1', 'trader-2']) await acme.provision(name)
  await acme.call('POST', '/v1/accounts', accountRequest('account-1'))
  await other.provision('trader-1')
  await other.call('POST', '/v1/accounts', accountRequest('others-account'))
  // Two users, an account and the engine's answer to it; and one user less.
  await Promise.all([acme.receives(4), other.receives(3)])
  await eventually(async () => {
    expect(await acme.attempts()).toHaveLength(4)
    expect(await other.attempts()).toHaveLength(3)
  })
})
afterAll(async () => {
  await stack.close()
  await Promise.all([acme.receiver.close(), other.receiver.close()])
})

const list = (who: Subscriber, query: string) => who.call('GET', `/v1/webhooks/deliveries?${query}`)
const hoursFromNow = (hours: number) => new Date(Date.now() + hours * 3_600_000).toISOString()
const window = { from_created_at: hoursFromNow(-1), to_created_at: hoursFromNow(1) }
const replay = (who: Subscriber, body: Record<string, unknown> = {}) =>
  who.call('POST', '/v1/webhooks/replays', { idempotency_key: randomUUID(), ...window, ...body })

describe('the list of deliveries', () => {
  it('shows every attempt, newest first, a page at a time', async () => {
    const all = (await list(acme, '')).body
    expect(all).toMatchObject({ count: 4, next_cursor: null })
    const paged: unknown[] = []
    let query = 'limit=1'
    for (let page = 0; page < 4; page++) {
      const { body } = await list(acme, query)
      paged.push(...body.deliveries)
      if (body.next_cursor) query = `limit=1&${new URLSearchParams(body.next_cursor)}`
    }
    expect(paged).toStrictEqual(all.deliveries)
    const times = all.deliveries.map(({ finished_at }: { finished_at: string }) => finished_at)
    expect(times).toStrictEqual(times.toSorted().toReversed())
  })

  it('can be narrowed to an event, a type and a status', async () => {
    const opened = (await list(acme, 'event_type=account.opened')).body
    expect(opened).toMatchObject({ count: 1, deliveries: [{ event_type: 'account.opened' }] })
    const [{ event_id }] = opened.deliveries
    expect((await list(acme, `event_id=${event_id}`)).body).toMatchObject({ count: 1 })
    expect((await list(acme, 'status=delivered')).body.count).toBe(4)
    expect((await list(acme, 'status=dead_letter')).body.count).toBe(0)
  })

  it('is each operator’s own', async () => {
    const ids = async (who: Subscriber) => (await who.attempts()).map(({ event_id }) => event_id)
    const [mine, theirs] = await Promise.all([ids(acme), ids(other)])
    expect(mine.filter((id) => theirs.includes(id))).toStrictEqual([])
    expect((await list(acme, `event_id=${theirs[0]}`)).body).toMatchObject({ count: 0, deliveries: [] })
  })

  it.each([
    ['before_finished_at=2026-01-01T00:00:00Z', 'query/before_attempt_number'],
    [`before_finished_at=2026-01-01T00:00:00Z&before_attempt_number=1`, 'query/before_delivery_row_id'],
    [`before_attempt_number=1&before_delivery_row_id=${randomUUID()}`, 'query/before_finished_at'],
    ['before_attempt_number=0', 'query/before_attempt_number'],
    ['status=lost', 'query/status'],
    ['limit=201', 'query/limit'],
    ['event_id=7', 'query/event_id'],
  ])('with %s is refused, naming %s', async (query, pointer) => {
    const answer = await list(acme, query)
    expect([answer.status, answer.body.errors[0].pointer]).toStrictEqual([400, pointer])
  })
})

describe('a replay', () => {
  it('sends the events of the window again, under their ids and with fresh signatures', async () => {
    const first = [...acme.receiver.received]
    const answer = await replay(acme)
    expect(answer.status).toBe(202)
    expect(answer.body).toMatchObject({ enqueued_count: 4, duplicate: false, limit: 100, ...window })
    const received = (await acme.receives(first.length + 4)).slice(first.length)
    const ids = (of: typeof received) => of.map(({ headers }) => headers['webhook-id']).toSorted()
    expect(ids(received)).toStrictEqual(ids(first.slice(0, 4)))
    for (const one of received) {
      expect(verify(acme.secret, one)).toStrictEqual(one.event)
      const before = first.find(({ headers }) => headers['webhook-id'] === one.headers['webhook-id'])
      expect(one.body).toBe(before?.body)
      expect(Number(one.headers['webhook-timestamp'])).toBeGreaterThanOrEqual(
        Number(before?.headers['webhook-timestamp']),
      )
    }
  })

  it('asked for twice is done once; the second answer says so, also later', async () => {
    const body = { idempotency_key: randomUUID(), event_types: ['user.provisioned'] }
    const before = acme.receiver.received.length
    const [one, two] = await Promise.all([replay(acme, body), replay(acme, body)])
    expect([one.status, two.status].toSorted()).toStrictEqual([200, 202])
    await acme.receives(before + 2)
    await acme.provision('trader-later')
    await acme.receives(before + 3)
    const again = await replay(acme, body)
    expect([again.status, again.headers.get('idempotency-replayed')]).toStrictEqual([200, 'true'])
    expect(again.body).toStrictEqual({ ...one.body, duplicate: true })
    expect(again.body).toMatchObject({ enqueued_count: 2, event_types: ['user.provisioned'] })
    expect(acme.receiver.received).toHaveLength(before + 3)
  })

  it('under a key that stands for another is refused', async () => {
    const before = acme.receiver.received.length
    const key = { idempotency_key: randomUUID(), event_types: ['account.opened'] }
    await replay(acme, key)
    await acme.receives(before + 1)
    const answer = await replay(acme, { ...key, limit: 5 })
    expect([answer.status, answer.body.code]).toStrictEqual([409, 'idempotency_key_reused'])
  })

  it('of one account leaves out what is about no account', async () => {
    const before = acme.receiver.received.length
    const answer = await replay(acme, { external_account_id: 'account-1' })
    expect(answer.body).toMatchObject({ enqueued_count: 2, external_account_id: 'account-1' })
    const received = (await acme.receives(before + 2)).slice(before)
    expect(received.map(({ event }) => event.external_account_id)).toStrictEqual(['account-1', 'account-1'])
  })

  it('takes the oldest of the window where there are more than its limit', async () => {
    const before = acme.receiver.received.length
    const answer = await replay(acme, { limit: 1 })
    expect(answer.body).toMatchObject({ enqueued_count: 1, limit: 1 })
    const received = (await acme.receives(before + 1))[before]
    expect(received?.event).toMatchObject({ type: 'user.provisioned', data: { external_id: 'trader-1' } })
  })

  it('of an empty window is accepted and comes to nothing', async () => {
    const past = { from_created_at: hoursFromNow(-30), to_created_at: hoursFromNow(-29) }
    expect(await replay(acme, past)).toMatchObject({ status: 202, body: { enqueued_count: 0 } })
  })

  it.each<[string, Record<string, unknown>, string]>([
    ['that ends before it begins', { to_created_at: window.from_created_at }, 'webhook_window_invalid'],
    ['over too long a window', { from_created_at: hoursFromNow(-72) }, 'webhook_window_invalid'],
    ['of an unknown type', { event_types: ['account.exploded'] }, 'webhook_event_type_unknown'],
    ['of no type', { event_types: [] }, 'validation_failed'],
    ['of more than the cap', { limit: 1_001 }, 'validation_failed'],
    ['of nothing', { limit: 0 }, 'validation_failed'],
    ['without a key', { idempotency_key: '' }, 'validation_failed'],
  ])('%s is refused', async (_, body, code) => {
    const answer = await replay(acme, body)
    expect([answer.status, answer.body.code]).toStrictEqual([400, code])
  })

  it('of another operator’s account is 404, the same as of none', async () => {
    for (const external_account_id of ['others-account', 'nobodys-account']) {
      const answer = await replay(acme, { external_account_id })
      expect([answer.status, answer.body.code]).toStrictEqual([404, 'account_not_found'])
    }
  })

  it('never touches another operator', async () => {
    const before = other.receiver.received.length
    const answer = await replay(other)
    expect(answer.body.enqueued_count).toBe(3)
    const received = (await other.receives(before + 3)).slice(before)
    for (const { event } of received) expect(event.operator_id).toBe(other.operator.operatorId)
  })

  it('needs an endpoint, and an enabled one', async () => {
    const { apiKey } = await stack.addOperator()
    const without = await fetch(`${stack.url}/noctant/v1/webhooks/replays`, {
      method: 'POST',
      headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
      body: JSON.stringify({ idempotency_key: 'a', ...window }),
    })
    expect([without.status, ((await without.json()) as { code: string }).code]).toStrictEqual([
      409,
      'webhook_not_configured',
    ])
    const disabled = await addSubscriber(stack)
    disabled.receiver.behave(answers(500))
    await disabled.command({ kind: 'disable', cause: 'administrator', reason: null, at: new Date().toISOString() })
    const answer = await replay(disabled)
    expect([answer.status, answer.body.code]).toStrictEqual([409, 'webhook_disabled'])
    await disabled.receiver.close()
  })

  it('brings what an endpoint has missed, of the types that it takes', async () => {
    const who = await addSubscriber(stack, { eventTypes: ['user.provisioned'] })
    await who.command({ kind: 'disable', cause: 'administrator', reason: null, at: new Date().toISOString() })
    await who.provision('missed')
    await who.call('POST', '/v1/accounts', accountRequest('missed-account', { external_user_id: 'missed' }))
    await who.command({ kind: 'enable', reason: null, at: new Date().toISOString() })
    const refused = await replay(who, { event_types: ['account.opened'] })
    expect([refused.status, refused.body.code]).toStrictEqual([400, 'webhook_event_type_unknown'])
    expect((await replay(who)).body.enqueued_count).toBe(1)
    const [received] = await who.receives(1)
    expect(received?.event).toMatchObject({ type: 'user.provisioned', data: { external_id: 'missed' } })
    await who.receiver.close()
  })
})

describe('the webhook of the operator’s view', () => {
  it('tells where it points without showing the URL', async () => {
    const { body } = await acme.call('GET', '/v1/me')
    const { webhook } = body.operator
    expect(webhook).toMatchObject({ configured: true, enabled: true, event_types: null })
    expect(webhook.url_origin).toBe(new URL(acme.receiver.url).origin)
    expect(webhook.url_fingerprint).toMatch(/^[0-9a-f]{16}$/)
    expect(JSON.stringify(body)).not.toContain('/hooks')
  })
})
