/** Signing in: links and codes, sessions and their cookies, new accounts and claimed ones. */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { account } from '../../../src/commands/rungate/account.ts'
import { eventually } from '../../projections/support.ts'
import { type Api, startApi, systemContext } from '../api.ts'
import { addToken, registered } from './accounts.ts'
import { askForLink, cookieOf, lastMail, mailsTo, newEmail, newMember, newOwner, signIn, withCookie } from './people.ts'

let api: Api
let later = 0
const clock = () => new Date(Date.now() + later)
beforeAll(async () => {
  api = await startApi({ governClock: clock })
})
afterAll(() => api.stop())

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
/** The time moves on for what the test does. */
async function whenPast<T>(ms: number, work: () => Promise<T>): Promise<T> {
  later += ms
  try {
    return await work()
  } finally {
    later -= ms
  }
}

const verify = (body: object, headers = {}) => api.govern('POST', '/auth/verify', { body, headers })
const whoAmI = (cookie: string) => api.govern('GET', '/auth/session', withCookie(cookie))
const setAccount = (id: string, kind: 'suspend' | 'resume') =>
  api.bus.handle(account, id, { kind, reason: null, at: new Date().toISOString() }, systemContext())

describe('a link', () => {
  it('signs in once, by its token or by its code with the address, whatever its case', async () => {
    const email = newEmail()
    const { token, text } = await askForLink(api, email)
    expect(text).toContain(`/rungate/login#token=${token}`)
    expect(token).toMatch(/^[0-9a-f]{64}$/)
    const first = await verify({ token })
    expect([first.status, first.body]).toStrictEqual([200, { data: { isNewUser: true } }])
    expect((await verify({ token })).status).toBe(401)
    const { code } = await askForLink(api, email)
    expect(code).toMatch(/^\d{6}$/)
    expect((await verify({ code, email: email.toUpperCase() })).status).toBe(200)
    expect((await verify({ code, email })).status).toBe(401)
  })

  it('is refused with one text, whether it is wrong, used, expired, or of nobody', async () => {
    const email = newEmail()
    const { token, code } = await askForLink(api, email)
    const expired = await whenPast(15 * 60_000, () => verify({ token }))
    const wrong = await verify({ email, code: code === '000000' ? '000001' : '000000' })
    await verify({ token })
    const refused = [expired, wrong, await verify({ token }), await verify({ token: 'x' })]
    refused.push(await verify({ email: newEmail(), code: '000000' }))
    for (const { status, body } of refused) expect([status, body]).toStrictEqual([401, refused[0]?.body])
    expect(refused[0]?.body).toStrictEqual({ error: { type: 'unauthorized', message: expect.any(String) } })
  })

  it('is gone after five wrong codes, and when a newer one is asked for', async () => {
    const email = newEmail()
    const first = await askForLink(api, email)
    const second = await askForLink(api, email)
    expect((await verify({ token: first.token })).status).toBe(401)
    const wrong = second.code === '000000' ? '000001' : '000000'
    for (let guess = 0; guess < 5; guess++) expect((await verify({ email, code: wrong })).status).toBe(401)
    expect((await verify({ email, code: second.code })).status).toBe(401)
    expect((await verify({ token: second.token })).status).toBe(401)
  })

  it.each(['token', 'code'] as const)('is good for one of 50 who use its %s at once, on two processes', async (by) => {
    const email = newEmail()
    const { token, code } = await askForLink(api, email)
    const body = by === 'token' ? { token } : { code, email }
    const uses = Array.from({ length: 50 }, (_, index) =>
      (index % 2 === 0 ? api.govern : api.governSecond)('POST', '/auth/verify', { body }),
    )
    const statuses = (await Promise.all(uses)).map(({ status }) => status)
    expect(statuses.filter((status) => status === 200)).toHaveLength(1)
    expect(new Set(statuses)).toStrictEqual(new Set([200, 401]))
  })

  it('needs a token, or a code with its address', async () => {
    expect((await verify({})).body.error.fields).toStrictEqual({ token: expect.any(String) })
    expect((await verify({ code: '123456' })).body.error.fields).toStrictEqual({ email: expect.any(String) })
  })
})

describe('asking for a link', () => {
  it('is answered and recorded the same for known, unknown and suspended addresses', async () => {
    const [known, suspended] = [await newOwner(api), await newOwner(api)]
    await setAccount(suspended.accountId, 'suspend')
    const ask = async (email: string) => {
      const answer = await api.govern('POST', '/auth/start', { body: { email } })
      const headers = [...answer.headers.keys()].sort()
      const [mail] = await mailsTo(api, email)
      return { status: answer.status, body: answer.body, headers, mail: mail?.purpose }
    }
    const unknown = await ask(newEmail())
    expect(unknown).toMatchObject({ status: 200, body: { data: { devMode: true } }, mail: 'login' })
    expect(await ask(known.email)).toStrictEqual(unknown)
    expect(await ask(suspended.email)).toStrictEqual(unknown)
  })

  it.each(['', 'ada', 'ada@', '@example.com', 'ada@example', 'a b@example.com', `${'x'.repeat(250)}@example.com`])(
    'refuses the address %j',
    async (email) => {
      const { status, body } = await api.govern('POST', '/auth/start', { body: { email } })
      expect([status, Object.keys(body.error.fields)]).toStrictEqual([400, ['email']])
    },
  )

  it('says that mails are kept here', async () => {
    expect((await api.govern('GET', '/auth/config')).body).toStrictEqual({ data: { devMode: true } })
  })
})

describe('a session', () => {
  it('has a cookie that scripts and other sites do not get, and that says nothing', async () => {
    const { token } = await askForLink(api, newEmail())
    const answer = await verify({ token })
    const [cookie = ''] = answer.headers.getSetCookie()
    expect(cookie).toMatch(/^rungate_session=[\w-]{43}; /)
    const attributes = cookie.split('; ').slice(1).sort()
    expect(attributes).toStrictEqual(['HttpOnly', 'Max-Age=604800', 'Path=/rungate', 'SameSite=Lax'])
    expect(answer.headers.get('cache-control')).toBe('no-store')
  })

  it('of an address without an account is pending: it has no scopes, and the dashboard is closed to it', async () => {
    const email = newEmail()
    const { cookie } = await signIn(api, email)
    const { body } = await whoAmI(cookie)
    expect(body.data).toMatchObject({ account: { status: 'pending', email, name: '', slug: '' }, scopes: [] })
    const closed = await api.govern('GET', '/api/account', withCookie(cookie))
    expect([closed.status, closed.body]).toStrictEqual([401, { error: 'Authentication required' }])
  })

  it('is one of two that a person has in two browsers, and each is listed and ended alone', async () => {
    const owner = await newOwner(api)
    const { cookie: other } = await signIn(api, owner.email)
    const listed = await api.govern('GET', '/api/sessions', withCookie(other))
    expect(listed.body.total).toBe(2)
    const [newest] = listed.body.data
    expect(newest).toMatchObject({ account_id: owner.accountId, ip_address: '127.0.0.1', last_active_at: null })
    expect((await api.govern('DELETE', `/api/sessions/${newest.id}`, withCookie(owner.cookie))).status).toBe(204)
    expect((await api.govern('GET', '/api/account', withCookie(other))).status).toBe(401)
    expect((await api.govern('GET', '/api/account', withCookie(owner.cookie))).status).toBe(200)
    const again = await api.govern('DELETE', `/api/sessions/${newest.id}`, withCookie(owner.cookie))
    expect(again.status).toBe(404)
  })

  it('that was revoked is refused by every process within a second', async () => {
    const owner = await newOwner(api)
    const { cookie } = await signIn(api, owner.email)
    const [{ id }] = (await api.govern('GET', '/api/sessions', withCookie(cookie))).body.data
    await api.govern('DELETE', `/api/sessions/${id}`, withCookie(cookie))
    await eventually(
      async () => expect((await api.governSecond('GET', '/api/account', withCookie(cookie))).status).toBe(401),
      1_000,
    )
  })

  it('ends with its sign-out, which is harmless without one', async () => {
    const { cookie } = await newOwner(api)
    const out = await api.govern('POST', '/auth/logout', withCookie(cookie))
    expect([out.status, cookieOf(out)]).toStrictEqual([204, ''])
    expect(out.headers.getSetCookie()[0]).toContain('Max-Age=0')
    expect((await whoAmI(cookie)).status).toBe(401)
    expect((await api.govern('POST', '/auth/logout', withCookie(cookie))).status).toBe(204)
    expect((await api.govern('POST', '/auth/logout')).status).toBe(204)
  })

  it('ends after seven days without use, and is prolonged by use once an hour', async () => {
    const { cookie } = await newOwner(api)
    const get = () => api.govern('GET', '/api/account', withCookie(cookie))
    expect(cookieOf(await get())).toBe('')
    const prolonged = await whenPast(HOUR_MS, async () => [await get(), await get()])
    expect(prolonged.map(cookieOf)).toStrictEqual([cookie, ''])
    await eventually(async () => {
      const seen = await whenPast(7 * DAY_MS + HOUR_MS / 2, get)
      expect(seen.status).toBe(200)
    })
    expect((await whenPast(15 * DAY_MS, get)).status).toBe(401)
  })

  it('signs no change that a page of another site asks for', async () => {
    const { cookie } = await newOwner(api)
    const { host } = new URL(api.url)
    const rename = (headers: Record<string, string>) =>
      api.govern('PUT', '/api/account', { ...withCookie(cookie, headers), body: { name: 'Acme' } })
    expect((await rename({ origin: `http://${host}` })).status).toBe(200)
    for (const [name, value] of [
      ['origin', 'https://evil.example'],
      ['origin', 'null'],
      ['sec-fetch-site', 'cross-site'],
    ] as const) {
      const { status, body } = await rename({ [name]: value })
      expect([status, body.error.type]).toStrictEqual([403, 'forbidden'])
    }
    const read = await api.govern('GET', '/api/account', withCookie(cookie, { origin: 'https://evil.example' }))
    expect(read.status).toBe(200)
    const out = await api.govern('POST', '/auth/logout', withCookie(cookie, { origin: 'https://evil.example' }))
    expect(out.status).toBe(403)
  })

  it('does not help where a bearer token is sent beside it', async () => {
    const { cookie, token } = await newOwner(api)
    const both = (key: string) => api.govern('GET', '/api/account', { key, ...withCookie(cookie) })
    expect((await both(token)).status).toBe(200)
    expect((await both('rg_adm_nothing')).status).toBe(401)
    expect((await api.govern('GET', '/api/account', { key: cookie })).status).toBe(401)
  })

  it('of a suspended account opens nothing, nor does a link that was sent before', async () => {
    const owner = await newOwner(api)
    const { token } = await askForLink(api, owner.email)
    await setAccount(owner.accountId, 'suspend')
    await eventually(async () => {
      expect((await api.govern('GET', '/api/account', withCookie(owner.cookie))).status).toBe(401)
    })
    expect((await whoAmI(owner.cookie)).status).toBe(401)
    expect((await verify({ token })).status).toBe(401)
    await setAccount(owner.accountId, 'resume')
    await eventually(async () => {
      expect((await api.govern('GET', '/api/account', withCookie(owner.cookie))).status).toBe(200)
    })
  })
})

describe('a registration by a person', () => {
  const complete = (cookie: string, body: object) =>
    api.govern('POST', '/auth/complete-registration', { ...withCookie(cookie), body })

  it('makes an account that is the person’s own, with keys that work', async () => {
    const email = newEmail()
    const { cookie } = await signIn(api, email)
    const pending = (await whoAmI(cookie)).body.data.account.id
    const { status, body, headers } = await complete(cookie, { name: 'Hopper Labs' })
    expect(status).toBe(200)
    expect(headers.get('cache-control')).toBe('no-store')
    const { account: made, admin_token: key, agent } = body.data
    expect(made).toMatchObject({ id: pending, status: 'active', email, name: 'Hopper Labs', tier: 'free' })
    expect((await api.govern('GET', '/api/account', { key })).body.data).toMatchObject({ id: made.id, email })
    expect((await api.govern('GET', '/v1/me', { key: agent.api_key })).body.data.id).toBe(agent.id)
    const { data } = (await whoAmI(cookie)).body
    expect(data).toMatchObject({ account: { status: 'active', slug: made.slug }, scopes: ['read', 'write', 'admin'] })
    const members = await api.govern('GET', '/api/members', withCookie(cookie))
    expect(members.body.data).toMatchObject([{ email, role: 'owner', status: 'active', invited_by: null }])
    expect((await signIn(api, email)).isNewUser).toBe(false)
  })

  it('makes one account of 20 requests at once, on two processes', async () => {
    const { cookie } = await signIn(api, newEmail())
    const asked = { ...withCookie(cookie), body: { name: 'Once' } }
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        (index % 2 === 0 ? api.govern : api.governSecond)('POST', '/auth/complete-registration', asked),
      ),
    )
    const statuses = answers.map(({ status }) => status)
    expect(statuses.filter((status) => status === 200)).toHaveLength(1)
    expect(new Set(statuses)).toStrictEqual(new Set([200, 403]))
  })

  it('is for pending sessions alone', async () => {
    const { cookie } = await newOwner(api)
    expect((await complete(cookie, { name: 'Again' })).status).toBe(403)
    expect((await complete('', { name: 'Nobody' })).status).toBe(401)
  })

  it('claims the account of an admin token, once, and makes no secrets', async () => {
    const { token, accountId, slug } = await registered(api)
    const [first, second] = [await signIn(api, newEmail()), await signIn(api, newEmail())]
    const body = { name: 'Grace', admin_token: token }
    const answers = await Promise.all([complete(first.cookie, body), complete(second.cookie, body)])
    expect(answers.map(({ status }) => status).sort()).toStrictEqual([200, 403])
    const [claimed] = answers.filter(({ status }) => status === 200)
    expect(claimed?.body.data).toStrictEqual({
      account: { id: accountId, status: 'active', email: expect.any(String), name: 'Acme', slug, tier: 'free' },
      claimed: true,
    })
    const loser = answers[0]?.status === 200 ? second : first
    expect((await whoAmI(loser.cookie)).body.data.account.status).toBe('pending')
    expect((await complete(loser.cookie, { name: 'My own' })).status).toBe(200)
  })

  it('claims nothing by a token that works not, or may do less', async () => {
    const acme = await registered(api)
    const weak = await addToken(api, acme, ['write'])
    const { cookie } = await signIn(api, newEmail())
    for (const admin_token of [weak.token, `${acme.token}x`, acme.apiKey, 'rg_adm_x']) {
      expect((await complete(cookie, { name: 'Grace', admin_token })).status).toBe(403)
    }
    const claimed = await newOwner(api)
    expect((await complete(cookie, { name: 'Grace', admin_token: claimed.token })).status).toBe(403)
  })
})

describe('limits', () => {
  it('hold for a caller, for an address known or not, and for codes that are tried', async () => {
    const limited = await startApi({
      peopleLimits: { loginsPerCallerMax: 8, loginsPerEmailMax: 3, verificationsMax: 3 },
    })
    try {
      const email = newEmail()
      const ask = async (to: string) => (await limited.govern('POST', '/auth/start', { body: { email: to } })).status
      expect([await ask(email), await ask(email), await ask(email)]).toStrictEqual([200, 200, 200])
      expect(await ask(email.toUpperCase())).toBe(429)
      for (let other = 0; other < 4; other++) expect(await ask(newEmail())).toBe(200)
      const refused = await limited.govern('POST', '/auth/start', { body: { email: newEmail() } })
      expect([refused.status, refused.body.error.type]).toStrictEqual([429, 'rate_limited'])
      expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
      const tries = await Promise.all(
        Array.from({ length: 5 }, () => limited.govern('POST', '/auth/verify', { body: { token: randomUUID() } })),
      )
      expect(tries.map(({ status }) => status).sort()).toStrictEqual([401, 401, 401, 429, 429])
    } finally {
      await limited.stop()
    }
  })

  it('hold for the whole installation, and without mails nothing that needs one is done', async () => {
    const quiet = await startApi({ peopleLimits: { loginsMax: 1 } })
    const off = await startApi({ mailWay: 'off' })
    try {
      const ask = async (of: Api) => (await of.govern('POST', '/auth/start', { body: { email: newEmail() } })).status
      expect([await ask(quiet), await ask(quiet)]).toStrictEqual([200, 429])
      expect(await ask(off)).toBe(503)
      expect((await off.govern('GET', '/auth/config')).body.data.devMode).toBe(false)
      const { token } = await registered(off)
      const body = { email: newEmail(), role: 'viewer' }
      expect((await off.govern('POST', '/api/invitations', { key: token, body })).status).toBe(503)
    } finally {
      await Promise.all([quiet.stop(), off.stop()])
    }
  })
})

describe('a member', () => {
  it('has the scopes of its role, at once when that changes', async () => {
    const owner = await newOwner(api)
    const member = await newMember(api, owner, 'member')
    expect((await whoAmI(member.cookie)).body.data.scopes).toStrictEqual(['read', 'write'])
    await api.govern('PATCH', `/api/members/${member.memberId}`, {
      ...withCookie(owner.cookie),
      body: { role: 'viewer' },
    })
    await eventually(async () => expect((await whoAmI(member.cookie)).body.data.scopes).toStrictEqual(['read']))
    expect((await lastMail(api, member.email)).purpose).toBe('invitation')
  })
})
