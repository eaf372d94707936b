/** The requests that a process has answered last: an operator's own, and everybody's to administrators. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { eventually } from '../../projections/support.ts'
import { type Api, startApi } from '../api.ts'
import type { TestOperator } from '../noctant/serving.ts'
import { administrator, fieldIn, operator } from './browsing.ts'

let api: Api
let acme: TestOperator
let other: TestOperator
beforeAll(async () => {
  api = await startApi()
  ;[acme, other] = await Promise.all([api.addOperator(), api.addOperator()])
  // The first may come before the read models have the operator, and is 404 then.
  await eventually(async () => expect((await api.call('GET', '/v1/me', { key: acme.key })).status).toBe(200))
  await api.call('GET', '/v1/accounts/by-external-id?external_account_id=nothing', { key: acme.key })
  await api.call('POST', '/v1/users', { key: other.key, body: { external_id: 'trader-1' } })
})
afterAll(() => api.stop())

const routesFor = async (visitor: Awaited<ReturnType<typeof administrator>>, query = '') => {
  const { page } = await visitor.get(`/console/requests${query}`)
  return page.querySelectorAll('[data-column=route]').map(({ text }) => text)
}

it('are shown to whoever asked, and all of them to administrators', async () => {
  const [admin, own] = [await administrator(api), await operator(api, acme.key)]
  expect(await routesFor(admin)).toEqual(expect.arrayContaining(['/noctant/v1/me', '/noctant/v1/users']))
  const routes = await routesFor(own)
  expect(routes).toContain('/noctant/v1/me')
  expect(routes).not.toContain('/noctant/v1/users')
  expect(routes.filter((route) => route.startsWith('/console'))).toEqual([])
})

it('can be filtered, and one of them names the code that it was refused with', async () => {
  const own = await operator(api, acme.key)
  const route = '/noctant/v1/accounts/by-external-id'
  expect(new Set(await routesFor(own, '?status=2xx&route=%2Fme'))).toEqual(new Set(['/noctant/v1/me']))
  expect(await routesFor(own, '?status=5xx')).toEqual([])
  expect(await routesFor(own, '?code=account_not_found')).toEqual([route])
  const { page } = await own.get('/console/requests?code=account_not_found')
  const href = page.querySelector('main tbody a')?.getAttribute('href') ?? ''
  const seen = await own.get(href)
  expect([seen.status, fieldIn(seen, 'status'), fieldIn(seen, 'code')]).toEqual([200, '404', 'account_not_found'])
  const stranger = await operator(api, other.key)
  expect((await stranger.get(href)).status).toBe(404)
})

it('are as many as those of any list, so that the page stays small', async () => {
  const own = await operator(api, acme.key)
  for (let asked = 0; asked < 60; asked += 1) await api.call('GET', '/v1/me', { key: acme.key })
  expect(await routesFor(own, '?route=%2Fme')).toHaveLength(50)
  expect(await routesFor(own, '?route=%2Fme&limit=25')).toHaveLength(25)
  expect((await routesFor(own, '?route=%2Fme&limit=100')).length).toBeGreaterThanOrEqual(60)
})
