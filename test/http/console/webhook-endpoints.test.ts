/** An operator's webhook endpoint on its page: switched by administrators, and told again what happened, counted first. */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { setWebhookEndpoint } from '../../../src/commands/noctant/webhook-endpoint.ts'
import { eventsOf } from '../../support/event-store.ts'
import { type Api, startApi, systemContext } from '../api.ts'
import { accountRequest, type TestOperator } from '../noctant/serving.ts'
import { administrator, fieldIn, formIn, operator, type Visitor } from './browsing.ts'

let api: Api
let acme: TestOperator
let admin: Visitor
let own: Visitor
let path: string
beforeAll(async () => {
  api = await startApi()
  acme = await api.addOperator()
  ;[admin, own] = await Promise.all([administrator(api), operator(api, acme.key)])
  await api.call('POST', '/v1/users', { key: acme.key, body: { external_id: 'trader-1' } })
  await api.call('POST', '/v1/accounts', { key: acme.key, body: accountRequest('ACC-HOOK') })
  const at = new Date().toISOString()
  const set = {
    kind: 'set',
    operatorId: acme.operatorId,
    url: 'https://hooks.example/opslog',
    eventTypes: null,
    at,
  } as const
  const secret = { secretId: randomUUID(), sealed: 'sealed' }
  await setWebhookEndpoint(api.bus, { ...set, secret }, systemContext())
  path = `/console/webhook-endpoints/${acme.operatorId}`
  await vi.waitFor(async () => expect((await own.get(path)).status).toBe(200), 10_000)
})
afterAll(() => api.stop())

it('is its operator’s and administrators’, and the list leads there', async () => {
  expect((await own.get('/console/webhook-endpoints')).location).toBe(path)
  expect((await admin.get('/console/webhook-endpoints')).text).toContain('https://hooks.example')
  const stranger = await operator(api, (await api.addOperator()).key)
  for (const each of [path, `${path}/actions/replay`]) expect((await stranger.get(each)).status).toBe(404)
  expect((await own.get(path)).page.querySelectorAll('figure.plot')).toHaveLength(3)
})

it('is switched off and on by an administrator, for a reason', async () => {
  expect((await own.post(`${path}/actions/disable`)).status).toBe(404)
  for (const [kind, enabled] of [
    ['disable', 'false'],
    ['enable', 'true'],
  ]) {
    const form = await admin.get(`${path}/actions/${kind}`)
    const seen = await admin.follow(await admin.post(`${path}/actions/${kind}`, { ...formIn(form), reason: 'a move' }))
    expect([seen.status, fieldIn(seen, 'enabled')]).toEqual([200, enabled])
  }
  const events = await eventsOf(api.store, `noctant.webhookEndpoint-${acme.operatorId}`)
  expect(events.slice(-2).map(({ type }) => type)).toEqual([
    'noctant.WebhookEndpointDisabled.v1',
    'noctant.WebhookEndpointEnabled.v1',
  ])
})

it('is set and its secret made anew by an administrator; each secret is shown once', async () => {
  const other = await api.addOperator()
  const action = `/console/operators/${other.operatorId}/actions/set-webhook`
  const form = await admin.get(action)
  const wrong = await admin.post(action, { ...formIn(form), url: 'https://10.0.0.1/hook' })
  expect([wrong.status, wrong.text.includes('https://10.0.0.1/hook')]).toEqual([400, true])
  const done = await admin.follow(
    await admin.post(action, { ...formIn(form), url: 'http://127.0.0.1:9/hook', types: 'account.opened' }),
  )
  const secret = fieldIn(done, 'signing_secret') ?? ''
  expect([fieldIn(done, 'url_origin'), secret.startsWith('whsec_')]).toEqual(['http://127.0.0.1:9', true])
  const page = `/console/webhook-endpoints/${other.operatorId}`
  expect((await admin.get(page)).text).not.toContain(secret)
  const rotation = await admin.get(`${page}/actions/rotate-secret`)
  const sent = formIn(rotation)
  const rotated = await admin.follow(await admin.post(`${page}/actions/rotate-secret`, sent))
  expect(fieldIn(rotated, 'signing_secret')).toMatch(/^whsec_/)
  expect(fieldIn(rotated, 'signing_secret')).not.toBe(secret)
  const again = await admin.follow(await admin.post(`${page}/actions/rotate-secret`, sent))
  expect(fieldIn(again, 'signing_secret')).toBeUndefined()
})

it('that fails or is off stands on the overview, and what was refused last', async () => {
  const off = await api.addOperator()
  const at = new Date().toISOString()
  const set = {
    kind: 'set',
    operatorId: off.operatorId,
    url: 'https://off.example/hook',
    eventTypes: null,
    at,
  } as const
  await setWebhookEndpoint(api.bus, { ...set, secret: { secretId: randomUUID(), sealed: 'sealed' } }, systemContext())
  const page = `/console/webhook-endpoints/${off.operatorId}`
  await vi.waitFor(async () => expect((await admin.get(page)).status).toBe(200), 10_000)
  const form = await admin.get(`${page}/actions/disable`)
  await admin.follow(await admin.post(`${page}/actions/disable`, { ...formIn(form), reason: 'a move' }))
  const own = await operator(api, off.key)
  await api.call('GET', `/v1/users/${randomUUID()}`, { key: off.key })
  const overview = await own.get('/console')
  expect(overview.page.querySelector('.wrong')?.text).toMatch(/https:\/\/off\.example is disabled/)
  expect(overview.page.querySelector('main')?.text).toMatch(
    /404 GET \/noctant\/v1\/users\/:global_user_id user_not_found/,
  )
})

it('is told again what happened in a window, by the number that was counted', async () => {
  const window = { from: '2020-01-01 00:00', to: '2020-06-01 00:00' }
  const action = `${path}/actions/replay`
  const tooLong = await own.get(`${action}?${new URLSearchParams(window)}`)
  expect(tooLong.page.querySelector('[role=alert]')?.text).toMatch(/at most \d+ days/)
  const now = Date.now()
  const near = { from: new Date(now - 3_600_000).toISOString(), to: new Date(now + 60_000).toISOString() }
  const counted = await vi.waitFor(async () => {
    const seen = await own.get(`${action}?${new URLSearchParams(near)}`)
    expect(seen.page.querySelector('.says strong')?.text).toMatch(/^[1-9]\d* events/)
    return seen
  }, 10_000)
  const count = counted.page.querySelector('.says strong')?.text.split(' ')[0] ?? ''
  const form = { ...formIn(counted), ...near }
  expect((await own.post(action, { ...form, confirm: '999' })).status).toBe(409)
  const seen = await own.follow(await own.post(action, { ...form, confirm: count }))
  expect(seen.page.querySelector('.message')?.text).toContain(`${count} events are on their way again.`)
})
