/** The frame of every page: headers, landmarks, navigation, preferences, files, the way in at the root, and finding. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Api, startApi } from '../api.ts'
import { accountRequest, type TestOperator } from '../noctant/serving.ts'
import { administrator, headingOf, newVisitor, operator, titleOf, type Visitor } from './browsing.ts'

let api: Api
let acme: TestOperator
let admin: Visitor
let own: Visitor
beforeAll(async () => {
  api = await startApi()
  acme = await api.addOperator()
  ;[admin, own] = await Promise.all([administrator(api), operator(api, acme.key)])
})
afterAll(() => api.stop())

const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

describe('every page', () => {
  it.each([
    '/console/sign-in',
    '/console',
    '/console/settings',
    '/console/nothing',
    `/console/enter/${'x'.repeat(43)}`,
  ])('%s has the headers', async (path) => {
    const { headers } = await admin.get(path)
    expect(Object.fromEntries(headers)).toMatchObject({
      'content-security-policy': POLICY,
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
      'cross-origin-opener-policy': 'same-origin',
    })
  })

  it('has its landmarks, and the skip link comes first', async () => {
    const { page, text } = await admin.get('/console')
    const [first] = page.querySelectorAll('body a')
    expect([first?.text, first?.getAttribute('href')]).toEqual(['Skip to content', '#main'])
    expect(page.querySelectorAll('h1')).toHaveLength(1)
    expect(
      page.querySelectorAll('main#main, nav[aria-label="Main"], header, form[role=search] input[name=q]'),
    ).toHaveLength(4)
    expect(titleOf({ page })).toBe('Overview · opslog')
    expect(text).not.toMatch(/ (style|on\w+|hx-on[\w:-]*|hx-vals)="/)
  })

  it('leads on in groups, and to nothing that is not for the viewer', async () => {
    const links = async (visitor: Visitor) =>
      (await visitor.get('/console')).page.querySelectorAll('nav a').map((link) => link.getAttribute('href'))
    const all = await links(admin)
    expect(all).toEqual(
      expect.arrayContaining(['/console', '/console/noctant/accounts', '/console/events', '/console/sessions']),
    )
    const some = await links(own)
    expect(some).toContain('/console/noctant/accounts')
    for (const path of ['/console/sessions', '/console/health', '/console/operators']) {
      expect(some).not.toContain(path)
      expect([path, (await own.get(path)).status]).toEqual([path, 404])
    }
    const groups = (await admin.get('/console')).page.querySelectorAll('nav h2').map(({ text }) => text)
    expect(groups).toEqual(['Overview', 'Operate', 'Audit', 'Run', 'Administer'])
  })

  it('of an address that does not exist is one too', async () => {
    const seen = await own.get('/console/nothing/here')
    expect([seen.status, headingOf(seen)]).toEqual([404, 'There is no such page'])
    expect(seen.page.querySelector('nav[aria-label="Main"]')).not.toBeNull()
  })

  it('looks as the viewer has chosen, from its first byte', async () => {
    const visitor = await operator(api, acme.key)
    expect((await visitor.get('/console')).page.querySelector('html')?.getAttribute('data-theme')).toBe('system')
    const done = await visitor.post('/console/preferences', {
      theme: 'dark',
      times: 'local',
      keys: 'off',
      to: '/console/settings',
    })
    expect([done.status, done.location]).toEqual([303, '/console/settings'])
    const { attributes } = (await visitor.get('/console')).page.querySelector('html') ?? {}
    expect(attributes).toMatchObject({ 'data-theme': 'dark', 'data-times': 'local', 'data-keys': 'off' })
    await visitor.post('/console/preferences', { theme: 'purple' })
    expect((await visitor.get('/console')).page.querySelector('html')?.getAttribute('data-theme')).toBe('dark')
  })
})

it('scripts and styles are ours, kept for good, small, and compressed', async () => {
  const { page } = await admin.get('/console')
  const addresses = page
    .querySelectorAll('script[src], link[rel=stylesheet]')
    .map((each) => each.getAttribute('src') ?? each.getAttribute('href') ?? '')
  expect(addresses.length).toBeGreaterThan(2)
  for (const address of addresses) {
    expect(address).toMatch(/^\/console\/static\/[0-9a-f]{12}\.[a-z]+\.(js|css)$/)
    const { status, headers } = await newVisitor(api.url).get(address, { 'accept-encoding': 'gzip' })
    expect([status, headers.get('cache-control')]).toEqual([200, 'public, max-age=31536000, immutable'])
    expect(headers.get('content-encoding')).toBe('gzip')
  }
  expect((await newVisitor(api.url).get('/console/static/0.console.js')).status).toBe(404)
})

describe('the root', () => {
  it('is a page for people', async () => {
    const { status, page } = await newVisitor(api.url).get('/')
    expect(status).toBe(200)
    const links = page.querySelectorAll('a').map((link) => link.getAttribute('href'))
    expect(links).toEqual(expect.arrayContaining(['/console', '/docs', '/docs/problems', '/readyz']))
    expect(page.querySelector('pre')?.text).toMatch(/^curl /)
  })

  it('names its addresses to programs', async () => {
    const { text, headers } = await newVisitor(api.url).get('/', { accept: 'application/json' })
    expect(headers.get('content-type')).toMatch(/^application\/json/)
    expect(JSON.parse(text)).toEqual({
      name: 'opslog',
      version: expect.stringMatching(/^\d+\.\d+\.\d+/),
      links: {
        ...{ console: '/console', docs: '/docs', problems: '/docs/problems', readyz: '/readyz', metrics: '/metrics' },
        openapi: expect.arrayContaining(['/noctant/openapi.json', '/audit/openapi.json']),
      },
    })
  })
})

describe('the box that finds', () => {
  let account: Record<string, string>
  beforeAll(async () => {
    await api.call('POST', '/v1/users', { key: acme.key, body: { external_id: 'trader-1' } })
    const { body } = await api.call('POST', '/v1/accounts', { key: acme.key, body: accountRequest('ACC-FIND-1') })
    account = body.account
    await api.call('POST', '/v1/accounts', { key: acme.key, body: accountRequest('ACC-FIND-2') })
  })

  const find = (visitor: Visitor, text: string) => visitor.get(`/console/find?q=${encodeURIComponent(text)}`)

  it.each(['account_id', 'program_account_id', 'external_account_id', 'account_number'])(
    'goes where an account’s %s leads',
    async (name) => {
      const seen = await find(own, account[name] ?? '')
      expect([seen.status, seen.location]).toEqual([303, `/console/noctant/accounts/${account.account_id}`])
    },
  )

  it('takes the beginning of an id', async () => {
    const seen = await find(admin, account.account_id?.slice(0, 8) ?? '')
    expect([seen.status, seen.location]).toEqual([303, `/console/noctant/accounts/${account.account_id}`])
  })

  it.each([
    ['a stream', () => `noctant.account-${account.program_account_id}`, '/console/streams/'],
    ['an operator', () => acme.operatorId, '/console/operators/'],
    ['a key', () => acme.keyId, '/console/keys/'],
  ])('goes to %s', async (_, text, path) => {
    const seen = await find(admin, text())
    expect([seen.status, seen.location]).toEqual([303, `${path}${text()}`])
  })

  it('says what it has looked through where it finds nothing', async () => {
    const seen = await find(own, 'nobody knows <this>')
    expect(seen.status).toBe(404)
    expect(seen.page.querySelector('main')?.text).toContain('Nothing is known of “nobody knows <this>”')
    expect(seen.page.querySelector('main')?.text).toMatch(/Searched: .*accounts.*users/)
  })

  it('finds nothing of others', async () => {
    const other = await operator(api, (await api.addOperator()).key)
    expect((await find(other, account.account_id ?? '')).status).toBe(404)
    expect((await other.get(`/console/noctant/accounts/${account.account_id}`)).status).toBe(404)
  })
})
