/**
 * Rungate's money under faults: two processes that admit at once, and one that is killed before its reservation is in the log. After
 * each the books must be whole (check-rungate.ts).
 */
import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { GPT, user } from '../http/rungate/calling.ts'
import { rungateContradictions } from './check-rungate.ts'
import { toolContradictions } from './checker.ts'
import {
  APIS,
  type ApiName,
  type Budgeted,
  type Outcome,
  openRungateHouse,
  patience,
  type RungateHouse,
} from './rungate-house.ts'

const BUDGET = 10

let rungate: RungateHouse
/** Of the test that runs. */
let agents: Budgeted[] = []
beforeAll(async () => {
  rungate = await openRungateHouse()
}, 400_000)
afterAll(() => rungate.close(), 60_000)
afterEach(async () => {
  const { house } = rungate
  await house.mend()
  for (const at of APIS) if (!house.runs(at)) await rungate.start(at)
  await rungate.atRest(agents)
  expect(await rungateContradictions(rungate, agents)).toEqual([])
  agents = []
}, 120_000)

async function agentWith(calls: number, policy?: object): Promise<Budgeted> {
  const agent = await rungate.agentWith(calls, policy)
  agents.push(agent)
  return agent
}

/** So many calls at once, in turn to either process. */
const callsOf = (agent: Budgeted, count: number): Promise<Outcome[]> =>
  Promise.all(Array.from({ length: count }, (_, n) => rungate.call(APIS[n % 2]!, agent, n + 1)))
const served = (outcomes: readonly Outcome[]) => outcomes.filter((outcome) => outcome?.status === 200).length
const refusedFor = (outcomes: readonly Outcome[], code: string) =>
  outcomes.filter((outcome) => outcome?.status === 402 && outcome.code === code).length
const typesOf = async ({ agentId }: Budgeted) =>
  (await rungate.deskOf(agentId)).map(({ type }) => type.split('.')[1] ?? '')

describe('two processes', { timeout: 120_000 }, () => {
  it('row G15: 1,000 calls at once against a budget for ten: ten are served, the rest is refused, nothing stays set aside', async () => {
    const agent = await agentWith(BUDGET, patience)
    await rungate.answerAfter(0)
    const outcomes = await callsOf(agent, 1_000)
    expect([served(outcomes), refusedFor(outcomes, 'budget_exceeded')]).toEqual([BUDGET, 1_000 - BUDGET])
    expect(await rungate.provider.log()).toHaveLength(BUDGET)
    await rungate.atRest([agent])
    const events = await rungate.deskOf(agent.agentId)
    expect(events.filter(({ type }) => type === 'rungate.BookOpened.v1').length, 'books roll').toBeGreaterThan(0)
    const ended = events.find((event) => event.type === 'rungate.RunEnded.v1')
    expect(ended?.data).toMatchObject({ status: 'budget_exceeded', run: { costUsd: agent.limitUsd } })
  })

  it('row G5: for the last cent at once admit one call', async () => {
    const rivals = await Promise.all(Array.from({ length: 8 }, () => agentWith(1, patience)))
    await rungate.answerAfter(20)
    for (const agent of rivals) {
      const outcomes = await callsOf(agent, 2)
      expect([served(outcomes), refusedFor(outcomes, 'budget_exceeded')]).toEqual([1, 1])
    }
  })

  it('row G15: at one desk both go on: neither is told to come back, and neither waits for the other to be done', async () => {
    const each = 300
    const agent = await agentWith(APIS.length * each, patience)
    await rungate.answerAfter(0)
    let next = 0
    const done = new Map<ApiName, number>(APIS.map((at) => [at, 0]))
    const doneOf = (at: ApiName) => done.get(at) ?? 0
    /** Its own calls, 32 at once. Resolves with what the other one has done by then. */
    async function allOf(at: ApiName, other: ApiName): Promise<number> {
      let left = each
      const work = async () => {
        while (left-- > 0) {
          expect((await rungate.call(at, agent, ++next))?.status).toBe(200)
          done.set(at, doneOf(at) + 1)
        }
      }
      await Promise.all(Array.from({ length: 32 }, work))
      return doneOf(other)
    }
    const [beside, beside2] = await Promise.all([allOf('api', 'api-2'), allOf('api-2', 'api')])
    // One that has to wait for the other's end has none of its own by then.
    expect(Math.min(beside, beside2), 'done by the slower one when the quicker one was').toBeGreaterThan(each / 10)
    expect([...done.values()]).toEqual([each, each])
  })

  it('row G11: a token revoked and an agent disabled at one are refused by the other within a second', async () => {
    const { caller, ask } = rungate
    const made = await ask('api', 'POST', '/api/admin-tokens', {
      key: caller.token,
      body: { name: `short-lived ${Date.now()}`, scopes: ['read'] },
    })
    const token = { key: made.body.token }
    const opens = async () => (await ask('api-2', 'GET', '/api/account', token)).status
    await vi.waitFor(async () => expect(await opens()).toBe(200), { interval: 20, timeout: 10_000 })
    const agent = await agentWith(BUDGET)
    const path = `/api/admin-tokens/${made.body.data.id}/revoke`
    expect((await ask('api', 'POST', path, { key: caller.token })).status).toBe(200)
    await vi.waitFor(async () => expect(await opens()).toBe(401), { interval: 5, timeout: 1_000 })
    const change = { key: caller.token, body: { status: 'disabled' } }
    expect((await ask('api', 'PATCH', `/api/agents/${agent.agentId}`, change)).status).toBe(200)
    let n = 0
    const refused = async () =>
      expect(await rungate.call('api-2', agent, ++n)).toMatchObject({ status: 403, code: 'agent_disabled' })
    await vi.waitFor(refused, { interval: 5, timeout: 1_000 })
  })
})

describe('a run that is stopped at one process', { timeout: 60_000 }, () => {
  it('has its call at the other one aborted within a second', async () => {
    const agent = await agentWith(2, patience)
    await rungate.provider.order({ reset: true, rules: [{ fault: { hang: true } }] })
    const asked = rungate.call('api', agent, 1)
    await vi.waitFor(async () => expect(await rungate.provider.log()).toHaveLength(1), { interval: 5, timeout: 10_000 })
    const beganMs = performance.now()
    const { status } = await rungate.ask('api-2', 'POST', `/api/runs/${agent.runId}/stop`, {
      key: rungate.caller.token,
    })
    expect(status).toBe(200)
    expect(await asked).toMatchObject({ status: 403, code: 'run_force_stopped' })
    expect(performance.now() - beganMs).toBeLessThan(1_000)
  })

  it('is decided on at its desk, though the read models do not show it: by its id alone, at either process', async () => {
    const agent = await agentWith(10, patience)
    const { house, caller, ask } = rungate
    const headers = { 'x-rungate-new-run': 'true' }
    const newRun = async (said: string) => {
      const body = { model: GPT, max_completion_tokens: 50, messages: user(said) }
      const called = await ask('api', 'POST', '/v1/chat/completions', { key: agent.apiKey, body, headers })
      expect(called.status).toBe(200)
      return String(called.headers.get('x-rungate-run-id'))
    }
    const operator = (at: ApiName, method: string, path: string) => ask(at, method, path, { key: caller.token })
    house.pause('projector')
    const here = await newRun('here')
    // Nobody is told that a run is absent which goes on.
    expect((await operator('api', 'GET', `/api/runs/${here}`)).status).toBe(503)
    const stopped = await operator('api', 'POST', `/api/runs/${here}/stop`)
    expect([stopped.status, stopped.headers.get('x-opslog-read-models')]).toEqual([200, 'behind'])
    expect((await operator('api', 'POST', `/api/runs/${here}/stop`)).status).toBe(400)
    expect((await operator('api', 'POST', `/api/runs/${here}/unblock`)).status).toBe(200)
    const there = await newRun('there')
    await vi.waitFor(
      async () => expect((await operator('api-2', 'POST', `/api/runs/${there}/stop`)).status).toBe(200),
      { interval: 5, timeout: 5_000 },
    )
    expect((await operator('api', 'POST', `/api/runs/${randomUUID()}/stop`)).status).toBe(404)
    house.proceed('projector')
    for (const runId of [here, there]) {
      await vi.waitFor(
        async () => {
          const { status, body: shown } = await operator('api', 'GET', `/api/runs/${runId}`)
          expect([status, shown.data?.status]).toEqual([200, 'force_stopped'])
        },
        { interval: 100, timeout: 20_000 },
      )
    }
  })
})

describe('a process', { timeout: 120_000 }, () => {
  it('row G1: killed before the reservation’s append has done nothing: no provider was asked, and nothing is set aside', async () => {
    const agent = await agentWith(2)
    await rungate.answerAfter(0)
    const before = (await typesOf(agent)).length
    rungate.order({ at: 'desk.before-append', about: 'CallReserved', do: 'kill' })
    const asked = rungate.call('api', agent, 1)
    await rungate.reached()
    await asked
    await vi.waitFor(() => expect(rungate.house.runs('api')).toBe(false), { timeout: 10_000 })
    expect(await typesOf(agent)).toHaveLength(before)
    expect(await rungate.provider.log()).toEqual([])
    await rungate.start('api')
    const outcomes = [await rungate.call('api-2', agent, 2), await rungate.call('api', agent, 3)]
    expect(served(outcomes)).toBe(2)
  })
})

it('nothing contradicts anything in all of the log, and read models that are made anew are the same', {
  timeout: 120_000,
}, async () => {
  expect(await toolContradictions(rungate.house)).toEqual([])
})
