/** Provider keys over HTTP: sealed secrets, where they may lead, deletion with a replacement. */
import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Api, startApi } from '../api.ts'
import { type Account, registered } from './accounts.ts'

const SECRET = 'sk-example-0123456789'

let api: Api
let acme: Account
let other: Account
beforeAll(async () => {
  api = await startApi({ resolve: async (host) => (host.startsWith('private') ? ['10.0.0.1'] : ['93.184.216.34']) })
  acme = await registered(api)
  other = await registered(api)
})
afterAll(() => api.stop())

const ask = (method: string, path: string, body?: unknown) =>
  api.govern(method, path, { key: acme.token, ...(body !== undefined && { body }) })
const keyRequest = (more: object = {}) => ({ provider: 'openai', name: randomUUID(), api_key: SECRET, ...more })
const newKey = async (more: object = {}) => (await ask('POST', '/api/provider-keys', keyRequest(more))).body.data
const newAgent = async (provider_keys: object) =>
  (await ask('POST', '/api/agents', { name: 'writer', policy_id: acme.policyId, provider_keys })).body.data

describe('a provider key', () => {
  it('shows a few characters of its secret, which stands nowhere in the clear', async () => {
    const key = await newKey()
    expect(key).toMatchObject({ api_key: 'sk-…6789', status: 'active', rotated_at: null, base_url: null })
    expect((await ask('GET', `/api/provider-keys/${key.id}`)).body.data).toStrictEqual(key)
    const events: string[] = []
    for await (const { data } of api.store.readStream(`rungate.providerKey-${key.id}`))
      events.push(JSON.stringify(data))
    expect(events).toHaveLength(1)
    expect(events[0]).not.toContain(SECRET)
    const { rows } = await sql<object>`SELECT * FROM rungate_provider_keys WHERE key_id = ${key.id}`.execute(api.db)
    expect(JSON.stringify(rows)).not.toContain(SECRET)
  })

  it('is changed in what is sent; another secret is noted as a rotation', async () => {
    const { id } = await newKey()
    const path = `/api/provider-keys/${id}`
    const name = randomUUID()
    const renamed = (await ask('PUT', path, { name })).body.data
    expect(renamed).toMatchObject({ name, base_url: null, rotated_at: null })
    const rotated = (await ask('PUT', path, { api_key: 'sk-other-secret-wxyz' })).body.data
    expect([rotated.api_key, rotated.rotated_at]).toStrictEqual(['sk-…wxyz', expect.any(String)])
  })

  it('leads elsewhere only where its secret is sent anew, by its id and by its name', async () => {
    const { id, name } = await newKey()
    const base_url = 'https://llm.example.com/v1'
    for (const path of [`/api/provider-keys/${id}`, `/api/provider-keys/by-name/${name}`]) {
      const refused = await ask('PUT', path, { base_url })
      expect([refused.status, Object.keys(refused.body.error.fields)]).toStrictEqual([400, ['api_key']])
    }
    const shown = async () => (await ask('GET', `/api/provider-keys/${id}`)).body.data
    expect(await shown()).toMatchObject({ base_url: null, api_key: 'sk-…6789' })
    await ask('PUT', `/api/provider-keys/${id}`, { base_url, api_key: 'sk-other-secret-wxyz' })
    expect(await shown()).toMatchObject({ base_url, api_key: 'sk-…wxyz' })
    expect((await ask('PUT', `/api/provider-keys/${id}`, { base_url })).status).toBe(200)
    expect((await ask('PUT', `/api/provider-keys/${id}`, { base_url: null })).status).toBe(400)
  })

  it('is disabled and enabled, as often as that is asked', async () => {
    const { id } = await newKey()
    const statuses: string[] = []
    for (const action of ['disable', 'disable', 'enable', 'enable']) {
      statuses.push((await ask('POST', `/api/provider-keys/${id}/${action}`)).body.data.status)
    }
    expect(statuses).toStrictEqual(['disabled', 'disabled', 'active', 'active'])
  })

  it.each([
    ['http://llm.example.com/v1', 400],
    ['https://10.0.0.1/v1', 400],
    ['https://169.254.169.254/', 400],
    ['http://127.0.0.1:4000/v1', 400],
    ['https://private.example.com/v1', 400],
    ['https://user:pass@llm.example.com/v1', 400],
    ['https://llm.example.com/v1?a=b', 400],
    ['no url', 400],
    ['https://llm.example.com/v1', 201],
    ['http://llm.internal/v1', 201],
    ['http://10.1.2.3:8000/v1', 201],
  ])('that leads to %s is answered with %i', async (base_url, status) => {
    expect((await ask('POST', '/api/provider-keys', keyRequest({ base_url }))).status).toBe(status)
  })

  it('of a provider that is not known needs an address', async () => {
    const refused = await ask('POST', '/api/provider-keys', keyRequest({ provider: 'groq' }))
    expect([refused.status, Object.keys(refused.body.error.fields)]).toStrictEqual([400, ['base_url']])
    expect((await ask('POST', '/api/provider-keys', keyRequest({ provider: 'Open AI' }))).status).toBe(400)
  })

  it('is made or changed by its name, and stays with its provider', async () => {
    const path = `/api/provider-keys/by-name/${randomUUID()}`
    expect((await ask('PUT', path, { provider: 'openai' })).status).toBe(400)
    const made = await ask('PUT', path, { provider: 'openai', api_key: SECRET })
    expect((await ask('PUT', path, { provider: 'anthropic' })).status).toBe(409)
    const changed = await ask('PUT', path, { api_key: 'sk-other-secret-wxyz' })
    expect([made.status, changed.status, changed.body.data.id]).toStrictEqual([201, 200, made.body.data.id])
    await ask('DELETE', `/api/provider-keys/${made.body.data.id}`)
    const anew = await ask('PUT', path, { provider: 'anthropic', api_key: SECRET })
    expect(anew.status).toBe(201)
    expect(anew.body.data.id).not.toBe(made.body.data.id)
  })
})

describe('a deleted provider key', () => {
  it('has lost its secret for good, is found by its id, and listed where it is asked for', async () => {
    const { id } = await newKey()
    expect((await ask('DELETE', `/api/provider-keys/${id}`)).body.data.remapped_agents).toBe(0)
    expect((await ask('DELETE', `/api/provider-keys/${id}`)).status).toBe(200)
    expect((await ask('GET', `/api/provider-keys/${id}`)).body.data).toMatchObject({ status: 'deleted', api_key: null })
    const listed = async (query: string) =>
      (await ask('GET', `/api/provider-keys${query}`)).body.data.some((each: { id: string }) => each.id === id)
    expect([await listed(''), await listed('?status=deleted')]).toStrictEqual([false, true])
    expect((await ask('PUT', `/api/provider-keys/${id}`, { name: 'again' })).status).toBe(404)
    const { rows } = await sql<{ wrapped_key: unknown }>`SELECT wrapped_key FROM vault.keys
      WHERE kind = 'rungate.providerKey' AND id = ${id}`.execute(api.db)
    expect(rows).toStrictEqual([{ wrapped_key: null }])
  })

  it('is replaced with the agents that name it: the weight stays, and what is twice is once', async () => {
    const [from, to, third] = [await newKey(), await newKey(), await newKey()]
    const single = await newAgent({ openai: from.id })
    const several = await newAgent({ openai: [from.id, third.id].map((key_id, n) => ({ key_id, weight: n + 3 })) })
    const both = await newAgent({ openai: [from.id, to.id].map((key_id) => ({ key_id, weight: 20 })) })
    const bystander = await newAgent({ openai: third.id })
    const dependents = (await ask('GET', `/api/provider-keys/${from.id}/dependents`)).body.data
    const alone = Object.fromEntries(
      dependents.agents.map((each: { id: string; is_only_key_for_provider: boolean }) => [
        each.id,
        each.is_only_key_for_provider,
      ]),
    )
    expect(alone).toMatchObject({ [single.id]: true, [several.id]: false, [both.id]: false })
    expect(alone[bystander.id]).toBeUndefined()
    const gone = await ask('DELETE', `/api/provider-keys/${from.id}?remap_to=${to.id}`)
    expect([gone.status, gone.body.data.remapped_agents]).toStrictEqual([200, 3])
    const keysOf = async (id: string) => (await ask('GET', `/api/agents/${id}`)).body.data.provider_keys.openai
    expect(await keysOf(single.id)).toBe(to.id)
    expect(await keysOf(several.id)).toStrictEqual([
      { key_id: to.id, weight: 3 },
      { key_id: third.id, weight: 4 },
    ])
    expect(await keysOf(both.id)).toStrictEqual([{ key_id: to.id, weight: 40 }])
    expect(await keysOf(bystander.id)).toBe(third.id)
  })

  it('is not replaced by one of another provider, of another account, or by itself', async () => {
    const { id } = await newKey()
    const foreign = await api.govern('POST', '/api/provider-keys', { key: other.token, body: keyRequest() })
    const anthropic = await newKey({ provider: 'anthropic' })
    const idle = await newKey()
    await ask('POST', `/api/provider-keys/${idle.id}/disable`)
    for (const to of [foreign.body.data.id, anthropic.id, idle.id, id, randomUUID()]) {
      expect((await ask('DELETE', `/api/provider-keys/${id}?remap_to=${to}`)).status).toBe(400)
    }
  })

  it('or any other of another account is as absent as none', async () => {
    const foreign = await api.govern('POST', '/api/provider-keys', { key: other.token, body: keyRequest() })
    for (const id of [foreign.body.data.id, randomUUID()]) {
      expect((await ask('GET', `/api/provider-keys/${id}`)).status).toBe(404)
      expect((await ask('GET', `/api/provider-keys/${id}/dependents`)).status).toBe(404)
      expect((await ask('PUT', `/api/provider-keys/${id}`, { name: 'mine' })).status).toBe(404)
      expect((await ask('POST', `/api/provider-keys/${id}/disable`)).status).toBe(404)
      expect((await ask('DELETE', `/api/provider-keys/${id}`)).status).toBe(404)
    }
  })
})
