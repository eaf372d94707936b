import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseApiKey } from '../../../src/commands/noctant/api-key.ts'
import { eventually } from '../../projections/support.ts'
import { type Api, startApi } from '../api.ts'

/** Long enough for a few requests, short enough to be waited for. */
const GRACE_MS = 1_500
/** Keys of an operator that work at a time. */
const KEYS_MAX = 4

let api: Api
beforeAll(async () => {
  api = await startApi({ noctant: { keyRotationGraceMs: GRACE_MS, keysPerOperatorMax: KEYS_MAX } })
})
afterAll(() => api.stop())

const me = (key: string) => api.call('GET', '/v1/me', { key })
const rotate = (key: string) => api.call('POST', '/v1/me/rotate-api-key', { key })

describe('rotating an API key', () => {
  it('gives a new key with the same scopes, which works at once', async () => {
    const { operatorId } = await api.addOperator()
    const { key } = await api.addKey(operatorId, ['users:read', 'api_keys:rotate'])
    const { status, headers, body } = await rotate(key)
    expect(status).toBe(200)
    expect(headers.get('cache-control')).toBe('no-store')
    expect(body.api_key).not.toBe(key)
    expect(body.api_key.startsWith(`${body.api_key_prefix}_`)).toBe(true)
    const answer = await me(body.api_key)
    expect(answer.status).toBe(200)
    expect(answer.body.operator).toMatchObject({
      operator_id: operatorId,
      operator_api_scopes: ['users:read', 'api_keys:rotate'],
    })
  })

  it('leaves the old key working for the grace, and refuses it within a second after', async () => {
    const { operatorId } = await api.addOperator()
    const { key } = await api.addKey(operatorId, ['users:read', 'api_keys:rotate'])
    const rotated = await rotate(key)
    expect((await me(key)).status).toBe(200)
    const endsMs = Date.parse(rotated.body.rotated_at) + GRACE_MS
    await eventually(async () => expect((await me(key)).status).toBe(401), GRACE_MS + 1_000)
    expect(Date.now()).toBeGreaterThanOrEqual(endsMs)
    expect(Date.now()).toBeLessThan(endsMs + 1_000)
    expect((await me(rotated.body.api_key)).status).toBe(200)
    expect((await rotate(key)).status).toBe(401)
  })

  // Seen to fail with each rotation making one more: ten at once made ten keys.
  it('can be asked for again with the old key, whose end stays where it was; the key made before ends', async () => {
    const { operatorId } = await api.addOperator()
    const { key, keyId } = await api.addKey(operatorId, ['api_keys:rotate'])
    const first = await rotate(key)
    const until = () => api.credentials.find(keyId)?.key.valid_until
    await eventually(() => expect(until()).toBeTruthy())
    const before = until()
    const second = await rotate(key)
    expect([second.status, second.body.api_key === first.body.api_key]).toStrictEqual([200, false])
    expect(until()).toBe(before)
    expect((await me(second.body.api_key)).status).toBe(200)
    await eventually(async () => expect((await me(first.body.api_key)).status).toBe(401))
  })

  it('ten times at once leaves one new key that works', async () => {
    const { operatorId } = await api.addOperator()
    const { key } = await api.addKey(operatorId, ['users:read', 'api_keys:rotate'])
    const answers = await Promise.all(Array.from({ length: 10 }, () => rotate(key)))
    const made = answers.filter(({ status }) => status === 200).map(({ body }) => body.api_key)
    await eventually(async () => {
      const working = await Promise.all(made.map(async (each) => (await me(each)).status === 200))
      expect(working.filter(Boolean)).toHaveLength(1)
    })
  })

  it('is refused while as many keys of the operator work as may, and leaves the old key as it was', async () => {
    const { operatorId } = await api.addOperator()
    const scopes = ['users:read', 'api_keys:rotate'] as const
    const keys = [await api.addKey(operatorId, scopes), await api.addKey(operatorId, scopes)]
    // With the operator's first key three work, and the first rotation makes it four until the grace is over.
    expect((await rotate(keys[0]!.key)).status).toBe(200)
    const refused = await rotate(keys[1]!.key)
    expect([refused.status, refused.body.code]).toStrictEqual([409, 'api_key_limit_reached'])
    expect((await me(keys[1]!.key)).status).toBe(200)
    const again = async () => expect((await rotate(keys[1]!.key)).status).toBe(200)
    await eventually(again)
  })

  it('records who rotated which key, and never the key', async () => {
    const { operatorId } = await api.addOperator()
    const { key, keyId } = await api.addKey(operatorId, ['api_keys:rotate'])
    const { body } = await rotate(key)
    const events = await Array.fromAsync(api.store.readStream(`noctant.operator-${operatorId}`))
    const last = events.at(-1)
    expect(last?.type).toBe('noctant.ApiKeyRotated.v1')
    expect(last?.data).toMatchObject({ keyId, replacedBy: parseApiKey(body.api_key)?.keyId })
    expect(last?.metadata.actor).toStrictEqual({ kind: 'operator', id: operatorId, keyId })
    const secret = body.api_key.slice(body.api_key_prefix.length + 1)
    expect(JSON.stringify(events.map(({ data }) => data))).not.toContain(secret)
  })
})
