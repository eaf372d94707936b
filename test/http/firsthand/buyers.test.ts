/** What a buyer does beside its jobs: keys, balance, transactions, settings; and what others see of it. */
import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { organization } from '../../../src/commands/firsthand/organization.ts'
import { eventually } from '../../projections/support.ts'
import { eventsOf } from '../../support/event-store.ts'
import { type Api, startApi, systemContext } from '../api.ts'
import { addBuyer, addKey, type Buyer, grant, postJob } from './buyers.ts'

let api: Api
let acme: Buyer
let other: Buyer
/** By how much the API's clock is ahead. */
let aheadMs = 0
const HOUR_MS = 3_600_000
const hoursAhead = (hours: number): string => new Date(Date.now() + hours * HOUR_MS).toISOString()
beforeAll(async () => {
  api = await startApi({ buyClock: () => new Date(Date.now() + aheadMs) })
  acme = await addBuyer(api, { cents: 10_000 })
  other = await addBuyer(api, { cents: 10_000 })
})
afterEach(() => {
  aheadMs = 0
})
afterAll(() => api.stop())

const administer = (organizationId: string, kind: 'suspend' | 'resume') => {
  const context = systemContext()
  return api.bus.handle(organization, organizationId, { kind, reason: null, at: context.at }, context)
}
const keyRequest = (overrides: object = {}) => ({
  name: 'office',
  scopes: ['jobs:read'],
  environment: 'live',
  ...overrides,
})
const make = (key: string, overrides: object = {}, idempotencyKey: string = randomUUID()) =>
  api.buy('POST', '/v1/api_keys', {
    key,
    body: keyRequest(overrides),
    headers: { 'idempotency-key': idempotencyKey },
  })

describe('an API key', () => {
  it('is made, works at once, and is listed without its secret', async () => {
    const made = await make(acme.key)
    const { secret, ...shown } = made.body
    expect(made.status).toBe(201)
    expect(made.headers.get('cache-control')).toBe('no-store')
    expect(secret.startsWith(`${shown.prefix}_`)).toBe(true)
    expect((await api.buy('GET', '/v1/jobs', { key: secret })).status).toBe(200)
    const { data } = (await api.buy('GET', '/v1/api_keys', { key: acme.key })).body
    const { last_used_at: _, ...listed } = data.find(({ id }: { id: string }) => id === shown.id)
    expect(listed).toStrictEqual({ ...shown, hint: secret.slice(-4) })
  })

  it('is the same for the same request, with its secret, on every process', async () => {
    const first = await make(acme.key, {}, 'a-key')
    const asked = { key: acme.key, body: keyRequest(), headers: { 'idempotency-key': 'a-key' } }
    const again = await api.buySecond('POST', '/v1/api_keys', asked)
    expect([again.headers.get('idempotency-replayed'), again.body]).toStrictEqual(['true', first.body])
  })

  it('is shown to the same request for a day, made or rotated; then the answer says to rotate it', async () => {
    const buyer = await addBuyer(api)
    const path = `/v1/api_keys/${buyer.keyId}/rotate`
    const rotate = () => api.buy('POST', path, { key: buyer.key, headers: { 'idempotency-key': 'in-its-place' } })
    const [made, rotated] = [await make(buyer.key, {}, 'new'), await rotate()]
    aheadMs = 23 * HOUR_MS
    expect([(await make(buyer.key, {}, 'new')).body, (await rotate()).body]).toStrictEqual([made.body, rotated.body])
    aheadMs = 25 * HOUR_MS
    const { secret: key, id } = rotated.body.new_key
    for (const [refused, of] of [
      [await make(key, {}, 'new'), made.body.id],
      [await api.buy('POST', path, { key, headers: { 'idempotency-key': 'in-its-place' } }), id],
    ]) {
      expect([refused.status, refused.body.error.type]).toStrictEqual([409, 'conflict'])
      expect(refused.body.error.message).toContain(`${of} was made by this request before`)
      expect(refused.body.error.message).toMatch(/rotate it/)
    }
  })

  it('makes none that may do more, or of live where it is of the test world', async () => {
    const { key } = await addKey(api, acme.organizationId, { scopes: ['keys:manage'] })
    expect((await make(key)).body.error).toMatchObject({ type: 'authorization_error', details: [{ field: 'scopes' }] })
    const test = await addKey(api, acme.organizationId, { environment: 'test' })
    expect((await make(test.key)).status).toBe(403)
    expect((await make(test.key, { environment: 'test' })).status).toBe(201)
  })

  it.each([
    ['expires_at', '2020-01-01T00:00:00Z'],
    ['expires_at', 'tomorrow'],
    ['scopes', []],
    ['name', ''],
    ['environment', 'staging'],
  ])('with %s %j is refused with 422', async (field, value) => {
    const refused = await make(acme.key, { [field]: value })
    expect([refused.status, refused.body.error.details[0].field]).toStrictEqual([422, field])
  })

  it('that another process has made is rotated in its own environment', async () => {
    const buyer = await addBuyer(api)
    const headers = { 'idempotency-key': randomUUID() }
    // From then on the second process has the organization as it is.
    await api.buySecond('POST', '/v1/api_keys', { key: buyer.key, body: keyRequest(), headers })
    const made = await make(buyer.key)
    const rotated = await api.buySecond('POST', `/v1/api_keys/${made.body.id}/rotate`, { key: buyer.key })
    expect([rotated.status, rotated.body.new_key?.environment]).toStrictEqual([200, 'live'])
    const { secret } = rotated.body.new_key
    await eventually(async () => expect((await api.buy('GET', '/v1/jobs', { key: secret })).status).toBe(200))
  })

  it('is rotated once, while the old one works on, and the next attempt names the successor', async () => {
    const buyer = await addBuyer(api)
    const path = `/v1/api_keys/${buyer.keyId}/rotate`
    const rotated = await api.buy('POST', path, { key: buyer.key })
    expect(rotated.body.new_key).toMatchObject({ name: 'test', environment: 'live', status: 'active' })
    const again = await api.buy('POST', path, { key: rotated.body.new_key.secret })
    expect([again.status, again.body.error.message]).toStrictEqual([
      ...[409, expect.stringContaining(rotated.body.new_key.id)],
    ])
    const { data } = (await api.buy('GET', '/v1/api_keys', { key: buyer.key })).body
    expect(data.map(({ status }: { status: string }) => status)).toStrictEqual(['active', 'rotating'])
  })

  it('is revoked at once, even by itself, and again without a word', async () => {
    const { key, keyId } = await addKey(api, acme.organizationId)
    for (const by of [key, acme.key]) {
      const revoked = await api.buy('POST', `/v1/api_keys/${keyId}/revoke`, { key: by })
      expect([revoked.status, revoked.body]).toStrictEqual([204, undefined])
      await eventually(async () => expect((await api.buy('GET', '/v1/jobs', { key })).status).toBe(401), 1_000)
    }
    expect((await api.buy('POST', `/v1/api_keys/${keyId}/rotate`, { key: acme.key })).status).toBe(409)
  })

  it('that was rotated is revoked without its successor', async () => {
    const buyer = await addBuyer(api)
    const { body } = await api.buy('POST', `/v1/api_keys/${buyer.keyId}/rotate`, { key: buyer.key })
    const { secret: key } = body.new_key
    expect((await api.buy('POST', `/v1/api_keys/${buyer.keyId}/revoke`, { key })).status).toBe(204)
    await eventually(async () => expect((await api.buy('GET', '/v1/jobs', { key: buyer.key })).status).toBe(401), 1_000)
    expect((await api.buy('GET', '/v1/jobs', { key })).status).toBe(200)
  })

  it('is noted when it is used', async () => {
    const { key, keyId } = await addKey(api, acme.organizationId)
    await api.buy('GET', '/v1/jobs', { key })
    await eventually(async () => {
      const { data } = (await api.buy('GET', '/v1/api_keys', { key: acme.key })).body
      expect(data.find(({ id }: { id: string }) => id === keyId).last_used_at).not.toBeNull()
    })
  })

  it('without the scope, and one of a suspended organization, is 403', async () => {
    const { key } = await addKey(api, acme.organizationId, { scopes: ['jobs:read'] })
    expect((await postJob(api, key)).body.error.type).toBe('authorization_error')
    const buyer = await addBuyer(api)
    const status = async () => (await api.buy('GET', '/v1/jobs', { key: buyer.key })).status
    await administer(buyer.organizationId, 'suspend')
    await eventually(async () => expect(await status()).toBe(403), 1_000)
    await administer(buyer.organizationId, 'resume')
    await eventually(async () => expect(await status()).toBe(200), 1_000)
  })
})

describe('credits', () => {
  it('are nothing before the first, as of the organization’s creation', async () => {
    const buyer = await addBuyer(api)
    const { body } = await api.buy('GET', '/v1/billing/credits', { key: buyer.key })
    const [created] = await eventsOf(api.store, `firsthand.organization-${buyer.organizationId}`)
    const { occurredAt: updated_at } = created!.data as { occurredAt: string }
    expect(body).toMatchObject({ balance_cents: 0, currency: 'usd', updated_at })
  })

  it('have transactions whose amounts make up the balance, the newest first', async () => {
    const buyer = await addBuyer(api, { cents: 1_000 })
    await grant(api, buyer.organizationId, 500)
    const ids: string[] = []
    for (let n = 0; n < 3; n++) ids.push((await postJob(api, buyer.key)).body.id)
    await api.buy('POST', `/v1/jobs/${ids[1]}/cancel`, { key: buyer.key })
    const { data } = (await api.buy('GET', '/v1/billing/transactions', { key: buyer.key })).body
    type Row = { amount_cents: number; running_balance_cents: number; type: string; job_id: string | null }
    expect(data.map(({ type, job_id }: Row) => `${type} ${job_id}`)).toStrictEqual([
      ...[`refund ${ids[1]}`, `deduction ${ids[2]}`, `deduction ${ids[1]}`, `deduction ${ids[0]}`],
      ...['free_tier null', 'free_tier null'],
    ])
    const balance = (await api.buy('GET', '/v1/billing/credits', { key: buyer.key })).body.balance_cents
    expect([
      data.reduce((sum: number, row: Row) => sum + row.amount_cents, 0),
      data[0].running_balance_cents,
    ]).toStrictEqual([balance, 1_300])
    const filtered = await api.buy('GET', '/v1/billing/transactions?type=refund', { key: buyer.key })
    expect(filtered.body.data).toHaveLength(1)
    expect((await api.buy('GET', '/v1/billing/transactions?type=gift', { key: buyer.key })).status).toBe(400)
  })

  it('say when they end: those that came, and of a refund those that end first; what is taken off has no end', async () => {
    const buyer = await addBuyer(api)
    const [sooner, later] = [hoursAhead(60 * 24), hoursAhead(90 * 24)]
    await grant(api, buyer.organizationId, 300, { endsAt: later })
    await grant(api, buyer.organizationId, 100, { endsAt: sooner })
    const jobs: string[] = []
    // The first takes all of the lot that ends sooner and as much of the other; the second of the other alone.
    for (const files_needed of [8, 4]) jobs.push((await postJob(api, buyer.key, { files_needed })).body.id)
    for (const id of jobs) await api.buy('POST', `/v1/jobs/${id}/cancel`, { key: buyer.key })
    const { data } = (await api.buy('GET', '/v1/billing/transactions', { key: buyer.key })).body
    type Row = { type: string; amount_cents: number; expires_at: string | null }
    expect(data.map(({ type, amount_cents, expires_at }: Row) => [type, amount_cents, expires_at])).toStrictEqual([
      ['refund', 100, later],
      ['refund', 200, sooner],
      ['deduction', -100, null],
      ['deduction', -200, null],
      ['free_tier', 100, sooner],
      ['free_tier', 300, later],
    ])
  })
})

describe('settings', () => {
  const patch = (key: string, body: object) => api.buy('PATCH', '/v1/organization/settings', { key, body })
  const none = {
    ...{ default_platform_fee_pct: null, auto_top_up_enabled: false },
    ...{ auto_top_up_threshold_cents: null, auto_top_up_amount_cents: null },
  }

  it('are all there at first, change in what is given, and are cleared by null', async () => {
    const { key } = await addBuyer(api)
    expect((await api.buy('GET', '/v1/organization/settings', { key })).body).toStrictEqual(none)
    const given = { default_platform_fee_pct: 0.125, auto_top_up_threshold_cents: 0, auto_top_up_amount_cents: 100 }
    expect((await patch(key, given)).body).toStrictEqual({ ...none, ...given })
    const enabled = await patch(key, { auto_top_up_enabled: true, default_platform_fee_pct: null })
    const expected = { ...none, ...given, auto_top_up_enabled: true, default_platform_fee_pct: null }
    expect(enabled.body).toStrictEqual(expected)
    expect((await api.buy('GET', '/v1/organization/settings', { key })).body).toStrictEqual(expected)
  })

  it.each([
    [{ auto_top_up_enabled: true }, 'auto_top_up_threshold_cents'],
    [{ default_platform_fee_pct: 0.51 }, 'default_platform_fee_pct'],
    [{ default_platform_fee_pct: 0.12345 }, 'default_platform_fee_pct'],
    [{ auto_top_up_amount_cents: 99 }, 'auto_top_up_amount_cents'],
    [{ auto_top_up_threshold_cents: '5' }, 'auto_top_up_threshold_cents'],
  ])('%j are refused with 422', async (body, field) => {
    const { key } = await addBuyer(api)
    const refused = await patch(key, body)
    expect([refused.status, refused.body.error.details[0].field]).toStrictEqual([422, field])
  })
})

describe('another organization', () => {
  it('sees nothing of it, by whatever id it asks', async () => {
    const { body: job } = await postJob(api, acme.key)
    const asked = [
      ['GET', `/v1/jobs/${job.id}`],
      ['POST', `/v1/jobs/${job.id}/cancel`],
      ['POST', `/v1/api_keys/${acme.keyId}/rotate`],
      ['POST', `/v1/api_keys/${acme.keyId}/revoke`],
    ] as const
    for (const [method, path] of asked) {
      const answer = await api.buy(method, path, { key: other.key })
      expect([path, answer.status, answer.body.error.type]).toStrictEqual([path, 404, 'not_found'])
    }
    for (const path of ['/v1/jobs', '/v1/api_keys', '/v1/billing/transactions']) {
      const seen = JSON.stringify((await api.buy('GET', path, { key: other.key })).body)
      expect(seen).not.toContain(acme.organizationId)
      expect(seen).not.toContain(acme.keyId)
      expect(seen).not.toContain(job.id)
    }
  })
})

describe('the limits', () => {
  it.each([
    ['standard', '100', '300', '60'],
    ['pro', '500', '1500', '300'],
    ['enterprise', '5000', '15000', '3000'],
    ['unlimited', null, null, null],
  ] as const)('are those of the tier %s, for each kind of request', async (tier, jobs, jobReads, others) => {
    const { key } = await addBuyer(api, { tier, cents: 1_000 })
    const limitOf = async (answer: ReturnType<Api['buy']>) => (await answer).headers.get('ratelimit-limit')
    expect(await limitOf(postJob(api, key))).toBe(jobs)
    expect(await limitOf(api.buy('GET', '/v1/jobs', { key }))).toBe(jobReads)
    expect(await limitOf(api.buy('GET', '/v1/billing/credits', { key }))).toBe(others)
  })
})

describe('a request id', () => {
  it('is ours, and the caller’s own stands beside it in the log', async () => {
    const headers = { 'x-request-id': 'mine-1' }
    const answer = await api.buy('GET', '/v1/jobs/none', { key: acme.key, headers })
    const id = answer.headers.get('x-request-id')
    expect(id).toMatch(/^req_[0-9A-Z]{26}$/)
    expect(answer.body.error.request_id).toBe(id)
    await eventually(() =>
      expect(api.logged.find(({ fields }) => fields.requestId === id)?.fields.callerRequestId).toBe('mine-1'),
    )
  })
})
