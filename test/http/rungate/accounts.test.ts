/** Accounts over HTTP: registration, credentials by address, tokens and their scopes, suspension. */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { account } from '../../../src/commands/rungate/account.ts'
import { eventually } from '../../projections/support.ts'
import { type Api, startApi, systemContext } from '../api.ts'
import { type Account, addToken, registered } from './accounts.ts'

/** More than the other tests make. */
const REGISTRATIONS_MAX = 25

let api: Api
let acme: Account
let other: Account
beforeAll(async () => {
  api = await startApi({ registrationsPerHourMax: REGISTRATIONS_MAX })
  acme = await registered(api)
  other = await registered(api)
})
afterAll(() => api.stop())

const SIGN_IN = { error: 'Authentication required' }
const me = (headers: Record<string, string>) => api.govern('GET', '/v1/me', { headers })

describe('a registration', () => {
  it('makes an account with a token, a policy and an agent that work at once, on every process', async () => {
    const { body } = await api.govern('GET', '/api/account', { key: acme.token })
    expect(body.data).toMatchObject({ id: acme.accountId, slug: acme.slug, tier: 'free', is_hosted: false })
    expect(acme.token).toMatch(/^rg_adm_[0-9A-Za-z]{66}$/)
    expect(acme.apiKey).toMatch(/^rg_sk_[0-9A-Za-z]{66}$/)
    const agents = await api.governSecond('GET', '/api/agents', { key: acme.token })
    expect(agents.body).toMatchObject({
      data: [{ id: acme.agentId, name: acme.slug, policy_id: acme.policyId, created_by: 'system' }],
      total: 1,
    })
    const tokens = await api.govern('GET', '/api/admin-tokens', { key: acme.token })
    expect(tokens.body.data).toMatchObject([
      { name: 'registration', scopes: ['admin'], token_prefix: acme.token.slice(0, 11) },
    ])
  })

  it('takes a slug that is free, and makes another one of a name that is not', async () => {
    const slug = `x-${randomUUID().slice(0, 8)}`
    expect((await registered(api, { slug })).slug).toBe(slug)
    const taken = await api.govern('POST', '/v1/register', { body: { name: 'Acme', slug } })
    expect([taken.status, Object.keys(taken.body.error.fields)]).toStrictEqual([400, ['slug']])
    expect([acme.slug, other.slug]).toStrictEqual(['acme', 'acme-2'])
  })

  it.each(['ab', 'Acme', 'admin', '-acme', 'acme_1', 'x'.repeat(51)])('refuses the slug %s', async (slug) => {
    const refused = await api.govern('POST', '/v1/register', { body: { name: 'Acme', slug } })
    expect(refused.status).toBe(400)
    expect(refused.body.error).toMatchObject({ type: 'validation_error', fields: { slug: expect.any(String) } })
  })
})

describe('an address', () => {
  it('of the dashboard is closed to everything but a token that works, with one body', async () => {
    const keys = [undefined, acme.apiKey, `${acme.token}x`, 'rg_adm_nothing', `${acme.token.slice(0, -1)}_`]
    for (const key of keys) {
      const refused = await api.govern('GET', '/api/account', key === undefined ? {} : { key })
      expect([refused.status, refused.body]).toStrictEqual([401, SIGN_IN])
      expect(refused.headers.get('www-authenticate')).toMatch(/^Bearer realm="rungate"/)
    }
  })

  it('of agents takes the key as a bearer token or as x-api-key, and two that differ not at all', async () => {
    expect((await me({ authorization: `Bearer ${acme.apiKey}` })).body.data.id).toBe(acme.agentId)
    expect((await me({ 'x-api-key': acme.apiKey })).body.data).toMatchObject({
      ...{ id: acme.agentId, policy_name: 'default', allowed_models: null, budget_hard_limit_usd: null },
    })
    const both = { authorization: `Bearer ${acme.apiKey}`, 'x-api-key': acme.apiKey }
    expect((await me(both)).status).toBe(200)
    const refusals = [{ ...both, 'x-api-key': other.apiKey }, { authorization: `Bearer ${acme.token}` }, {}]
    for (const headers of refusals) {
      const refused = await me(headers as Record<string, string>)
      expect([refused.status, refused.body.error.type]).toStrictEqual([401, 'unauthorized'])
      expect(refused.headers.get('www-authenticate')).toMatch(/^Bearer realm="rungate"/)
    }
  })

  it('without a need to sign in says what there is', async () => {
    const found = await api.govern('GET', '/v1')
    expect(found.body.endpoints).toContainEqual(expect.objectContaining({ method: 'GET', path: '/rungate/v1/me' }))
    const health = await api.govern('GET', '/health')
    expect(health.body).toMatchObject({ status: 'healthy', storage: 'connected', active_runs: 0 })
    expect(health.body.agents_count).toBeGreaterThanOrEqual(2)
    const guide = await fetch(`${api.url}/rungate/docs/guides/setup`)
    expect([guide.status, guide.headers.get('content-type')]).toStrictEqual([200, 'text/markdown; charset=utf-8'])
    expect(await guide.text()).toContain(`${api.url}/rungate/v1/register`)
    for (const name of ['other', 'setup.md', '..%2fsetup']) {
      expect((await api.govern('GET', `/docs/guides/${name}`)).status).toBe(404)
    }
  })

  it('of the document answers the same bytes as the other one', async () => {
    const [one, two] = await Promise.all(
      ['/rungate/openapi.json', '/rungate/api/openapi.json'].map(async (path) => (await fetch(api.url + path)).text()),
    )
    expect(one).toBe(two)
  })
})

describe('an admin token', () => {
  it('makes none that may do more, and one that reads changes nothing', async () => {
    const writer = await addToken(api, acme, ['write'])
    const beyond = { key: writer.token, body: { name: 'more', scopes: ['admin'] } }
    expect((await api.govern('POST', '/api/admin-tokens', beyond)).status).toBe(403)
    const reader = await addToken(api, acme, ['read'])
    expect((await api.govern('GET', '/api/policies', { key: reader.token })).status).toBe(200)
    const refused = await api.govern('POST', '/api/policies', { key: reader.token, body: { name: 'mine' } })
    expect([refused.status, refused.body.error.type]).toStrictEqual([403, 'forbidden'])
    expect((await api.govern('PUT', '/api/account', { key: writer.token, body: { name: 'A' } })).status).toBe(403)
    const agent = `/api/agents/${acme.agentId}`
    expect((await api.govern('PATCH', agent, { key: writer.token, body: { member_id: null } })).status).toBe(403)
    expect((await api.govern('PATCH', agent, { key: writer.token, body: { description: 'd' } })).status).toBe(200)
  })

  it('that is revoked opens nothing, here and on a second process, and its name is free again', async () => {
    const { token, tokenId } = await addToken(api, acme, ['admin'], { name: 'passing' })
    const again = { key: acme.token, body: { name: 'PASSING', scopes: ['read'] } }
    expect((await api.govern('POST', '/api/admin-tokens', again)).status).toBe(409)
    const path = `/api/admin-tokens/${tokenId}/revoke`
    expect((await api.govern('POST', path, { key: token })).status).toBe(200)
    expect((await api.govern('GET', '/api/account', { key: token })).status).toBe(401)
    expect((await api.governSecond('GET', '/api/account', { key: token })).status).toBe(401)
    expect((await api.govern('POST', path, { key: acme.token })).status).toBe(200)
    const shown = await api.govern('GET', `/api/admin-tokens/${tokenId}`, { key: acme.token })
    expect(shown.body.data.status).toBe('revoked')
    expect((await api.govern('POST', '/api/admin-tokens', again)).status).toBe(201)
  })

  it('that is revoked takes along what was made with it, but for a token that asks', async () => {
    const opens = async ({ token }: { token: string }) =>
      (await api.govern('GET', '/api/account', { key: token })).status === 200
    const made = await addToken(api, acme, ['admin'], { name: 'the leaked one' })
    const thief = await addToken(api, made, ['admin'], { name: 'of the thief' })
    const further = await addToken(api, thief, ['read'])
    const owner = await addToken(api, made, ['admin'])
    const path = `/api/admin-tokens/${made.tokenId}/revoke`
    const revoked = await api.govern('POST', path, { key: owner.token })
    expect(revoked.body.data.message).toBe(
      'The token is revoked; tokens that were made with it, and are revoked too: 2.',
    )
    await eventually(async () =>
      expect(await Promise.all([made, thief, further, owner].map(opens))).toStrictEqual([false, false, false, true]),
    )
    const shown = await api.govern('GET', '/api/admin-tokens?status=active', { key: acme.token })
    const ids = (shown.body.data as { id: string }[]).map(({ id }) => id)
    expect(ids.filter((id) => [thief.tokenId, further.tokenId].includes(id))).toStrictEqual([])
    // Its names are free as well, and it is the registration’s from now on.
    await addToken(api, acme, ['read'], { name: 'of the thief' })
    expect((await api.govern('POST', path, { key: acme.token })).body.data.message).toBe('The token is revoked.')
    expect(await opens(owner)).toBe(true)
  })

  it('ends when it was to end', async () => {
    const { tokenId } = await addToken(api, acme, ['read'], { expires_in: '90m' })
    const { data } = (await api.govern('GET', `/api/admin-tokens/${tokenId}`, { key: acme.token })).body
    expect(Date.parse(data.expires_at) - Date.parse(data.created_at)).toBe(90 * 60_000)
    for (const expires_in of ['90', '90s', '3651d', '0d', '-1d', '1.5d', '99999d']) {
      const body = { name: 'odd', scopes: ['read'], expires_in }
      expect((await api.govern('POST', '/api/admin-tokens', { key: acme.token, body })).status).toBe(400)
    }
  })

  it('notes that it is in use', async () => {
    const { token, tokenId } = await addToken(api, acme, ['read'])
    await api.govern('GET', '/api/account', { key: token })
    await eventually(async () => {
      const { data } = (await api.govern('GET', `/api/admin-tokens/${tokenId}`, { key: acme.token })).body
      expect(data.last_used_at).not.toBeNull()
    })
  })

  it('of another account is as absent as none', async () => {
    const { tokenId } = await addToken(api, other, ['read'])
    for (const id of [tokenId, randomUUID()]) {
      expect((await api.govern('GET', `/api/admin-tokens/${id}`, { key: acme.token })).status).toBe(404)
      expect((await api.govern('POST', `/api/admin-tokens/${id}/revoke`, { key: acme.token })).status).toBe(404)
    }
  })
})

describe('an account', () => {
  const administer = (kind: 'suspend' | 'resume', accountId: string) => {
    const context = systemContext()
    return api.bus.handle(account, accountId, { kind, reason: null, at: context.at }, context)
  }

  it('is renamed, and changed in nothing else', async () => {
    const renamed = await api.govern('PUT', '/api/account', { key: acme.token, body: { name: ' Acme Inc ' } })
    expect(renamed.body.data).toMatchObject({ name: 'Acme Inc', slug: acme.slug })
    for (const body of [{ tier: 'pro' }, { name: 'A', slug: 'b' }, {}, { name: ' ' }, { name: 'x'.repeat(256) }]) {
      expect((await api.govern('PUT', '/api/account', { key: acme.token, body })).status).toBe(400)
    }
  })

  it('that is suspended opens nothing until it is resumed', async () => {
    const passing = await registered(api)
    const statuses = async () => [
      (await api.govern('GET', '/api/account', { key: passing.token })).status,
      (await me({ 'x-api-key': passing.apiKey })).status,
    ]
    await administer('suspend', passing.accountId)
    await eventually(async () => expect(await statuses()).toStrictEqual([401, 401]))
    await administer('resume', passing.accountId)
    await eventually(async () => expect(await statuses()).toStrictEqual([200, 200]))
  })
})

describe('an address that registers accounts', () => {
  it('is refused beyond the limit of an hour, whichever process it asks', async () => {
    const ask = (n: number) => (n % 2 === 0 ? api.govern : api.governSecond)
    const register = (n: number) => ask(n)('POST', '/v1/register', { body: { name: 'Acme' } })
    let answer = await register(0)
    // An hour may begin meanwhile.
    for (let n = 1; answer.status === 201 && n <= 2 * REGISTRATIONS_MAX; n++) answer = await register(n)
    expect([answer.status, answer.body.error.type]).toStrictEqual([429, 'rate_limited'])
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
  })
})
