/** Runs over HTTP: what agents and operators see of them and do to them, and the figures that they make. */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from '../../projections/support.ts'
import { type Api, startApi } from '../api.ts'
import { type Account, registered } from './accounts.ts'
import { approvalAsked, callAdmitted, callMade, callRefused } from './calls.ts'

let api: Api
let other: Account
beforeAll(async () => {
  api = await startApi()
  other = await registered(api)
})
afterAll(() => api.stop())

const fresh = () => registered(api)
const by = (key: string) => (method: string, path: string, body?: unknown) =>
  api.govern(method, path, { key, ...(body !== undefined && { body }) })
const textOf = async (path: string, key: string) =>
  (await fetch(`${api.url}/rungate${path}`, { headers: { authorization: `Bearer ${key}` } })).text()

describe('a run', () => {
  it('shows the call whose answer came before, to its agent and to the account', async () => {
    const acme = await fresh()
    const { runId, callId } = await callMade(api, acme)
    const agent = by(acme.apiKey)
    const { data } = (await agent('GET', '/v1/runs/current')).body
    expect(data).toMatchObject({
      ...{ id: runId, agent_id: acme.agentId, org_id: acme.accountId, status: 'running', step_count: 1 },
      ...{ cost_usd: 0.00105, tokens_used: { input: 50, output: 100, cache_read: 0, cache_creation: 0, total: 150 } },
      ...{ policy_name: 'careful', primary_model: 'gpt-own', creation_method: 'implicit', alert_sent_at: null },
    })
    expect(await textOf(`/api/runs/${runId}`, acme.token)).toContain('"cost_usd":0.00105')
    expect((await by(acme.token)('GET', `/api/runs/${runId}`)).body.data).toStrictEqual(data)
    expect((await agent('GET', `/v1/runs/${runId}`)).body.data).toStrictEqual(data)
    const steps = (await agent('GET', `/v1/runs/${runId}/steps`)).body
    expect(steps).toMatchObject({ total: 1, data: [{ id: callId, type: 'llm_call', request: { redacted: true } }] })
    const ledger = (await by(acme.token)('GET', `/api/runs/${runId}/ledger`)).body
    expect(ledger).toMatchObject({ total: 1, data: [{ step_id: callId, cost_usd: 0.00105 }] })
  })

  it('is absent for another account, and out of bounds for another agent of the account', async () => {
    const acme = await fresh()
    const { runId } = await callMade(api, acme)
    const made = await by(acme.token)('POST', '/api/agents', { name: 'second', policy_id: acme.policyId })
    const second = by(made.body.data.api_key)
    for (const path of [`/v1/runs/${runId}`, `/v1/runs/${runId}/steps`]) {
      expect((await second('GET', path)).status).toBe(403)
      expect((await by(other.apiKey)('GET', path)).status).toBe(404)
    }
    expect((await second('PATCH', `/v1/runs/${runId}`, { name: 'mine' })).status).toBe(403)
    expect((await second('POST', `/v1/runs/${runId}/complete`)).status).toBe(403)
    expect((await by(other.token)('GET', `/api/runs/${runId}`)).status).toBe(404)
    expect((await by(other.token)('POST', `/api/runs/${runId}/stop`)).status).toBe(404)
    expect((await second('GET', '/v1/runs/current')).status).toBe(404)
  })

  it('is listed by filter, in order, within the page, with the total of all', async () => {
    const acme = await fresh()
    const isNew = (name: string) => ({ facts: { run: { ...none, isNew: true, name } } })
    for (const name of ['a', 'b', 'c']) await callMade(api, acme, isNew(name))
    const agent = by(acme.apiKey)
    const names = (answer: { body: { data: { name: string }[] } }) => answer.body.data.map(({ name }) => name)
    const mine = await agent('GET', '/v1/runs/mine?sort=name&order=asc&limit=2')
    expect([names(mine), mine.body.total]).toStrictEqual([['a', 'b'], 3])
    expect(names(await agent('GET', '/v1/runs/mine?offset=1&limit=1000'))).toStrictEqual(['b', 'a'])
    const operator = by(acme.token)
    await eventually(async () => {
      expect(names(await operator('GET', '/api/runs?status=running'))).toStrictEqual(['c'])
    })
    expect((await operator('GET', `/api/runs?agent_id=${randomUUID()}`)).body).toStrictEqual({ data: [], total: 0 })
    for (const great of ['100001', '9'.repeat(15)]) {
      expect(names(await agent('GET', `/v1/runs/mine?limit=${great}&offset=1`))).toStrictEqual(['b', 'a'])
      expect((await operator('GET', `/api/runs?limit=${great}&offset=${great}`)).body).toMatchObject({
        data: [],
        total: 3,
      })
      expect((await operator('GET', `/api/analytics/runs?limit=${great}&offset=${great}`)).status).toBe(200)
    }
    for (const query of ['sort=cost', 'order=up', 'limit=-1', 'limit=0.5', 'offset=-1', 'status=over']) {
      expect((await operator('GET', `/api/runs?${query}`)).status).toBe(400)
    }
    const bounds = 'since=2026-01-02T00:00:00Z&until=2026-01-01T00:00:00Z'
    expect((await operator('GET', `/api/runs?${bounds}`)).status).toBe(400)
  })

  it('is summed up when its agent completes it, once', async () => {
    const acme = await fresh()
    const agent = by(acme.apiKey)
    const { runId } = await callMade(api, acme, { facts: { run: { ...none, metadata: { a: 1 } } } })
    await callRefused(api, acme, { facts: { model: null } }).catch(() => undefined)
    const asked = { ended_reason: 'all done', outcome: 'partial', outcome_reason: 'half', metadata: { b: 2 } }
    const completed = await agent('POST', `/v1/runs/${runId}/complete`, asked)
    expect(completed.body.data).toMatchObject({
      ...{ id: runId, status: 'completed', ended_reason: 'all done', completion_reason: 'explicit' },
      ...{ outcome: 'partial', outcome_reason: 'half', step_count: 1, cost_usd: 0.00105, primary_model: 'gpt-own' },
    })
    const { data } = (await agent('GET', `/v1/runs/${runId}`)).body
    expect(data).toMatchObject({ status: 'completed', outcome: 'partial', metadata: { a: 1, b: 2 } })
    expect((await agent('POST', `/v1/runs/${runId}/complete`)).status).toBe(409)
    expect((await agent('POST', '/v1/runs/current/complete')).status).toBe(404)
    expect((await agent('POST', '/v1/runs/complete-all')).body).toStrictEqual({
      ...{ completed_count: 0, completed_run_ids: [] },
    })
  })

  it('is a success where its agent says no more, and is counted among all that it completes', async () => {
    const acme = await fresh()
    const agent = by(acme.apiKey)
    await callMade(api, acme)
    const { data } = (await agent('POST', '/v1/runs/current/complete')).body
    expect(data).toMatchObject({ ended_reason: 'agent_signaled', outcome: 'success', limits_hit: false })
    const { runId } = await callMade(api, acme)
    const all = await agent('POST', '/v1/runs/complete-all', { ended_reason: 'nightfall' })
    expect(all.body).toStrictEqual({ completed_count: 1, completed_run_ids: [runId] })
  })

  it('names the refusals that met it', async () => {
    const acme = await fresh()
    const changes = { settings: { blockedTools: ['shell'] } }
    const { runId } = await callMade(api, acme, { changes })
    await callRefused(api, acme, { changes, facts: { tools: ['shell'] } })
    const { data } = (await by(acme.apiKey)('POST', `/v1/runs/${runId}/complete`)).body
    expect(data).toMatchObject({ limits_hit: true, governance_events: [{ type: 'tool_blocked', count: 1 }] })
    const steps = (await by(acme.apiKey)('GET', `/v1/runs/${runId}/steps?order=desc`)).body.data
    expect(steps[0]).toMatchObject({ type: 'llm_call', status: 'policy_blocked', cost_usd: 0 })
    const clean = await by(acme.token)('GET', '/api/runs?had_governance_block=false')
    expect(clean.body.total).toBe(0)
  })

  it('is stopped once, and lets runs start again when an operator says so', async () => {
    const acme = await fresh()
    const operator = by(acme.token)
    const { runId } = await callMade(api, acme)
    await by(acme.apiKey)('GET', '/v1/runs/current')
    expect((await operator('POST', `/api/runs/${runId}/unblock`)).status).toBe(400)
    const both = await Promise.all([
      operator('POST', `/api/runs/${runId}/stop`),
      operator('POST', `/api/runs/${runId}/complete`),
    ])
    expect(both.map(({ status }) => status).toSorted()).toStrictEqual([200, 400])
    const { runId: next } = await callMade(api, acme, { facts: { run: { ...none, isNew: true } } })
    await by(acme.apiKey)('GET', '/v1/runs/current')
    await operator('POST', `/api/runs/${next}/stop`)
    await callRefused(api, acme, {})
    const lifted = await operator('POST', `/api/runs/${next}/unblock`)
    expect(lifted.status).toBe(200)
    const again = await operator('POST', `/api/runs/${next}/unblock`)
    expect(again.body.data.lifted_at).toBe(lifted.body.data.lifted_at)
    // Where the first one was stopped too, it has left a block of its own.
    await operator('POST', `/api/runs/${runId}/unblock`)
    await callMade(api, acme)
    const { data } = (await operator('GET', `/api/runs/${next}`)).body
    expect(data).toMatchObject({ status: 'force_stopped', force_stop_lifted_at: lifted.body.data.lifted_at })
  })

  it('is answered as it is read, when an operator completes or renames it', async () => {
    const acme = await fresh()
    const operator = by(acme.token)
    const { runId } = await callMade(api, acme)
    await by(acme.apiKey)('GET', '/v1/runs/current')
    const renamed = await operator('PATCH', `/api/runs/${runId}`, { name: 'nightly' })
    expect(renamed.body.data).toStrictEqual((await operator('GET', `/api/runs/${runId}`)).body.data)
    const completed = await operator('POST', `/api/runs/${runId}/complete`, { reason: 'enough' })
    expect(completed.body.data).toMatchObject({ status: 'completed', ended_reason: 'enough', name: 'nightly' })
    expect(completed.body.data).toStrictEqual((await operator('GET', `/api/runs/${runId}`)).body.data)
    const after = await operator('PATCH', `/api/runs/${runId}`, { name: 'weekly' })
    expect(after.body.data.name).toBe('weekly')
    for (const body of [{}, { name: '' }, { name: 'x'.repeat(256) }]) {
      expect((await operator('PATCH', `/api/runs/${runId}`, body)).status).toBe(400)
    }
  })

  it('is described by its agent, also after its end; null clears', async () => {
    const acme = await fresh()
    const agent = by(acme.apiKey)
    const { runId } = await callMade(api, acme)
    const current = await agent('PATCH', '/v1/runs/current', {
      name: 'x',
      outcome: 'partial',
      outcome_reason: 'so far',
    })
    expect(current.body.data).toStrictEqual({ run_id: runId, name: 'x', outcome: 'partial', outcome_reason: 'so far' })
    await agent('POST', '/v1/runs/current/complete')
    const cleared = await agent('PATCH', `/v1/runs/${runId}`, { outcome: null, outcome_reason: null })
    expect(cleared.body.data).toStrictEqual({ run_id: runId, name: 'x', outcome: null, outcome_reason: null })
    expect((await agent('GET', `/v1/runs/${runId}`)).body.data).toMatchObject({ name: 'x', outcome: null })
    expect((await agent('PATCH', `/v1/runs/${runId}`, {})).status).toBe(400)
    expect((await agent('PATCH', '/v1/runs/current', { name: 'y' })).status).toBe(404)
  })
})
const none = { runId: null, isNew: false, name: null, metadata: null, known: null }

describe('a tool call', () => {
  const search = { type: 'tool_call', name: 'web_search', status: 'success' }

  it('is a step that costs what it says, and stands in the ledger', async () => {
    const acme = await fresh()
    const agent = by(acme.apiKey)
    const { runId } = await callMade(api, acme)
    const raw = `{"type":"tool_call","name":"web_search","status":"success","cost_usd":0.0100000000000000000001,"latency_ms":12.4}`
    const made = await api.govern('POST', `/v1/runs/${runId}/steps`, { key: acme.apiKey, raw })
    expect(made.status).toBe(201)
    expect(made.body.data).toMatchObject({ type: 'tool_call', model: 'web_search', provider: 'sdk', latency_ms: 12 })
    const steps = (await agent('GET', `/v1/runs/${runId}/steps?sort=type&order=desc`)).body.data
    expect(steps[0]).toStrictEqual(made.body.data)
    expect(await textOf(`/v1/runs/${runId}`, acme.apiKey)).toContain('"cost_usd":0.0110500000000000000001')
    expect((await by(acme.token)('GET', `/api/runs/${runId}/ledger`)).body.total).toBe(2)
  })

  it('is refused where a figure is negative, the run has ended, or the agent is disabled', async () => {
    const acme = await fresh()
    const agent = by(acme.apiKey)
    const { runId } = await callMade(api, acme)
    const path = `/v1/runs/${runId}/steps`
    for (const wrong of [{ cost_usd: -1 }, { latency_ms: -1 }, { tokens: { input: -1 } }, { type: 'llm_call' }]) {
      expect((await agent('POST', path, { ...search, ...wrong })).status).toBe(400)
    }
    const wide = Object.fromEntries(Array.from({ length: 5_001 }, (_, at) => [at, 0]))
    for (const name of ['request', 'response']) {
      const { status, body } = await agent('POST', path, { ...search, [name]: wide })
      expect([status, Object.keys(body.error.fields)]).toStrictEqual([400, [name]])
    }
    expect((await agent('POST', `/v1/runs/${randomUUID()}/steps`, search)).status).toBe(404)
    await agent('POST', '/v1/runs/current/complete')
    expect((await agent('POST', path, search)).status).toBe(409)
    await by(acme.token)('PATCH', `/api/agents/${acme.agentId}`, { status: 'disabled' })
    expect((await agent('POST', path, search)).status).toBe(403)
    const refused = await agent('POST', '/v1/runs/current/complete')
    expect([refused.status, refused.body.error.code]).toStrictEqual([403, 'agent_disabled'])
    expect((await agent('GET', `/v1/runs/${runId}`)).status).toBe(200)
  })
})

describe('a request for approval', () => {
  it('is decided once, whoever comes at the same time', async () => {
    const acme = await fresh()
    const operator = by(acme.token)
    const { runId } = await callMade(api, acme)
    const approvalId = await approvalAsked(api, acme, runId)
    const path = `/api/approval-requests/${approvalId}`
    await eventually(async () => expect((await operator('GET', path)).status).toBe(200))
    expect((await operator('GET', path)).body.data).toMatchObject({
      ...{ status: 'pending', tool_name: 'delete_file', request_snapshot: { truncated: true, bytes: 300_000 } },
    })
    const both = await Promise.all([
      operator('POST', `${path}/approve`),
      operator('POST', `${path}/reject`, { reason: 'no' }),
    ])
    expect(both.map(({ status }) => status).toSorted()).toStrictEqual([200, 409])
    const won = both.find(({ status }) => status === 200)
    expect((await operator('GET', path)).body.data).toStrictEqual(won?.body.data)
    expect((await by(other.token)('GET', path)).status).toBe(404)
    expect((await by(other.token)('POST', `${path}/approve`)).status).toBe(404)
    const listed = await operator('GET', `/api/approval-requests?run_id=${runId}&status=${won?.body.data.status}`)
    expect(listed.body).toMatchObject({ total: 1, data: [{ id: approvalId }] })
    for (const query of ['agent_id=nobody', 'agent_id=', 'run_id=']) {
      expect((await operator('GET', `/api/approval-requests?${query}`)).body).toStrictEqual({ data: [], total: 0 })
    }
  })

  it('has expired at once when its time is over', async () => {
    const acme = await fresh()
    const operator = by(acme.token)
    const approvalId = await approvalAsked(api, acme, randomUUID(), { waitMs: -1 })
    const path = `/api/approval-requests/${approvalId}`
    await eventually(async () => expect((await operator('GET', path)).body.data).toMatchObject({ status: 'expired' }))
    expect((await operator('GET', '/api/approval-requests?status=expired')).body.total).toBe(1)
    expect((await operator('GET', '/api/approval-requests?status=pending')).body.total).toBe(0)
    expect((await operator('POST', `${path}/approve`)).status).toBe(409)
  })
})

describe('the figures of an account', () => {
  it('are those of its calls alone', async () => {
    const acme = await fresh()
    const operator = by(acme.token)
    await callMade(api, acme)
    await callMade(api, acme, { settled: { status: 'error', costUsd: '0', errorKind: 'http_error', latencyMs: 40 } })
    await by(acme.apiKey)('GET', '/v1/runs/current')
    const costs = await operator('GET', '/api/analytics/costs?group_by=agent')
    expect(costs.body).toStrictEqual({
      data: [{ group: acme.agentId, period: null, total_cost_usd: 0.00105, total_tokens: 300, request_count: 2 }],
      total: 1,
    })
    const errors = await operator('GET', '/api/analytics/errors?group_by=model&granularity=day')
    expect(errors.body.data).toMatchObject([
      { group: 'gpt-own', total_requests: 2, error_count: 1, error_rate_pct: 50 },
    ])
    const latency = await operator('GET', '/api/analytics/latency?group_by=provider')
    expect(latency.body.data).toMatchObject([{ group: 'openai', p50_ms: 30, avg_ms: 30, request_count: 2 }])
    const throughput = await operator('GET', '/api/analytics/throughput?group_by=provider_key&limit=99999')
    expect(throughput.body.data).toMatchObject([{ request_count: 2, input_tokens: 100, output_tokens: 200 }])
    const reliability = await operator('GET', '/api/analytics/provider-reliability')
    expect(reliability.body.data).toMatchObject([{ provider: 'openai', success_rate_pct: 50, total_requests: 2 }])
    const top = await operator('GET', '/api/analytics/top?metric=spend&entity=model')
    expect(top.body).toStrictEqual({ data: [{ rank: 1, entity: 'gpt-own', value: 0.00105 }], total: 1 })
    const runs = await operator('GET', '/api/analytics/runs')
    expect(runs.body.data).toMatchObject([{ total_runs: 1, running_count: 1, total_cost_usd: 0.00105 }])
    const overview = await operator('GET', '/api/overview/stats')
    expect(overview.body.data).toMatchObject({ active_agents: 1, total_runs_today: 1, total_spend_today: 0.00105 })
    const { data } = (await by(other.token)('GET', '/api/analytics/costs?group_by=agent')).body
    expect(data).toStrictEqual([])
    expect((await operator('GET', '/api/account')).body.data.monthly_step_count).toBe(2)
  })

  it('are refused for a window without a length, or one that is too long', async () => {
    const operator = by(other.token)
    const ask = (query: string) => operator('GET', `/api/analytics/costs?group_by=day&${query}`)
    for (const query of ['since=2026-01-02T00:00:00Z&until=2026-01-02T00:00:00Z', 'since=2024-01-01T00:00:00Z']) {
      expect((await ask(query)).status).toBe(400)
    }
    expect((await ask('limit=0')).status).toBe(400)
    expect((await operator('GET', '/api/analytics/costs')).status).toBe(400)
  })

  it('of old data are counted before and deleted after, by an admin alone', async () => {
    const acme = await fresh()
    const operator = by(acme.token)
    await callMade(api, acme)
    await by(acme.apiKey)('POST', '/v1/runs/current/complete')
    expect((await operator('GET', '/api/analytics/cleanup-preview?days=1')).body.data).toStrictEqual({
      ...{ runs: 0, steps: 0, ledgerEntries: 0 },
    })
    const deleted = await operator('POST', '/api/analytics/cleanup', { days: 1 })
    expect(deleted.body.data).toStrictEqual({ runsDeleted: 0, stepsDeleted: 0, ledgerEntriesDeleted: 0 })
    expect((await operator('POST', '/api/analytics/cleanup', { days: 0 })).status).toBe(400)
  })
})

describe('a call that is under way', () => {
  it('stands in its run and in no step', async () => {
    const acme = await fresh()
    const { runId } = await callAdmitted(api, acme)
    const agent = by(acme.apiKey)
    expect((await agent('GET', `/v1/runs/${runId}`)).body.data).toMatchObject({ step_count: 1, cost_usd: 0 })
    expect((await agent('GET', `/v1/runs/${runId}/steps`)).body.total).toBe(0)
  })
})
