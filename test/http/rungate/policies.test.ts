/** Policies and agents over HTTP: defaults, merging, versions, names, bonds, keys. */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Api, startApi } from '../api.ts'
import { type Account, registered } from './accounts.ts'

let api: Api
let acme: Account
let other: Account
beforeAll(async () => {
  api = await startApi()
  acme = await registered(api)
  other = await registered(api)
})
afterAll(() => api.stop())

const ask = (method: string, path: string, body?: unknown) =>
  api.govern(method, path, { key: acme.token, ...(body !== undefined && { body }) })
const newName = () => `n ${randomUUID()}`
const newPolicy = async (more: object = {}) =>
  (await ask('POST', '/api/policies', { name: newName(), ...more })).body.data
const newAgent = async (more: object = {}) =>
  (await ask('POST', '/api/agents', { name: newName(), policy_id: acme.policyId, ...more })).body.data
const textOf = async (path: string) =>
  (await fetch(`${api.url}/rungate${path}`, { headers: { authorization: `Bearer ${acme.token}` } })).text()

describe('a policy', () => {
  it('has its defaults where nothing is said', async () => {
    const made = await newPolicy()
    expect(made).toMatchObject({
      ...{ dry_run: false, content_logging: 'default', approval_expiry_ms: 28_800_000, visibility: 'org' },
      routing: { timeout_ms: 120_000, connect_timeout_ms: 10_000, max_retries: 3, on_rate_limit: 'failover_first' },
      runaway_prevention: { enabled: true, max_steps_per_run: 1_000 },
      implicit_run_grouping: {
        time_window_seconds: 300,
        run_idle_timeout_seconds: 300,
        force_stop_cooldown_minutes: 60,
      },
      ...{ allowed_models: [], model_mapping: {}, outcome_defaults: null, org_id: acme.accountId },
    })
    expect((await ask('GET', `/api/policies/${made.id}`)).body.data).toStrictEqual(made)
  })

  it('keeps amounts to the last digit, out of the request’s own text', async () => {
    const name = newName()
    const raw = `{"name":${JSON.stringify(name)},"budget":{"hard_limit_usd":0.1234567890123456789,"alert_threshold_usd":0.0003}}`
    const made = await api.govern('POST', '/api/policies', { key: acme.token, raw })
    expect(made.status).toBe(201)
    const text = await textOf(`/api/policies/${made.body.data.id}`)
    expect(text).toContain('"hard_limit_usd":0.1234567890123456789')
    expect(text).toContain('"alert_threshold_usd":0.0003')
  })

  it('is merged with what is sent, and makes a version only where that changes something', async () => {
    const models = { 'gpt-4o': { anthropic: 'claude-a' }, GPT_x: { anthropic: 'claude-b' } }
    const { id, name } = await newPolicy({ allowed_models: ['a', 'b'], model_mapping: models, default_model: 'gpt-4o' })
    const path = `/api/policies/${id}`
    const change = {
      ...{ name, allowed_models: ['c'], default_model: null, dry_run: true },
      routing: { timeout_ms: 60_000, circuit_breaker: { failure_threshold: 0 } },
      model_mapping: { 'gpt-4o': { groq: 'llama' } },
      outcome_defaults: { idle_timeout: 'failed' },
    }
    const { data } = (await ask('PUT', path, change)).body
    expect(data).toMatchObject({
      ...{ allowed_models: ['c'], default_model: null, dry_run: true, outcome_defaults: { idle_timeout: 'failed' } },
      routing: {
        timeout_ms: 60_000,
        max_retries: 3,
        circuit_breaker: { failure_threshold: 0, recovery_timeout_ms: 30_000 },
      },
    })
    expect(data.model_mapping).toStrictEqual({ ...models, 'gpt-4o': { groq: 'llama' } })
    await ask('PUT', path, change)
    await ask('DELETE', path)
    const versions = (await ask('GET', `${path}/versions`)).body
    const shown = versions.data.map((each: { version_number: number; changed_fields: string[] }) => [
      each.version_number,
      each.changed_fields.toSorted(),
    ])
    const fields = ['allowed_models', 'default_model', 'dry_run', 'model_mapping', 'outcome_defaults', 'routing']
    expect(shown).toStrictEqual([
      [1, ['_created']],
      [2, fields],
      [3, ['_deleted']],
    ])
    const second = (await ask('GET', `${path}/versions/2`)).body.data
    expect([second.snapshot.allowed_models, second.changed_by]).toStrictEqual([['c'], data.updated_by])
    expect((await ask('GET', `${path}/versions/4`)).status).toBe(404)
    expect((await ask('GET', path)).status).toBe(404)
  })

  it.each([
    [{ routing: { connect_timeout_ms: 200_000 } }, 'routing.connect_timeout_ms'],
    [{ approval_expiry_ms: 59_999 }, 'approval_expiry_ms'],
    [{ implicit_run_grouping: { run_idle_timeout_seconds: 86_401 } }, 'implicit_run_grouping.run_idle_timeout_seconds'],
    [{ budget: { hard_limit_usd: -1 } }, 'budget.hard_limit_usd'],
    [{ budget: { hard_limit_usd: 1, alert_threshold_usd: 1.01 } }, 'budget.alert_threshold_usd'],
    [{ rate_limits: { max_requests_per_minute: -1 } }, 'rate_limits.max_requests_per_minute'],
    [{ routing: { default_chain: ['Open AI'] } }, 'routing.default_chain.0'],
    [{ allowed_models: ['x'.repeat(201)] }, 'allowed_models.0'],
    [{ default_model: '' }, 'default_model'],
    [{ model_override: 'gpt\n' }, 'model_override'],
    [{ model_mapping: { 'gpt-5': { anthropic: '' } } }, 'model_mapping.gpt-5.anthropic'],
    [{ visibility: 'personal' }, 'visibility'],
    [{ dry_run: 'yes' }, 'dry_run'],
  ])('with %j is refused for %s', async (more, field) => {
    const refused = await ask('POST', '/api/policies', { name: newName(), ...more })
    expect([refused.status, Object.keys(refused.body.error.fields)]).toStrictEqual([400, [field]])
  })

  it('has a name of its own, whatever its case, until it gives it up', async () => {
    const name = newName()
    const { id } = await newPolicy({ name })
    expect((await ask('POST', '/api/policies', { name: name.toUpperCase() })).status).toBe(409)
    expect((await ask('PUT', `/api/policies/${id}`, { name: `${name}!` })).status).toBe(200)
    expect((await ask('POST', '/api/policies', { name: name.toUpperCase() })).status).toBe(201)
    expect((await ask('PUT', `/api/policies/${id}`, { name })).status).toBe(409)
    const found = (await ask('GET', `/api/policies?name=${encodeURIComponent(name.slice(2).toUpperCase())}`)).body
    expect(found.total).toBe(2)
  })

  it('is found by a part of its name, whatever the case of its letters', async () => {
    const rest = randomUUID()
    const { id } = await newPolicy({ name: `Größe Ä ${rest}` })
    const found = async (part: string) =>
      (await ask('GET', `/api/policies?name=${encodeURIComponent(`${part} ${rest}`)}`)).body
    expect((await found('ÖßE ä')).data).toMatchObject([{ id }])
    await ask('PUT', `/api/policies/${id}`, { name: `ÉTÉ ${rest}` })
    expect([(await found('été')).total, (await found('ä')).total]).toStrictEqual([1, 0])
  })

  it('is made or changed by its name', async () => {
    const path = `/api/policies/by-name/${encodeURIComponent(newName())}`
    const made = await ask('PUT', path, {})
    const changed = await ask('PUT', path, { blocked_tools: ['shell'] })
    expect([made.status, changed.status]).toStrictEqual([201, 200])
    expect(changed.body.data).toMatchObject({ id: made.body.data.id, blocked_tools: ['shell'] })
  })

  it('has figures of no runs', async () => {
    const { body } = await ask('GET', `/api/policies/${acme.policyId}/stats`)
    const nothing = { avg_cost_per_run_usd: null, avg_steps_per_run: null, avg_duration_ms: null }
    expect(body.data).toStrictEqual({
      ...{ total_runs: 0, total_spend_usd: 0, ...nothing, success_rate: null, budget_utilization: null },
    })
    const trend = await ask('GET', `/api/policies/${acme.policyId}/cost-trend?limit=100000`)
    expect(trend.body).toStrictEqual({ data: [], total: 0 })
    for (const query of ['limit=-1', 'limit=0', 'limit=1.5', 'since=2026-02-01T00:00:00Z&until=2026-01-01T00:00:00Z']) {
      expect((await ask('GET', `/api/policies/${acme.policyId}/cost-trend?${query}`)).status).toBe(400)
    }
    expect((await ask('GET', '/api/policies/nothing/stats')).status).toBe(404)
  })

  it('stays while an agent names it', async () => {
    const { id } = await newPolicy()
    const agent = await newAgent({ policy_id: id })
    expect((await ask('DELETE', `/api/policies/${id}`)).status).toBe(409)
    await ask('PATCH', `/api/agents/${agent.id}`, { policy_id: acme.policyId })
    expect((await ask('DELETE', `/api/policies/${id}`)).status).toBe(200)
    expect((await ask('POST', '/api/agents', { name: newName(), policy_id: id })).status).toBe(400)
  })

  it('of another account is as absent as none', async () => {
    for (const id of [other.policyId, randomUUID()]) {
      for (const path of ['', '/versions', '/versions/1', '/stats', '/cost-trend']) {
        expect((await ask('GET', `/api/policies/${id}${path}`)).status).toBe(404)
      }
      expect((await ask('PUT', `/api/policies/${id}`, { name: newName() })).status).toBe(404)
      expect((await ask('DELETE', `/api/policies/${id}`)).status).toBe(404)
    }
    const elsewhere = await ask('POST', '/api/policies', { name: newName(), org_id: other.accountId })
    expect(elsewhere.status).toBe(404)
    expect((await ask('POST', '/api/policies', { name: newName(), org_id: acme.accountId })).status).toBe(201)
  })
})

describe('an agent', () => {
  it('whose name is taken is given a suffix, but not by PUT, PATCH or by its name', async () => {
    const name = newName()
    const first = await newAgent({ name })
    const second = await newAgent({ name: name.toUpperCase() })
    expect([first.name, first._note, second.name]).toStrictEqual([name, undefined, `${name.toUpperCase()}-2`])
    expect(second._note).toContain('taken')
    for (const method of ['PUT', 'PATCH']) {
      expect((await ask(method, `/api/agents/${second.id}`, { name })).status).toBe(409)
    }
    const byName = `/api/agents/by-name/${encodeURIComponent(name)}`
    const changed = await ask('PUT', byName, { status: 'disabled' })
    expect([changed.status, changed.body.data.id, changed.body.data.status]).toStrictEqual([200, first.id, 'disabled'])
    expect(changed.body.data.api_key).toBeUndefined()
    expect((await api.govern('GET', '/v1/me', { key: first.api_key })).body.data.status).toBe('disabled')
    const missing = await ask('PUT', `/api/agents/by-name/${encodeURIComponent(newName())}`, {})
    expect([missing.status, Object.keys(missing.body.error.fields)]).toStrictEqual([400, ['policy_id']])
  })

  it('keeps what is sent and not what is not', async () => {
    const override = { default_chain: ['openai'], model_routes: [{ pattern: 'gpt-*', chain: ['openai'] }] }
    const metadata = { team: 'news', CamelKey: [1, { a: null }] }
    const agent = await newAgent({
      description: 'd',
      metadata,
      routing_override: override,
      allowed_policies: [acme.policyId],
    })
    expect(agent).toMatchObject({
      description: 'd',
      metadata,
      routing_override: override,
      allowed_policies: [acme.policyId],
    })
    const path = `/api/agents/${agent.id}`
    const put = (
      await ask('PUT', path, { metadata: {}, routing_override: { timeout_ms: 5, load_balancing: 'weighted' } })
    ).body.data
    expect(put).toMatchObject({ description: 'd', metadata: {}, allowed_policies: [acme.policyId] })
    expect(put.routing_override).toStrictEqual({ timeout_ms: 5, load_balancing: 'weighted' })
    const patched = (await ask('PATCH', path, { description: null, member_id: null })).body.data
    expect([patched.description, patched.routing_override]).toStrictEqual([null, put.routing_override])
    expect((await ask('GET', path)).body.data).toStrictEqual(patched)
    expect((await ask('PATCH', path, { metadata: { text: 'x'.repeat(16_385) } })).status).toBe(400)
    const { body: refused } = await ask('PATCH', path, { member_id: 'x'.repeat(65) })
    expect(refused.error.fields.member_id).toContain('at most 64 characters')
  })

  it('has its key replaced at once, here and on a second process', async () => {
    const { id, api_key: before } = await newAgent()
    const rotated = (await ask('POST', `/api/agents/${id}/rotate-key`)).body.data
    expect(rotated.api_key.startsWith(rotated.api_key_prefix)).toBe(true)
    for (const through of [api.govern, api.governSecond]) {
      expect((await through('GET', '/v1/me', { key: rotated.api_key })).body.data.id).toBe(id)
      expect((await through('GET', '/v1/me', { key: before })).status).toBe(401)
    }
  })

  it('names keys of its account alone, and policies that exist', async () => {
    const foreign = await api.govern('POST', '/api/provider-keys', {
      key: other.token,
      body: { provider: 'openai', name: newName(), api_key: 'sk-example-0123456789' },
    })
    const refusals = [
      [{ provider_keys: { openai: foreign.body.data.id } }, 'provider_keys.openai'],
      [{ provider_keys: { openai: [{ key_id: randomUUID(), weight: 1 }] } }, 'provider_keys.openai'],
      [{ policy_id: other.policyId }, 'policy_id'],
    ] as const
    for (const [more, field] of refusals) {
      const refused = await ask('POST', '/api/agents', { name: newName(), policy_id: acme.policyId, ...more })
      expect([refused.status, Object.keys(refused.body.error.fields)]).toStrictEqual([400, [field]])
    }
  })

  it('is listed by its policy and status, and counted in all', async () => {
    const { id } = await newPolicy()
    const made = [
      await newAgent({ policy_id: id }),
      await newAgent({ policy_id: id }),
      await newAgent({ policy_id: id }),
    ]
    await ask('PATCH', `/api/agents/${made[0].id}`, { status: 'disabled' })
    const ids = async (query: string) => {
      const { data, total } = (await ask('GET', `/api/agents?policy_id=${id}${query}`)).body
      return [data.map((each: { id: string }) => each.id), total]
    }
    expect(await ids('')).toStrictEqual([made.map((each) => each.id).toReversed(), 3])
    expect(await ids('&status=disabled')).toStrictEqual([[made[0].id], 1])
    const stats = (await ask('GET', '/api/agents/stats/all')).body.data
    expect(stats[made[0].id]).toStrictEqual({ total_spend: 0, total_runs: 0 })
    expect(stats[other.agentId]).toBeUndefined()
  })

  it('of another account is as absent as none', async () => {
    for (const id of [other.agentId, randomUUID()]) {
      expect((await ask('GET', `/api/agents/${id}`)).status).toBe(404)
      expect((await ask('PATCH', `/api/agents/${id}`, { name: newName() })).status).toBe(404)
      expect((await ask('POST', `/api/agents/${id}/rotate-key`)).status).toBe(404)
    }
  })
})
