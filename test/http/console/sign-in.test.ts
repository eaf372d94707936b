/** Ways into the console and out of it: keys, links, sessions, and forms that come from elsewhere. */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { session } from '../../../src/commands/console/session.ts'
import { type Api, startApi } from '../api.ts'
import type { TestOperator } from '../noctant/serving.ts'
import { administrator, headingOf, newVisitor, operator, titleOf } from './browsing.ts'

let api: Api
let acme: TestOperator
const hours = { now: 0 }
const clock = () => new Date(Date.now() + hours.now * 3_600_000)

beforeAll(async () => {
  api = await startApi({ limits: { authFailuresPerMinuteMax: 30 }, consoleClock: clock })
  acme = await api.addOperator()
})
afterAll(() => api.stop())

describe('without a session', () => {
  it.each(['/console', '/console/noctant/accounts?limit=25', '/console/nothing/there'])(
    '%s leads to the sign-in',
    async (path) => {
      const { status, location } = await newVisitor(api.url).get(path)
      expect(status).toBe(303)
      expect(location).toBe(
        path === '/console' ? '/console/sign-in' : `/console/sign-in?to=${encodeURIComponent(path)}`,
      )
    },
  )

  it('a part that is asked for anew says where to go, and brings no page', async () => {
    const { status, headers, text } = await newVisitor(api.url).get('/console?part=cards')
    expect([status, headers.get('hx-redirect'), text]).toEqual([401, '/console/sign-in', ''])
  })

  it('a form does nothing', async () => {
    const { status, location } = await newVisitor(api.url).post('/console/sessions/x/actions/end')
    expect([status, location.startsWith('/console/sign-in')]).toEqual([303, true])
  })
})

describe('with a key', () => {
  it('one is where one wanted to go', async () => {
    const visitor = newVisitor(api.url)
    const form = await visitor.get('/console/sign-in?to=%2Fconsole%2Fsettings')
    expect(form.status).toBe(200)
    expect(form.page.querySelector('input[name=to]')?.getAttribute('value')).toBe('/console/settings')
    const key = form.page.querySelector('input[name=key]')
    expect(key?.getAttribute('autocomplete')).toBe('off')
    expect(form.page.querySelector('label[for=key]')?.text).toBe('Key')
    expect(form.page.querySelector('main button')?.text).toBe('Sign in')
    const done = await visitor.post('/console/sign-in', { key: acme.key, to: '/console/settings' })
    expect([done.status, done.location]).toEqual([303, '/console/settings'])
    expect(titleOf(await visitor.follow(done))).toBe('Settings · opslog')
  })

  it.each([
    'https://evil.example/',
    '//evil.example/console',
    '/console//evil.example',
    '/console/../docs',
    '/consoles',
    '/docs',
  ])('nobody is led to %s', async (to) => {
    const done = await newVisitor(api.url).post('/console/sign-in', { key: acme.key, to })
    expect([done.status, done.location]).toEqual([303, '/console'])
  })

  it('gives a cookie of 32 random bytes that scripts cannot read, of which a hash is kept', async () => {
    const visitor = newVisitor(api.url)
    const { headers } = await visitor.post('/console/sign-in', { key: acme.key })
    const [line = ''] = headers.getSetCookie()
    expect(line).toMatch(/^opslog_console=[\w-]{43}; Max-Age=43200; Path=\/console; HttpOnly; SameSite=Lax$/)
    expect(Buffer.from(visitor.jar.get('opslog_console') ?? '', 'base64url')).toHaveLength(32)
  })

  it('is told that it is wrong, beside its field, and never shown again', async () => {
    const wrong = `${acme.key.slice(0, -1)}${acme.key.endsWith('0') ? '1' : '0'}`
    const seen = await newVisitor(api.url).post('/console/sign-in', { key: wrong })
    expect(seen.status).toBe(401)
    const input = seen.page.querySelector('input[name=key]')
    const said = seen.page.querySelector(`#${input?.getAttribute('aria-describedby')}`)
    expect([input?.getAttribute('aria-invalid'), said?.text]).toEqual([
      'true',
      'The key is unknown, mistyped or revoked.',
    ])
    expect(seen.text).not.toContain(wrong)
    expect(JSON.stringify(api.logged)).not.toContain(wrong)
  })

  it('works at another process too', async () => {
    const visitor = await operator(api, acme.key)
    const elsewhere = newVisitor(api.secondUrl)
    elsewhere.jar.set('opslog_console', visitor.jar.get('opslog_console') ?? '')
    expect((await elsewhere.get('/console')).status).toBe(200)
  })

  it('the session ends with the key, at every process within a second', async () => {
    const { key, keyId } = await api.addKey(acme.operatorId, ['accounts:read'])
    const visitor = await operator(api, key)
    const elsewhere = newVisitor(api.secondUrl)
    elsewhere.jar.set('opslog_console', visitor.jar.get('opslog_console') ?? '')
    await api.administer(acme.operatorId, { kind: 'revokeKey', keyId, reason: null, at: new Date().toISOString() })
    await vi.waitFor(async () => expect((await visitor.get('/console')).status).toBe(303), { timeout: 1_000 })
    await vi.waitFor(async () => expect((await elsewhere.get('/console')).status).toBe(303), { timeout: 1_000 })
  })

  it('of an operator that is suspended says so', async () => {
    const other = await api.addOperator()
    const visitor = await operator(api, other.key)
    await api.administer(other.operatorId, { kind: 'suspend', reason: null, at: new Date().toISOString() })
    await vi.waitFor(async () => expect((await visitor.get('/console')).status).toBe(303))
    const seen = await newVisitor(api.url).post('/console/sign-in', { key: other.key })
    expect([seen.status, headingOf(seen)]).toEqual([403, 'The operator is suspended'])
  })

  it('of an auditor shows what it opens', async () => {
    const { key } = await api.addAuditor(acme.operatorId)
    const { page, status } = await (await operator(api, key)).get('/console')
    expect(status).toBe(200)
    expect(page.querySelectorAll('nav a').map(({ text }) => text)).not.toContain('Accounts')
  })
})

describe('a link for administrators', () => {
  it('shows a button, changes nothing by being looked at, and works once', async () => {
    const path = new URL(await api.addConsoleLink()).pathname
    const [first, second] = [newVisitor(api.url), newVisitor(api.url)]
    for (const _ of [1, 2]) {
      const shown = await first.get(path)
      expect([shown.status, shown.page.querySelector('main button')?.text]).toEqual([200, 'Sign in as administrator'])
      expect(first.jar.size).toBe(0)
    }
    const done = await first.post(path)
    expect([done.status, done.location]).toEqual([303, '/console'])
    expect((await first.follow(done)).status).toBe(200)
    for (const seen of [await second.get(path), await second.post(path), await first.post(path)]) {
      expect([seen.status, seen.text.includes('opslog console')]).toEqual([404, true])
    }
  })

  it('begins one session, however many come at once', async () => {
    const path = new URL(await api.addConsoleLink()).pathname
    const came = await Promise.all([1, 2, 3, 4].map(() => newVisitor(api.url).post(path)))
    expect(came.map(({ status }) => status).toSorted()).toEqual([303, 404, 404, 404])
  })

  it('expires', async () => {
    const path = new URL(await api.addConsoleLink({ ttlMs: 1 })).pathname
    expect((await newVisitor(api.url).post(path)).status).toBe(404)
  })

  it('for looking lets nobody do anything but leave', async () => {
    const visitor = await administrator(api, { isReadOnly: true })
    expect((await visitor.get('/console/sessions')).status).toBe(200)
    expect((await visitor.post('/console/sessions/x/actions/end')).status).toBe(403)
    expect((await visitor.post('/console/nothing')).status).toBe(403)
    expect((await visitor.post('/console/sign-out')).status).toBe(303)
    expect((await visitor.get('/console')).status).toBe(303)
  })
})

describe('a session', () => {
  it('ends when it is signed out of, for every copy of its cookie', async () => {
    const visitor = await operator(api, acme.key)
    const copy = newVisitor(api.url)
    copy.jar.set('opslog_console', visitor.jar.get('opslog_console') ?? '')
    expect((await visitor.post('/console/sign-out')).location).toBe('/console/sign-in')
    expect(visitor.jar.has('opslog_console')).toBe(false)
    await vi.waitFor(async () => expect((await copy.get('/console')).status).toBe(303))
  })

  it('ends with all others of its key', async () => {
    const { key } = await api.addKey(acme.operatorId, ['accounts:read'])
    const [one, two, other] = [await operator(api, key), await operator(api, key), await operator(api, acme.key)]
    await one.post('/console/sign-out/everywhere')
    await vi.waitFor(async () => expect((await two.get('/console')).status).toBe(303))
    expect((await other.get('/console')).status).toBe(200)
  })

  it('that has ended leads from the preferences back to the page that they were set on', async () => {
    const { location } = await newVisitor(api.url).post('/console/preferences', {
      theme: 'dark',
      to: '/console/events',
    })
    expect(location).toBe(`/console/sign-in?to=${encodeURIComponent('/console/events')}`)
  })

  it('ends when it was not used for long, and after its time in any case', async () => {
    const visitor = await operator(api, acme.key)
    try {
      hours.now = 0.9
      expect((await visitor.get('/console')).status).toBe(200)
      hours.now = 1.8
      // Pages that refresh themselves are nobody who uses them.
      expect((await visitor.get('/console?part=cards')).status).toBe(200)
      hours.now = 2
      expect((await visitor.get('/console')).status).toBe(303)
    } finally {
      hours.now = 0
    }
  })

  it('is on record, with who, by which key and from where, and why it ended', async () => {
    const { key, keyId } = await api.addKey(acme.operatorId, ['accounts:read'])
    const visitor = await operator(api, key)
    const row = [...(await sessionsOf(keyId))][0]
    expect(row).toMatchObject({
      audience: 'operator',
      name: acme.operatorId,
      context: 'noctant',
      client_address: '127.0.0.1',
    })
    await visitor.post('/console/sign-out')
    const events = await Array.fromAsync(api.store.readStream(`console.session-${row?.session_id}`))
    expect(events.map(({ type }) => type)).toEqual(['console.SessionStarted.v1', 'console.SessionEnded.v1'])
    expect(events[0]?.metadata.actor).toEqual({ kind: 'operator', id: acme.operatorId, keyId })
    expect(events[1]?.data).toMatchObject({ reason: 'signed_out' })
    expect(JSON.stringify(events.map(({ data, metadata }) => [data, metadata]))).not.toContain(key)
  })

  it('is shown to administrators, who end it', async () => {
    const { key, keyId } = await api.addKey(acme.operatorId, ['accounts:read'])
    const [visitor, admin] = [await operator(api, key), await administrator(api)]
    const { session_id: id } = [...(await sessionsOf(keyId))][0] ?? { session_id: '' }
    expect((await admin.get('/console/sessions')).text).toContain(id)
    const form = await admin.get(`/console/sessions/${id}/actions/end`)
    const key1 = form.page.querySelector('input[name=idempotency_key]')?.getAttribute('value') ?? ''
    const done = await admin.post(`/console/sessions/${id}/actions/end`, { idempotency_key: key1 })
    expect([done.status, done.location.startsWith('/console/sessions?done=')]).toEqual([303, true])
    expect((await admin.follow(done)).page.querySelector('[role=status].message')?.text).toContain(
      'The session has ended.',
    )
    await vi.waitFor(async () => expect((await visitor.get('/console')).status).toBe(303))
    const state = await api.bus.current(session, id)
    expect(state.status).toBe('ended')
  })

  const sessionsOf = (keyId: string) =>
    vi.waitFor(async () => {
      const { listSessions } = await import('../../../src/projections/console/session.ts')
      const rows = (await listSessions(api.db, clock().toISOString())).filter(({ key_id }) => key_id === keyId)
      expect(rows).toHaveLength(1)
      return rows
    })
})

describe('forms', () => {
  it.each([
    [{ 'sec-fetch-site': 'cross-site' }, 403],
    [{ 'sec-fetch-site': 'same-site' }, 403],
    [{ 'sec-fetch-site': 'none' }, 403],
    [{ origin: 'https://evil.example' }, 403],
    [{}, 403],
  ])('with %o are answered with %i', async (headers, status) => {
    const seen = await newVisitor(api.url).post(
      '/console/sign-in',
      { key: acme.key },
      headers as Record<string, string>,
    )
    expect([seen.status, seen.page.querySelector('a[href="/docs/problems/form_foreign"]') !== null]).toEqual([
      status,
      true,
    ])
  })

  it('of our own origin are taken where the browser says no more', async () => {
    const seen = await newVisitor(api.url).post('/console/sign-in', { key: acme.key }, { origin: api.url })
    expect(seen.status).toBe(303)
  })
})

it('an address that tries wrong keys is put off', async () => {
  const tries = []
  for (let count = 0; count < 31; count++)
    tries.push(await newVisitor(api.url).post('/console/sign-in', { key: 'nct_wrong' }))
  const last = tries.at(-1)
  expect([last?.status, Number(last?.headers.get('retry-after')) > 0]).toEqual([429, true])
})
