/** A test event that somebody sends to an endpoint from its page, on a whole instance that delivers it. */
import { createHmac, randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createCommandBus } from '../../../src/commands/handle.ts'
import { loadContexts } from '../../../src/contexts.ts'
import { createRegistry } from '../../../src/events/registry.ts'
import { createEventStore, type EventStore } from '../../../src/events/store.ts'
import { issueLink } from '../../../src/processes/console/access-link.ts'
import { eventually } from '../../projections/support.ts'
import { eventsOf } from '../../support/event-store.ts'
import { type Stack, startStack } from '../../support/stack.ts'
import { addSubscriber, type Subscriber, verify, webhookEnvironment } from '../../support/webhook-operator.ts'
import { answers, type Receiver, startReceiver } from '../../support/webhook-receiver.ts'
import { fieldIn, formIn, newVisitor, type Visitor } from './browsing.ts'

/** What rungate answers about what it has made. */
interface Made {
  data: { id: string; admin_token: string }
}

const SERVED = ['noctant', 'rungate', 'audit', 'console'] as const

let stack: Stack
let store: EventStore
let admin: Visitor
beforeAll(async () => {
  stack = await startStack({ environment: { ...webhookEnvironment, CONTEXTS: SERVED.join() } })
  const registry = createRegistry(await loadContexts(SERVED))
  store = createEventStore({ registry, url: stack.eventStoreUrl, deadlineMs: 5_000, appendAttemptsMax: 3 })
  const bus = createCommandBus(store, { cachedAggregatesMax: 10, seenCommandsMax: 100, conflictRetriesMax: 3 })
  admin = newVisitor(stack.url)
  await admin.enter((await issueLink(bus, { url: stack.url, ttlMs: 300_000, isReadOnly: false, now: new Date() })).url)
}, 120_000)
afterAll(async () => {
  await store?.close()
  await stack?.close()
})

const buttons = ({ page }: Awaited<ReturnType<Visitor['get']>>) =>
  page.querySelectorAll('.actions a').map(({ text }) => text)

describe('an operator’s endpoint', () => {
  let who: Subscriber
  let own: Visitor
  let path: string
  beforeAll(async () => {
    // It takes none of the types that its operator could be told of by chance.
    who = await addSubscriber(stack, { eventTypes: ['payout.executed'] })
    own = newVisitor(stack.url)
    await own.signIn(who.operator.apiKey)
    path = `/console/webhook-endpoints/${who.operator.operatorId}`
    await eventually(async () => expect((await own.get(path)).status).toBe(200))
  })
  afterAll(() => who.receiver.close())

  it('is sent one test event, signed, however often the form is sent, and shows what came of it', async () => {
    const form = await own.get(`${path}/actions/send-test`)
    expect(form.page.querySelector('.says')?.text.replaceAll(/\s+/g, ' ')).toMatch(
      /Sends 1 event of the type webhook\.test to http:\/\/127\.0\.0\.1:\d+, signed with 1 secret\. .* 5 times in all\./,
    )
    const sent = formIn(form)
    const [first, second] = [
      await own.post(`${path}/actions/send-test`, sent),
      await own.post(`${path}/actions/send-test`, sent),
    ]
    const seen = await own.follow(first)
    expect(seen.page.querySelector('.message[role=status]')?.text).toContain('The test event is on its way')
    expect((await own.follow(second)).status).toBe(200)
    const [received] = await who.receives(1)
    const event = verify(who.secret, received!) as Record<string, unknown>
    expect(event).toMatchObject({ type: 'webhook.test', operator_id: who.operator.operatorId, aggregate_revision: 0 })
    expect(received?.headers['webhook-id']).toBe(event.id)
    await eventually(async () => {
      const rows = (await own.get(`${path}?part=attempts`)).text
      expect(rows).toContain(`/console/webhooks/${event.id}`)
      expect(rows).toMatch(/webhook\.test[\s\S]*delivered/)
    })
    expect((await own.get(`/console/webhooks/${event.id}`)).page.querySelector('h1')?.text).toContain('webhook.test')
    expect(who.receiver.received).toHaveLength(1)
    const [requested, started, finished] = await eventsOf(store, `noctant.webhookDelivery-${event.id}`)
    expect(requested).toMatchObject({
      type: 'noctant.WebhookDeliveryRequested.v1',
      metadata: { actor: { kind: 'operator', id: who.operator.operatorId, keyId: who.operator.keyId } },
    })
    expect([started?.type, finished?.data.status]).toEqual(['noctant.WebhookAttemptStarted.v1', 'delivered'])
    // What tells of nothing is not told again.
    const again = await own.get(`/console/webhooks/${event.id}/actions/resend`)
    expect(again.page.querySelector('[role=alert]')?.text).toContain('A test event is not sent again')
  })

  it('is sent one by an administrator too, and it is tried again by the usual waits', async () => {
    const before = who.receiver.received.length
    who.receiver.behave(answers(500), answers(204))
    const form = await admin.get(`${path}/actions/send-test`)
    await admin.follow(await admin.post(`${path}/actions/send-test`, formIn(form)))
    const received = (await who.receives(before + 2)).slice(before)
    expect(new Set(received.map(({ headers }) => headers['webhook-id'])).size).toBe(1)
    const [requested] = await eventsOf(store, `noctant.webhookDelivery-${received[0]?.headers['webhook-id']}`)
    expect(requested?.metadata.actor?.kind).toBe('admin')
  })

  it('is sent none by a key that lacks the scope, by another’s, or while it is off', async () => {
    const lacking = newVisitor(stack.url)
    await lacking.signIn((await stack.addKey(who.operator, ['webhook_deliveries:read'])).apiKey)
    await eventually(async () => expect((await lacking.get(path)).status).toBe(200))
    expect((await lacking.get(path)).page.querySelector('#lacks-send-test')?.text).toContain('webhooks:replay')
    const forged = { idempotency_key: randomUUID() }
    expect((await lacking.post(`${path}/actions/send-test`, forged)).status).toBe(403)
    const stranger = newVisitor(stack.url)
    await stranger.signIn((await stack.addOperator()).apiKey)
    expect((await stranger.post(`${path}/actions/send-test`, forged)).status).toBe(404)
    await who.command({ kind: 'disable', cause: 'administrator', reason: 'a move', at: new Date().toISOString() })
    await eventually(async () => expect(fieldIn(await own.get(path), 'enabled')).toBe('false'))
    const before = who.receiver.received.length
    expect(buttons(await own.get(path))).not.toContain('Send test event…')
    const off = await own.get(`${path}/actions/send-test`)
    expect(off.page.querySelector('[role=alert]')?.text).toContain('The endpoint is disabled')
    expect((await own.post(`${path}/actions/send-test`, forged)).status).toBe(409)
    expect(who.receiver.received).toHaveLength(before)
  })
})

describe('a webhook of rungate', () => {
  let receiver: Receiver
  let own: Visitor
  let token: string
  beforeAll(async () => {
    receiver = await startReceiver()
    token = (await ask('POST', '/v1/register', { name: 'Acme' })).data.admin_token
    own = newVisitor(stack.url)
    await eventually(() => own.signIn(token))
  })
  afterAll(() => receiver.close())

  async function ask(method: string, path: string, body: object, key?: string): Promise<Made> {
    const answer = await fetch(`${stack.url}/rungate${path}`, {
      ...{ method, body: JSON.stringify(body) },
      headers: { 'content-type': 'application/json', ...(key && { authorization: `Bearer ${key}` }) },
    })
    expect(answer.status).toBeLessThan(300)
    return (await answer.json()) as Made
  }

  it('is sent one test event, once, and lists its delivery', async () => {
    const secret = 'a secret of twenty or so characters'.replaceAll(' ', '-')
    const input = { name: 'news', url: receiver.url, events: ['run.completed'], secret }
    const { id } = (await ask('POST', '/api/webhooks', input, token)).data
    const path = `/console/rungate/webhooks/${id}`
    await eventually(async () => expect((await own.get(path)).status).toBe(200))
    expect((await own.get('/console/rungate/webhooks')).text).toContain(path)
    expect((await admin.get(path)).status).toBe(200)
    const form = await own.get(`${path}/actions/send-test`)
    expect(form.page.querySelector('.says')?.text).toContain('0 deliveries have arrived there so far.')
    const sent = formIn(form)
    await own.post(`${path}/actions/send-test`, sent)
    const seen = await own.follow(await own.post(`${path}/actions/send-test`, sent))
    expect(seen.page.querySelector('.message[role=status]')?.text).toContain('The test event is on its way')
    await eventually(() => expect(receiver.received).toHaveLength(1))
    const [received] = receiver.received
    expect(received?.event).toMatchObject({ type: 'webhook.test' })
    const signature = createHmac('sha256', secret)
      .update(received?.body ?? '')
      .digest('hex')
    expect(received?.headers['x-rungate-signature-256']).toBe(`sha256=${signature}`)
    await eventually(async () => expect((await own.get(path)).text).toMatch(/webhook\.test[\s\S]*success/))
    const delivery = received?.headers['x-rungate-delivery']
    const [requested] = await eventsOf(store, `rungate.webhookDelivery-${delivery}`)
    expect(requested).toMatchObject({ type: 'rungate.DeliveryRequested.v1', data: { isTrial: true } })
    expect(receiver.received).toHaveLength(1)
  })

  it('of another account is not there', async () => {
    const other = (await ask('POST', '/v1/register', { name: 'Other' })).data.admin_token
    const stranger = newVisitor(stack.url)
    await eventually(() => stranger.signIn(other))
    const input = { name: 'own', url: receiver.url, events: ['run.completed'] }
    const { id } = (await ask('POST', '/api/webhooks', input, token)).data
    const path = `/console/rungate/webhooks/${id}`
    await eventually(async () => expect((await own.get(path)).status).toBe(200))
    expect((await stranger.get(path)).status).toBe(404)
    expect((await stranger.post(`${path}/actions/send-test`, { idempotency_key: randomUUID() })).status).toBe(404)
  })
})
