import { randomBytes, randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { generateApiKey } from '../../../src/commands/noctant/api-key.ts'
import { apiScope } from '../../../src/events/noctant/vocabulary.ts'
import { documentsOf } from '../../../src/http/app.ts'
import { operations as noctantOperations } from '../../../src/http/noctant/operations.ts'
import { eventually } from '../../projections/support.ts'
import { apis } from '../../support/contexts.ts'
import { type Api, startApi } from '../api.ts'
import type { TestOperator } from './serving.ts'

let nowMs = 0
let api: Api
let acme: TestOperator
beforeAll(async () => {
  api = await startApi({ nowMs: () => nowMs, limits: { authFailuresPerMinuteMax: 5 } })
  acme = await api.addOperator()
})
afterAll(() => api.stop())
beforeEach(() => {
  nowMs += 60_000
})

const me = (key?: string, headers?: Record<string, string>) =>
  api.call('GET', '/v1/me', { key, ...(headers && { headers }) })
const suspend = (operatorId: string, kind: 'suspend' | 'resume') =>
  api.administer(operatorId, { kind, reason: null, at: new Date().toISOString() })

/** Every operation, with something in the place of each path parameter. */
const operations = noctantOperations.map(({ id, method, path, access }) => ({
  name: id,
  method: method.toUpperCase(),
  path: path.replaceAll(/\{[^}]+\}/g, randomUUID()),
  scopes: access.alternatives.flatMap(({ scopes }) => scopes),
}))

describe('every operation', () => {
  it.each(operations)('$name needs a key', async ({ method, path }) => {
    const answer = await api.call(method, path)
    expect([answer.status, answer.body.code]).toStrictEqual([401, 'credential_missing'])
    expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer /)
  })

  it.each(operations.filter(({ scopes }) => scopes.length > 0))(
    '$name needs its scope',
    async ({ method, path, scopes }) => {
      const without = apiScope.options.filter((scope) => !scopes.includes(scope))
      const { key } = await api.addKey(acme.operatorId, without)
      // The body is not JSON: the scope is asked for before the body is looked into.
      const answer = await api.call(method, path, { key, ...(method === 'GET' ? {} : { raw: '{' }) })
      expect([answer.status, answer.body.code]).toStrictEqual([403, 'scope_missing'])
      expect(answer.body.detail).toContain(scopes[0])
    },
  )
})

describe('a key', () => {
  it('opens the door to its operator, with its own scopes', async () => {
    const { key } = await api.addKey(acme.operatorId, ['users:read', 'accounts:read'])
    const { status, body } = await me(key)
    expect(status).toBe(200)
    expect(body.operator).toMatchObject({
      operator_id: acme.operatorId,
      status: 'active',
      operator_api_scopes: ['users:read', 'accounts:read'],
      allowed_origins: ['https://acme.example'],
      webhook: { configured: false, enabled: false },
    })
  })

  it.each([
    ['of nobody', () => generateApiKey('sandbox').key],
    ['with one letter changed', () => `${acme.key.slice(0, -1)}${acme.key.endsWith('a') ? 'b' : 'a'}`],
    ['with another secret', () => replaceSecret(acme.key)],
    ['of another environment', () => acme.key.replace('sandbox', 'production')],
    ['cut short', () => acme.key.slice(0, -1)],
    ['that is no key at all', () => 'secret'],
  ])('%s is refused with 401', async (_, make) => {
    const answer = await me(make())
    expect([answer.status, answer.body.code]).toStrictEqual([401, 'credential_invalid'])
    expect(answer.headers.get('www-authenticate')).toContain('invalid_token')
  })

  it.each(['Basic abc', 'Bearer', 'Bearer a b', 'bearer'])(
    'sent as "%s" is refused with 401',
    async (authorization) => {
      expect((await me(undefined, { authorization })).status).toBe(401)
    },
  )

  it('that is revoked stops working within a second, and its operator’s others go on', async () => {
    const { key, keyId } = await api.addKey(acme.operatorId, ['users:read'])
    expect((await me(key)).status).toBe(200)
    const at = new Date().toISOString()
    await api.administer(acme.operatorId, { kind: 'revokeKey', keyId, reason: null, at })
    await eventually(() => expect(api.credentials.find(keyId)?.key.revoked_at).not.toBeNull(), 1_000)
    expect((await me(key)).status).toBe(401)
    expect((await me(acme.key)).status).toBe(200)
  })

  it('of a suspended operator is refused with 403, and works again once it is resumed', async () => {
    const other = await api.addOperator()
    await suspend(other.operatorId, 'suspend')
    await eventually(() => expect(api.credentials.find(other.keyId)?.tenant.status).toBe('suspended'), 1_000)
    const answer = await me(other.key)
    expect([answer.status, answer.body.code]).toStrictEqual([403, 'operator_suspended'])
    await suspend(other.operatorId, 'resume')
    await eventually(async () => expect((await me(other.key)).status).toBe(200), 1_000)
  })

  it('of an operator without access to the API is refused with 403', async () => {
    const other = await api.addOperator({ apiAccess: 'disabled' })
    const answer = await me(other.key)
    expect([answer.status, answer.body.code]).toStrictEqual([403, 'api_access_disabled'])
  })

  it('is never written to the log, nor is what it came with', async () => {
    await api.call('POST', '/v1/users', { key: acme.key, body: { external_id: 'private', email: 'p@example.com' } })
    const text = JSON.stringify(api.logged)
    expect(text).toContain(acme.keyId)
    expect(text).not.toContain(acme.key)
    expect(text).not.toContain('p@example.com')
  })
})

/** A guess: the id of the key, another secret, and a check that fits the two. */
function replaceSecret(key: string): string {
  const digits = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
  const keyId = key.split('_')[2] ?? ''
  const id = [...keyId].reduce((value, digit) => value * 62n + BigInt(digits.indexOf(digit)), 0n)
  const idBytes = Buffer.from(id.toString(16).padStart(24, '0'), 'hex')
  const guess = generateApiKey('sandbox', (bytes) => (bytes === idBytes.length ? idBytes : randomBytes(bytes)))
  expect(guess.keyId).toBe(keyId)
  return guess.key
}

describe('guessing', () => {
  it('is answered with 429 after so many failures in a minute, and does not lock out a good key', async () => {
    const answers = []
    for (let n = 0; n < 7; n++) answers.push(await me(generateApiKey('sandbox').key))
    expect(answers.map(({ status }) => status)).toStrictEqual([401, 401, 401, 401, 401, 429, 429])
    expect(Number(answers.at(-1)?.headers.get('retry-after'))).toBeGreaterThan(0)
    expect((await me(acme.key)).status).toBe(200)
    nowMs += 60_000
    expect((await me(generateApiKey('sandbox').key)).status).toBe(401)
  })
})

describe('rate limits', () => {
  it('grant an operator of the standard tier 600 requests a minute over all its keys', async () => {
    const standard = await api.addOperator({ rateLimitTier: 'standard' })
    const second = await api.addKey(standard.operatorId, [])
    const first = await me(standard.key)
    expect(first.headers.get('ratelimit-limit')).toBe('600')
    expect(first.headers.get('ratelimit-remaining')).toBe('599')
    expect(first.headers.get('ratelimit-reset')).toBe('60')
    const statuses = await Promise.all(Array.from({ length: 599 }, async () => (await me(second.key)).status))
    expect(new Set(statuses)).toStrictEqual(new Set([200]))
    const refused = await me(standard.key)
    expect([refused.status, refused.body.code]).toStrictEqual([429, 'rate_limit_exceeded'])
    expect(refused.headers.get('retry-after')).toBe('60')
    expect(refused.headers.get('ratelimit-remaining')).toBe('0')
    expect((await me(acme.key)).status).toBe(200)
    nowMs += 60_000
    expect((await me(standard.key)).status).toBe(200)
  })

  it.each([
    ['pro', '3000'],
    ['enterprise', '30000'],
    ['unlimited', null],
  ] as const)('of tier %s are %s', async (rateLimitTier, limit) => {
    const { key } = await api.addOperator({ rateLimitTier })
    expect((await me(key)).headers.get('ratelimit-limit')).toBe(limit)
  })
})

it('the document names the scheme that every operation uses', () => {
  const [noctant] = documentsOf(apis)
  expect(noctant?.document.components?.securitySchemes).toMatchObject({
    operatorBearerAuth: { type: 'http', scheme: 'bearer' },
  })
})
