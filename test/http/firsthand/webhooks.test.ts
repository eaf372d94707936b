/** Webhook endpoints and events as buyers work with them; what arrives where is in test/processes/firsthand/webhooks.test.ts. */
import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { eventsOf } from '../../support/event-store.ts'
import { type Api, startApi } from '../api.ts'
import { addBuyer, addEvent, addKey, type Buyer, postJob } from './buyers.ts'

let api: Api
let acme: Buyer
let other: Buyer
/** By how much the API's clock is ahead. */
let aheadMs = 0
const HOUR_MS = 3_600_000
beforeAll(async () => {
  const resolve = async (host: string) => (host === 'inside.example' ? ['10.0.0.7'] : ['93.184.215.14'])
  api = await startApi({ resolve, buyClock: () => new Date(Date.now() + aheadMs) })
  acme = await addBuyer(api, { cents: 10_000 })
  other = await addBuyer(api)
})
afterEach(() => {
  aheadMs = 0
})
afterAll(() => api.stop())

const HOOK = 'https://example.com/hooks?t=1'
const PATH = '/v1/webhook_endpoints'
const create = (key: string, body: object = { url: HOOK }, idempotencyKey: string = randomUUID()) =>
  api.buy('POST', PATH, { key, body, headers: { 'idempotency-key': idempotencyKey } })
const patch = (key: string, id: string, body: object) => api.buy('PATCH', `${PATH}/${id}`, { key, body })
const ids = ({ body }: { body: { data: { id: string }[] } }) => body.data.map(({ id }) => id)

/** An endpoint with an event of a job that was cancelled. */
async function addHook({ key, organizationId }: Buyer) {
  const { body: endpoint } = await create(key)
  const { body: job } = await postJob(api, key)
  await api.buy('POST', `/v1/jobs/${job.id}/cancel`, { key })
  const eventId = await addEvent(api, { organizationId, environment: 'live' }, endpoint.id, job.id)
  return { endpointId: endpoint.id as string, jobId: job.id as string, eventId }
}

describe('a webhook endpoint', () => {
  it('is made with a secret that is shown this once, and is read and listed without it', async () => {
    const made = await create(acme.key, { url: HOOK, description: 'orders', left: 'out' })
    const { signing_secret, ...shown } = made.body
    expect([made.status, made.headers.get('cache-control')]).toStrictEqual([201, 'no-store'])
    expect(signing_secret).toMatch(/^whsec_[\w-]{43}$/)
    expect(shown).toMatchObject({ object: 'webhook_endpoint', url: HOOK, status: 'active', description: 'orders' })
    expect(shown.id).toMatch(/^we_/)
    const read = await api.buy('GET', `${PATH}/${shown.id}`, { key: acme.key })
    expect(read.body).toStrictEqual(shown)
    const listed = await api.buy('GET', PATH, { key: acme.key })
    expect(listed.body.data).toStrictEqual([shown])
    const stored = await eventsOf(api.store, `firsthand.webhookEndpoint-${shown.id}`)
    expect(JSON.stringify(stored.map(({ data }) => data))).not.toContain(signing_secret)
  })

  it('is the same for the same request, with its secret, on every process', async () => {
    const first = await create(acme.key, { url: HOOK }, 'one-hook')
    const asked = { key: acme.key, body: { url: HOOK }, headers: { 'idempotency-key': 'one-hook' } }
    const again = await api.buySecond('POST', PATH, asked)
    expect([again.headers.get('idempotency-replayed'), again.body]).toStrictEqual(['true', first.body])
    const differing = await create(acme.key, { url: `${HOOK}&u=2` }, 'one-hook')
    expect(differing.status).toBe(409)
    await api.buy('DELETE', `${PATH}/${first.body.id}`, { key: acme.key })
    expect((await create(acme.key, { url: HOOK }, 'one-hook')).status).toBe(409)
  })

  it('has one of 16 places in its environment, a hundred at once take no more, and a deleted one frees its own', async () => {
    const buyer = await addBuyer(api)
    const made = await Promise.all(Array.from({ length: 100 }, () => create(buyer.key)))
    const statuses = made.map(({ status }) => status).sort()
    expect(statuses).toStrictEqual([...Array(16).fill(201), ...Array(84).fill(409)])
    const { key } = await addKey(api, buyer.organizationId, { environment: 'test' })
    expect((await create(key)).status).toBe(201)
    const [first] = made.filter(({ status }) => status === 201)
    await api.buy('DELETE', `${PATH}/${first?.body.id}`, { key: buyer.key })
    expect((await create(buyer.key)).status).toBe(201)
    expect((await create(buyer.key)).body.error.type).toBe('conflict')
  })

  // Row 26 of the table of faults: what is no public address is refused when it is set.
  it.each([
    'http://example.com/hooks',
    'https://user:word@example.com/',
    'https://example.com/#part',
    'https://169.254.169.254/latest/meta-data',
    'https://localhost/',
    'http://localhost:8080/',
    'https://2130706433/',
    'https://[::ffff:127.0.0.1]/',
    'https://[64:ff9b::7f00:1]/',
    'https://[2002:7f00:1::]/',
    'https://inside.example/',
    `https://example.com/${'x'.repeat(2_000)}`,
    'nothing',
    '',
  ])('to %s is refused with 422, when it is made and when it is changed', async (url) => {
    const refused = await create(acme.key, { url })
    expect([refused.status, refused.body.error.details[0].field]).toStrictEqual([422, 'url'])
    const { body } = await create(acme.key)
    expect((await patch(acme.key, body.id, { url })).status).toBe(422)
    await api.buy('DELETE', `${PATH}/${body.id}`, { key: acme.key })
  })

  it('is changed as far as is said, and by nothing not at all', async () => {
    const { endpointId } = await addHook(acme)
    const before = (await api.buy('GET', `${PATH}/${endpointId}`, { key: acme.key })).body
    const stream = `firsthand.webhookEndpoint-${endpointId}`
    for (const nothing of [{}, { status: 'active' }, { url: HOOK, other: 1 }]) {
      expect(await patch(acme.key, endpointId, nothing)).toMatchObject({ status: 200, body: before })
    }
    expect(await eventsOf(api.store, stream)).toHaveLength(1)
    const changed = await patch(acme.key, endpointId, { status: 'disabled', description: 'off' })
    expect(changed.body).toMatchObject({ url: HOOK, status: 'disabled', description: 'off' })
    for (const wrong of [{ status: 'off' }, { description: 'x'.repeat(501) }]) {
      expect((await patch(acme.key, endpointId, wrong)).status).toBe(422)
    }
  })

  it('gets another secret, while the former one signs for a day, and the same request shows it again', async () => {
    const { body } = await create(acme.key)
    const asked = { key: acme.key, headers: { 'idempotency-key': randomUUID() } }
    const rotated = await api.buy('POST', `${PATH}/${body.id}/rotate_secret`, asked)
    expect(rotated.body.new_secret).toMatch(/^whsec_[\w-]{43}$/)
    expect(rotated.body.new_secret).not.toBe(body.signing_secret)
    const leftMs = Date.parse(rotated.body.old_secret_invalidates_at) - Date.now()
    expect(leftMs / 3_600_000).toBeCloseTo(24, 1)
    const again = await api.buySecond('POST', `${PATH}/${body.id}/rotate_secret`, asked)
    expect(again.body).toStrictEqual(rotated.body)
    const { body: other } = await create(acme.key)
    expect((await api.buy('POST', `${PATH}/${other.id}/rotate_secret`, asked)).body.error.type).toBe('conflict')
  })

  it('shows its secrets to the same request for a day; then the answer says to rotate', async () => {
    const { key } = await addBuyer(api)
    const made = await create(key, { url: HOOK }, 'one-day')
    const { id } = made.body
    const asked = { key, headers: { 'idempotency-key': 'one-day' } }
    const rotate = () => api.buy('POST', `${PATH}/${id}/rotate_secret`, asked)
    const rotated = await rotate()
    const again = async () => [await create(key, { url: HOOK }, 'one-day'), await rotate()]
    aheadMs = 23 * HOUR_MS
    expect((await again()).map(({ body }) => body)).toStrictEqual([made.body, rotated.body])
    aheadMs = 25 * HOUR_MS
    for (const { status, body } of await again()) {
      expect([status, body.error.type]).toStrictEqual([409, 'conflict'])
      expect(body.error.message).toBe(`The secret of ${id} is shown no more: rotate it.`)
    }
  })

  it('that is deleted, another’s, or of the other environment is 404 everywhere', async () => {
    const { endpointId, eventId } = await addHook(acme)
    const { key: test } = await addKey(api, acme.organizationId, { environment: 'test' })
    const everywhere = async (key: string) => [
      (await api.buy('GET', `${PATH}/${endpointId}`, { key })).status,
      (await patch(key, endpointId, {})).status,
      (await api.buy('POST', `${PATH}/${endpointId}/rotate_secret`, { key })).status,
      (await api.buy('DELETE', `${PATH}/${endpointId}`, { key })).status,
      (await api.buy('POST', `/v1/webhook_events/${eventId}/replay`, { key })).status,
    ]
    for (const key of [other.key, test]) expect(await everywhere(key)).toStrictEqual(Array(5).fill(404))
    expect(ids(await api.buy('GET', PATH, { key: test }))).not.toContain(endpointId)
    expect((await api.buy('DELETE', `${PATH}/${endpointId}`, { key: acme.key })).status).toBe(204)
    expect(await everywhere(acme.key)).toStrictEqual(Array(5).fill(404))
  })
})

describe('a webhook event', () => {
  it('is listed with what it tells, by status and by type; an unknown word is 400', async () => {
    const buyer = await addBuyer(api, { cents: 1_000 })
    const { endpointId, jobId, eventId } = await addHook(buyer)
    const list = (query: string) => api.buy('GET', `/v1/webhook_events${query}`, { key: buyer.key })
    const { body: job } = await api.buy('GET', `/v1/jobs/${jobId}`, { key: buyer.key })
    expect((await list('')).body.data).toStrictEqual([
      {
        ...{ id: eventId, object: 'event', type: 'job.cancelled', endpoint_id: endpointId, status: 'pending' },
        ...{ attempt_count: 0, data: job, created_at: expect.any(String) },
      },
    ])
    expect(ids(await list('?status=pending&event_type=job.cancelled'))).toStrictEqual([eventId])
    for (const query of ['?status=failed', '?event_type=job.completed'])
      expect(ids(await list(query))).toStrictEqual([])
    for (const query of ['?status=off', '?event_type=job.ended']) expect((await list(query)).status).toBe(400)
    expect((await list('?event_type=job.ended')).body.error.message).toContain('submission.approved')
  })

  it('that is pending is replayed with 202 and no second sending; of a disabled endpoint 409', async () => {
    const { endpointId, eventId } = await addHook(acme)
    const replay = () => api.buy('POST', `/v1/webhook_events/${eventId}/replay`, { key: acme.key })
    expect(await replay()).toMatchObject({ status: 202, body: { id: eventId, status: 'pending', attempt_count: 0 } })
    expect(await eventsOf(api.store, `firsthand.webhookEvent-${eventId}`)).toHaveLength(1)
    const headers = { 'idempotency-key': randomUUID() }
    const underKey = (id: string) => api.buy('POST', `/v1/webhook_events/${id}/replay`, { key: acme.key, headers })
    const [first, again] = [await underKey(eventId), await underKey(eventId)]
    expect([again.headers.get('idempotency-replayed'), again.body]).toStrictEqual(['true', first.body])
    expect((await underKey((await addHook(acme)).eventId)).body.error.type).toBe('conflict')
    await patch(acme.key, endpointId, { status: 'disabled' })
    expect((await replay()).body.error.type).toBe('conflict')
  })
})
