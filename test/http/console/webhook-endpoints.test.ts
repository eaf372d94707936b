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
