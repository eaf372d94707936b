/** Alert rules over HTTP: what each type takes, names, their switch, and who sees them. */
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

const as = (key: string) => (method: string, path: string, body?: unknown) =>
  api.govern(method, path, { key, ...(body !== undefined && { body }) })
const ask = (method: string, path: string, body?: unknown) => as(acme.token)(method, path, body)
const newName = () => `rule ${randomUUID()}`
const spend = () => ({
  ...{ name: newName(), condition_type: 'cost_threshold' },
  condition_config: { threshold_usd: 0.0003, window_minutes: 60 },
})

describe('an alert rule', () => {
  it('has its defaults, and is read as it was made', async () => {
    const { status, body } = await ask('POST', '/api/alert-rules', spend())
    expect(status).toBe(201)
    expect(body.data).toMatchObject({
      ...{ status: 'active', cooldown_seconds: 300, agent_id: null, scope: 'org', org_id: acme.accountId },
      ...{ last_triggered_at: null, description: null },
      condition_config: { threshold_usd: 0.0003, window_minutes: 60 },
    })
    expect((await ask('GET', `/api/alert-rules/${body.data.id}`)).body.data).toStrictEqual(body.data)
    expect((await ask('GET', '/api/alert-rules?condition_type=cost_threshold')).body.total).toBe(1)
    expect((await ask('GET', '/api/alert-rules?condition_type=unheard_of')).body.total).toBe(0)
  })

  it('takes what its type takes, and nothing else', async () => {
    const rate = { threshold_pct: 20, window_minutes: 5, min_requests: 10 }
    const configs: [string, object, object?][] = [
      ['error_rate', rate],
      ['failover_rate', rate],
      ['approval_pending_timeout', { timeout_minutes: 30 }],
      ['rate_limit_approaching', { threshold_pct: 80 }, { agent_id: acme.agentId }],
    ]
    for (const [condition_type, condition_config, more] of configs) {
      const body = { name: newName(), condition_type, condition_config, ...more }
      expect((await ask('POST', '/api/alert-rules', body)).status).toBe(201)
      const wrong = [{ ...condition_config, unheard_of: 1 }, {}]
      for (const [name] of Object.entries(condition_config)) wrong.push({ ...condition_config, [name]: 0 })
      for (const config of wrong) {
        const refused = await ask('POST', '/api/alert-rules', { ...body, name: newName(), condition_config: config })
        expect([refused.status, refused.body.error.type]).toStrictEqual([400, 'validation_error'])
        expect(Object.keys(refused.body.error.fields)[0]).toMatch(/^condition_config/)
      }
    }
    const alone = { name: newName(), condition_type: 'rate_limit_approaching', condition_config: { threshold_pct: 80 } }
    expect((await ask('POST', '/api/alert-rules', alone)).body.error.fields).toHaveProperty('agent_id')
    expect((await ask('POST', '/api/alert-rules', { ...spend(), agent_id: other.agentId })).status).toBe(404)
    expect((await ask('POST', '/api/alert-rules', { ...spend(), scope: 'personal' })).status).toBe(400)
  })

  it('has a name that is unique, is replaced whole, and gives its name back', async () => {
    const first = spend()
    const { id } = (await ask('POST', '/api/alert-rules', { ...first, description: 'mine' })).body.data
    expect((await ask('POST', '/api/alert-rules', { ...spend(), name: first.name.toUpperCase() })).status).toBe(409)
    const changed = { ...spend(), cooldown_seconds: 60 }
    const { data } = (await ask('PUT', `/api/alert-rules/${id}`, changed)).body
    expect(data).toMatchObject({ name: changed.name, cooldown_seconds: 60, description: null })
    expect((await ask('PUT', `/api/alert-rules/${id}`, { name: 'x' })).status).toBe(400)
    expect((await ask('POST', '/api/alert-rules', first)).status).toBe(201)
    expect((await ask('DELETE', `/api/alert-rules/${id}`)).status).toBe(200)
    expect((await ask('GET', `/api/alert-rules/${id}`)).status).toBe(404)
    expect((await ask('POST', '/api/alert-rules', changed)).status).toBe(201)
  })

  it('is switched as often as one likes', async () => {
    const { id } = (await ask('POST', '/api/alert-rules', spend())).body.data
    for (const [path, status] of [
      ...[['disable', 'disabled'] as const, ['disable', 'disabled'] as const],
      ['enable', 'active'] as const,
    ]) {
      expect((await ask('POST', `/api/alert-rules/${id}/${path}`)).body.data.status).toBe(status)
    }
  })

  it('of another account is as absent as none', async () => {
    const { id } = (await ask('POST', '/api/alert-rules', spend())).body.data
    for (const path of [`/api/alert-rules/${id}`, `/api/alert-rules/${randomUUID()}`]) {
      expect((await as(other.token)('GET', path)).status).toBe(404)
      expect((await as(other.token)('PUT', path, spend())).status).toBe(404)
      expect((await as(other.token)('DELETE', path)).status).toBe(404)
      expect((await as(other.token)('POST', `${path}/enable`)).status).toBe(404)
    }
    expect((await as(other.token)('GET', '/api/alert-rules')).body).toStrictEqual({ data: [], total: 0 })
  })
})
