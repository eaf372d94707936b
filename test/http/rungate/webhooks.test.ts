/** Webhooks over HTTP: who sees and changes them, which URLs they take, and how their secrets and deliveries are shown. */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { webhookDelivery } from '../../../src/commands/rungate/webhook-delivery.ts'
import { eventually } from '../../projections/support.ts'
import { type Api, type Asked, startApi, systemContext } from '../api.ts'
import { type Account, registered } from './accounts.ts'
import { type Crew, newCrew, newMember } from './people.ts'

const WEBHOOKS_MAX = 5
const PRIVATE = 'private.example.com'
let api: Api
let crew: Crew
let other: Account
beforeAll(async () => {
  const resolve = async (host: string) => (host === PRIVATE ? ['10.0.0.7'] : [])
  api = await startApi({ resolve, webhooksMax: WEBHOOKS_MAX })
  crew = await newCrew(api)
  other = await registered(api)
})
afterAll(() => api.stop())

let made = 0
const input = (more: Record<string, unknown> = {}) => {
  made += 1
  return { name: `hook ${made}`, url: 'https://hooks.example.com/rungate', events: ['run.completed'], ...more }
}
const post = (as: Asked, more: Record<string, unknown> = {}) =>
  api.govern('POST', '/api/webhooks', { ...as, body: input(more) })
/** A webhook that is deleted at the end of the test: an account has few. */
async function webhook(as: Asked, more: Record<string, unknown> = {}): Promise<Record<string, string>> {
  const { status, body } = await post(as, more)
  expect(status, JSON.stringify(body)).toBe(201)
  return body.data
}
const remove = (as: Asked, id: string | undefined) => api.govern('DELETE', `/api/webhooks/${id}`, as)

describe('a webhook', () => {
  it('is made with a secret that is whole once, changed, switched and deleted', async () => {
    const as = crew.as['admin token']
    const {
      id,
      secret = '',
      ...shown
    } = await webhook(as, { description: 'for the desk', events: ['run.started', 'run.started'] })
    expect(secret).toMatch(/^whsec_[\w+/]{43}=$/)
    expect(shown).toMatchObject({
      ...{ status: 'active', failure_count: 0, events: ['run.started'], scope: 'org', description: 'for the desk' },
      ...{ member_id: null, agent_id: null, previous_secret: null, previous_secret_expires_at: null },
    })
    const path = `/api/webhooks/${id}`
    const masked = `whsec_…${secret.slice(-4)}`
    expect((await api.govern('GET', path, as)).body.data).toMatchObject({ ...shown, secret: masked })
    const change = { name: 'renamed', events: ['agent.created'], description: null, agent_id: crew.owner.agentId }
    const changed = await api.govern('PUT', path, { ...as, body: { ...change, status: 'paused' } })
    expect(changed.body.data).toMatchObject({ ...change, id, status: 'paused', secret: masked })
    expect((await api.govern('GET', path, as)).body.data).toStrictEqual(changed.body.data)
    for (const [verb, status] of [
      ...([
        ['enable', 'active'],
        ['enable', 'active'],
        ['disable', 'paused'],
        ['disable', 'paused'],
      ] as const),
    ]) {
      const { body } = await api.govern('POST', `${path}/${verb}`, as)
      expect(body.data.status).toBe(status)
    }
    const listed = (query: string) => api.govern('GET', `/api/webhooks?${query}`, as)
    expect((await listed('status=paused&event=agent.created')).body).toMatchObject({ total: 1, data: [{ id }] })
    expect((await listed('event=run.completed')).body).toStrictEqual({ total: 0, data: [] })
    expect((await remove(as, id)).status).toBe(200)
    for (const [method, of] of [
      ['GET', path],
      ['DELETE', path],
      ['POST', `${path}/enable`],
    ] as const) {
      expect((await api.govern(method, of, as)).status).toBe(404)
    }
    const again = await webhook(as, { name: 'Renamed' })
    await remove(as, again.id)
  })

  it('has a name of its own in the account, whatever its case', async () => {
    const as = crew.as['admin token']
    const { id, name = '' } = await webhook(as)
    expect((await post(as, { name: name.toUpperCase() })).status).toBe(409)
    await remove(as, id)
  })

  it('is one of few', async () => {
    const as = { key: (await registered(api)).token }
    for (let count = 0; count < WEBHOOKS_MAX; count++) await webhook(as)
    const { status, body } = await post(as, { name: 'one too many' })
    expect([status, body.error.type]).toStrictEqual([409, 'conflict'])
    // The name that was claimed for it is free again.
    const { body: list } = await api.govern('GET', '/api/webhooks', as)
    await remove(as, list.data[0].id)
    await webhook(as, { name: 'one too many' })
  })

  it.each([
    ['no event', { events: [] }, 'events'],
    ['more events than there can be', { events: Array(101).fill('run.started') }, 'events'],
    ['an unknown event', { events: ['run.exploded'] }, 'events.0'],
    ['a short secret', { secret: 'short' }, 'secret'],
    ['a name of spaces', { name: '   ' }, 'name'],
    ['no URL', { url: 'nowhere' }, 'url'],
    ['http', { url: 'http://hooks.example.com' }, 'url'],
    ['loopback', { url: 'https://127.0.0.1/hook' }, 'url'],
    ['a private address', { url: 'https://[::ffff:10.0.0.7]/hook' }, 'url'],
    ['a name that leads to one', { url: `https://${PRIVATE}/hook` }, 'url'],
    ['a password', { url: 'https://me:secret@hooks.example.com' }, 'url'],
  ])('is refused with %s, when it is made and when it is changed', async (_, bad, field) => {
    const as = crew.as['admin token']
    const { status, body } = await post(as, bad)
    expect([status, Object.keys(body.error.fields ?? {})]).toStrictEqual([400, [field]])
    const { id } = await webhook(as)
    const changed = await api.govern('PUT', `/api/webhooks/${id}`, { ...as, body: bad })
    expect([changed.status, Object.keys(changed.body.error.fields ?? {})]).toStrictEqual([400, [field]])
    await remove(as, id)
  })

  it('names an agent of its account', async () => {
    const as = crew.as['admin token']
    for (const agent_id of [other.agentId, randomUUID(), 'none']) {
      expect((await post(as, { agent_id })).status).toBe(404)
    }
  })

  it('that is none is told after what is wrong with the body', async () => {
    const change = (url: string) =>
      api.govern('PUT', `/api/webhooks/${randomUUID()}`, { ...crew.as['admin token'], body: { url } })
    expect([(await change('nowhere')).status, (await change('https://hooks.example.com')).status]).toEqual([400, 404])
  })

  it('of another account is as good as absent', async () => {
    const { id } = await webhook({ key: other.token })
    const path = `/api/webhooks/${id}`
    const as = crew.as.owner
    const asked = [
      ...([
        ['GET', path],
        ['PUT', path],
        ['DELETE', path],
        ['GET', `${path}/deliveries`],
        ['POST', `${path}/test`],
      ] as const),
      ...([
        ['POST', `${path}/enable`],
        ['POST', `${path}/disable`],
        ['POST', `${path}/rotate-secret`],
      ] as const),
      ['POST', `${path}/expire-previous-secret`] as const,
    ]
    for (const [method, of] of asked) {
      const body = method === 'PUT' ? { body: { name: 'mine' } } : {}
      expect((await api.govern(method, of, { ...as, ...body })).status, `${method} ${of}`).toBe(404)
    }
  })

  it('that is personal is its member’s alone, and goes with the member', async () => {
    const member = await newMember(api, crew.owner, 'member')
    const as = { headers: { cookie: `rungate_session=${member.cookie}` } }
    const { id, scope, member_id } = await webhook(as)
    expect([scope, member_id]).toStrictEqual(['personal', member.memberId])
    expect((await post(as, { scope: 'org' })).status).toBe(403)
    for (const who of ['owner', 'admin', 'admin token'] as const) {
      expect((await api.govern('GET', `/api/webhooks/${id}`, crew.as[who])).status).toBe(404)
    }
    expect((await post(crew.as['admin token'], { scope: 'personal' })).status).toBe(400)
    const rule = { name: 'mine', condition_type: 'cost_threshold' }
    const config = { condition_config: { threshold_usd: 1, window_minutes: 5 } }
    expect((await api.govern('POST', '/api/alert-rules', { ...as, body: { ...rule, ...config } })).status).toBe(201)
    const removed = await api.govern('DELETE', `/api/members/${member.memberId}`, crew.as.owner)
    expect(removed.body.data).toMatchObject({ webhooks_deleted: 1, alert_rules_deleted: 1 })
    const events = await Array.fromAsync(api.store.readStream(`rungate.webhook-${id}`))
    expect(events.at(-1)?.type).toBe('rungate.WebhookDeleted.v1')
  })
})

describe('a secret', () => {
  it('that is replaced is told with the one before, until that is ended', async () => {
    const as = crew.as['admin token']
    const { id, secret = '' } = await webhook(as)
    const path = `/api/webhooks/${id}`
    const { body, headers } = await api.govern('POST', `${path}/rotate-secret`, as)
    const { previous_secret, current_secret, grace_expires_at } = body.data
    expect([previous_secret, headers.get('cache-control')]).toStrictEqual([secret, 'no-store'])
    expect((await api.govern('GET', path, as)).body.data).toMatchObject({
      ...{ secret: `whsec_…${current_secret.slice(-4)}`, previous_secret: `whsec_…${secret.slice(-4)}` },
      previous_secret_expires_at: grace_expires_at,
    })
    const own = await api.govern('PUT', path, { ...as, body: { secret: 'a-secret-of-my-own' } })
    expect(own.body.data).toMatchObject({
      secret: 'whsec_…-own',
      previous_secret: `whsec_…${current_secret.slice(-4)}`,
    })
    for (let times = 0; times < 2; times++) {
      const ended = await api.govern('POST', `${path}/expire-previous-secret`, as)
      expect(ended.body.data).toMatchObject({ previous_secret: null, previous_secret_expires_at: null })
    }
    await remove(as, id)
  })
})

describe('deliveries', () => {
  it('are listed in pages, newest first, by status and by event', async () => {
    const as = crew.as['admin token']
    const { id: webhookId = '' } = await webhook(as)
    const { accountId } = crew.owner
    const request = async (eventType: string) => {
      const [deliveryId, eventId] = [randomUUID(), randomUUID()]
      const told = { eventId, eventType, replayId: null, person: {}, body: `{"id":"${eventId}"}` }
      const about = { attemptsMax: '4', sourcePosition: '1' }
      const facts = { deliveryId, owner: { accountId, webhookId }, ...told, about }
      const context = systemContext()
      await api.bus.handle(webhookDelivery, deliveryId, { kind: 'request', facts, at: context.at }, context)
      return deliveryId
    }
    const ids = [await request('run.started'), await request('run.completed'), await request('run.completed')]
    const context = systemContext()
    const nothing = { errorClass: 'endpoint_disabled', errorMessage: 'the endpoint is disabled', at: context.at }
    await api.bus.handle(webhookDelivery, ids[1] ?? '', { kind: 'abandon', ...nothing }, context)
    const list = async (query: string) => {
      const { status, body } = await api.govern('GET', `/api/webhooks/${webhookId}/deliveries?${query}`, as)
      expect(status).toBe(200)
      return [body.total, body.data.map(({ id }: { id: string }) => id)]
    }
    await eventually(async () => expect(await list('limit=500')).toStrictEqual([3, ids.toReversed()]))
    await eventually(async () => expect(await list('status=failed')).toStrictEqual([1, [ids[1]]]))
    expect(await list('event_type=run.completed&limit=1')).toStrictEqual([2, [ids[2]]])
    expect(await list('event_type=run.completed&limit=1&offset=1')).toStrictEqual([2, [ids[1]]])
    expect((await api.govern('GET', `/api/webhooks/${webhookId}/deliveries?limit=-1`, as)).status).toBe(400)
    const pending = await api.govern('GET', `/api/webhooks/${webhookId}/deliveries?status=pending`, as)
    expect(pending.body.data[0]).toMatchObject({
      ...{ webhook_id: webhookId, attempts: 0, max_attempts: 4, response_status: null, completed_at: null },
    })
    await remove(as, webhookId)
  })
})

describe('a test', () => {
  it('is a delivery of its own, and warns where the webhook takes nothing else', async () => {
    const as = crew.as['admin token']
    const { id } = await webhook(as)
    const first = await api.govern('POST', `/api/webhooks/${id}/test`, as)
    expect(first.body.data).toStrictEqual({ message: expect.any(String), delivery_id: expect.any(String) })
    await api.govern('POST', `/api/webhooks/${id}/disable`, as)
    const second = await api.govern('POST', `/api/webhooks/${id}/test`, as)
    expect(second.body.data.warning).toContain('paused')
    const { body } = await api.govern('GET', `/api/webhooks/${id}/deliveries`, as)
    expect(body.data.map((each: { id: string }) => each.id).toSorted()).toStrictEqual(
      [first.body.data.delivery_id, second.body.data.delivery_id].toSorted(),
    )
    expect(body.data[0]).toMatchObject({ event_type: 'webhook.test', max_attempts: 1, status: 'pending' })
    await remove(as, id)
  })

  it('is 503 where no process sends webhooks', async () => {
    const idle = await startApi({ areWebhooksServed: false })
    try {
      const key = (await registered(idle)).token
      const hook = await idle.govern('POST', '/api/webhooks', { key, body: input() })
      const { status, body } = await idle.govern('POST', `/api/webhooks/${hook.body.data.id}/test`, { key })
      expect([status, body.error.type]).toStrictEqual([503, 'service_unavailable'])
    } finally {
      await idle.stop()
    }
  })
})
