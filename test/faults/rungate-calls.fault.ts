/**
 * Calls of rungate under faults: processes that are killed, or stand still, between a reservation and its settlement; clients that
 * leave, services that are away, clocks that are wrong. After each the books must be whole (check-rungate.ts).
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import type { CrashOrder } from '../../src/runtime/crash-points.ts'
import { runCli } from '../support/cli.ts'
import { temporaryDirectory } from '../support/services.ts'
import { rungateContradictions } from './check-rungate.ts'
import { toolContradictions } from './checker.ts'
import { APIS, type Budgeted, type Outcome, openRungateHouse, patience, type RungateHouse } from './rungate-house.ts'

const HOUR_MS = 3_600_000
/** Calls that nobody settles expire within seconds; a busy machine takes longer. */
const EXPIRY_MAX_MS = 40_000
/** A connection to a service that is away is given up, and made again, in its own time. */
const SERVICE_MAX_MS = 60_000

let rungate: RungateHouse
/** Of the test that runs. */
let agents: Budgeted[] = []
const directory = temporaryDirectory()
const shiftFile = join(directory.path, 'shift')
const SHIFTED = [...APIS, 'relay'] as const

/** Sets the clocks of the processes that admit calls, and of the one that sweeps. */
function setClocks(ms: number): void {
  writeFileSync(shiftFile, String(ms))
  for (const role of SHIFTED) process.kill(rungate.house.pidOf(role), 'SIGUSR2')
}

beforeAll(async () => {
  writeFileSync(shiftFile, '0')
  const shiftModule = pathToFileURL(join(import.meta.dirname, '../support/clock-shift.ts')).href
  rungate = await openRungateHouse({
    ...{ NODE_OPTIONS: `--import ${shiftModule}`, CLOCK_SHIFT_FILE: shiftFile, CLOCK_CHECK_INTERVAL_MS: '200' },
  })
}, 400_000)
afterAll(async () => {
  await rungate?.close()
  directory.remove()
}, 60_000)
afterEach(async () => {
  const { house } = rungate
  await house.mend()
  for (const at of APIS) if (!house.runs(at)) await rungate.start(at)
  await rungate.atRest(agents)
  expect(await rungateContradictions(rungate, agents)).toEqual([])
  agents = []
}, 240_000)

async function agentWith(calls: number, policy?: object): Promise<Budgeted> {
  const agent = await rungate.agentWith(calls, policy)
  agents.push(agent)
  return agent
}
const eventsOf = async ({ agentId }: Budgeted, type: string) =>
  (await rungate.deskOf(agentId)).filter((event) => event.type === `rungate.${type}.v1`)
const statusOf = (outcome: Outcome) => outcome?.status
/** Resolves with the one call of the agent that has expired. */
const expired = (agent: Budgeted) =>
  vi.waitFor(
    async () => {
      const events = await eventsOf(agent, 'CallExpired')
      expect(events).toHaveLength(1)
      return events.flatMap(({ data }) => ('callId' in data ? [data.callId] : []))[0]!
    },
    { interval: 100, timeout: EXPIRY_MAX_MS },
  )
/** Ends the process with the next work of `asked` that passes the point. Resolves with what the client was told. */
async function killed(order: Omit<CrashOrder, 'do'>, asked: () => Promise<Outcome>): Promise<Outcome> {
  rungate.order({ ...order, do: 'kill' })
  const asking = asked()
  await rungate.reached()
  await vi.waitFor(() => expect(rungate.house.runs('api')).toBe(false), { interval: 5, timeout: 10_000 })
  return asking
}
/** What a call has cost, said by hand. */
async function settled(callId: string, cost: string): Promise<{ changed: boolean }> {
  const args = ['rungate', 'calls', 'settle', callId, '--cost', cost, '--provider', 'openai', '--json']
  const { exitCode, stdout, stderr } = await runCli(args, rungate.house.toolEnvironment)
  expect([exitCode, stderr]).toEqual([0, ''])
  return JSON.parse(stdout)
}

describe('a process that is killed', { timeout: 180_000 }, () => {
  it.each([
    ['between the reservation’s append and the call', { at: 'desk.after-append', about: 'CallReserved' }, undefined, 0],
    ['between the call and its settlement’s append', { at: 'desk.before-append', about: 'CallSettled' }, 200, 1],
  ] as const)(
    'row G2: %s leaves what was set aside counted, until somebody says what it cost',
    async (_, order, told, sent) => {
      const agent = await agentWith(3)
      await rungate.answerAfter(0)
      expect(statusOf(await killed(order, () => rungate.call('api', agent, 1)))).toBe(told)
      expect(await rungate.provider.log()).toHaveLength(sent)
      expect(statusOf(await rungate.call('api-2', agent, 2))).toBe(200)
      const callId = await expired(agent)
      const steps = await rungate.ask('api-2', 'GET', `/api/runs/${agent.runId}/steps`, { key: rungate.caller.token })
      const step = steps.body.data.find(({ id }: { id: string }) => id === callId)
      expect(step).toMatchObject({ status: 'error', cost_usd: 0 })
      expect(step.error_message).toContain('may have cost up to')
      // Nothing was spent, as far as the provider's books say.
      expect(await settled(callId, '0')).toMatchObject({ changed: true })
      expect(await settled(callId, agent.limitUsd)).toMatchObject({ changed: false })
      const outcomes = [await rungate.call('api-2', agent, 3), await rungate.call('api-2', agent, 4)]
      expect(outcomes.map(statusOf)).toEqual([200, 200])
      expect(await rungate.call('api-2', agent, 5)).toMatchObject({ status: 402, code: 'budget_exceeded' })
    },
  )

  it('row G2: holds so much that nothing else fits, and the run ends with what may have been spent', async () => {
    const agent = await agentWith(1)
    await rungate.answerAfter(0)
    await killed({ at: 'desk.before-append', about: 'CallSettled' }, () => rungate.call('api', agent, 1))
    // Only what is under way stands in the way, for all that anybody knows.
    expect(await rungate.call('api-2', agent, 2)).toMatchObject({ status: 402, retryAfter: expect.any(String) })
    const callId = await expired(agent)
    expect(await rungate.call('api-2', agent, 3)).toMatchObject({ status: 402, retryAfter: undefined })
    expect(await settled(callId, '0.00001')).toMatchObject({ changed: true, run_cost_usd: expect.any(String) })
    const [ended] = await eventsOf(agent, 'RunEnded')
    expect(ended?.data).toMatchObject({ status: 'budget_exceeded' })
  })

  it('row G3: after the settlement’s append has left nothing to do', async () => {
    const agent = await agentWith(2)
    await rungate.answerAfter(0)
    const order = { at: 'desk.after-append', about: 'CallSettled' } as const
    expect(statusOf(await killed(order, () => rungate.call('api', agent, 1)))).toBe(200)
    expect(statusOf(await rungate.call('api-2', agent, 2))).toBe(200)
    expect(await rungate.call('api-2', agent, 3)).toMatchObject({ status: 402, code: 'budget_exceeded' })
    expect(await eventsOf(agent, 'CallExpired')).toEqual([])
  })

  it('row G3: between two books leaves the next one to whoever comes', async () => {
    const agent = await agentWith(60)
    await rungate.answerAfter(0)
    let n = 0
    const many = async () => {
      await Promise.all(Array.from({ length: 30 }, () => rungate.call('api', agent, ++n)))
      return undefined
    }
    await killed({ at: 'desk.between-books' }, many)
    expect(statusOf(await rungate.call('api-2', agent, ++n))).toBe(200)
    expect((await eventsOf(agent, 'BookOpened')).length).toBeGreaterThan(0)
  })
})

describe('a process that stands still', { timeout: 180_000 }, () => {
  it('row G4: until its call has expired puts the true cost in the place of what was held, once', async () => {
    const agent = await agentWith(2)
    await rungate.answerAfter(0)
    rungate.order({ at: 'desk.before-append', about: 'CallSettled', do: 'stop' })
    const asked = rungate.call('api', agent, 1)
    await rungate.reached()
    expect(statusOf(await asked)).toBe(200)
    const callId = await expired(agent)
    rungate.house.proceed('api')
    const settlements = await vi.waitFor(
      async () => {
        const found = (await eventsOf(agent, 'CallSettled')).filter(
          ({ data }) => 'callId' in data && data.callId === callId,
        )
        expect(found.length).toBeGreaterThan(0)
        return found
      },
      { interval: 50, timeout: EXPIRY_MAX_MS },
    )
    expect(settlements.map(({ data }) => data)).toEqual([expect.objectContaining({ replacesHeld: true })])
    expect(statusOf(await rungate.call('api', agent, 2))).toBe(200)
    expect(await rungate.call('api-2', agent, 3)).toMatchObject({ status: 402, code: 'budget_exceeded' })
  })
})

describe('a client that leaves', { timeout: 120_000 }, () => {
  it('row G8: while its call waits at the desk has cost nothing, and holds nothing', async () => {
    const agent = await agentWith(4, patience)
    await rungate.answerAfter(0)
    // From then on the process has the desk in memory, and needs no answer of the store to admit.
    expect(statusOf(await rungate.call('api', agent, 1))).toBe(200)
    // A call is settled after its answer; the held line is to hold up no settlement.
    await rungate.atRest([agent])
    const before = (await eventsOf(agent, 'CallReserved')).length
    const { store } = rungate.house.lines('api')
    store.hold()
    const first = rungate.call('api', agent, 2)
    // Its append has arrived, and no answer comes: whatever follows waits for it.
    await vi.waitFor(async () => expect((await eventsOf(agent, 'CallReserved')).length).toBe(before + 1), {
      interval: 20,
      timeout: 10_000,
    })
    const leaving = new AbortController()
    const second = rungate.call('api', agent, 3, leaving.signal)
    const underWay = (calls: number) =>
      vi.waitFor(async () => expect(await rungate.callsUnderWay('api')).toBe(calls), { interval: 10, timeout: 10_000 })
    await underWay(2)
    const third = rungate.call('api', agent, 4)
    await underWay(3)
    leaving.abort()
    expect(await second).toBeUndefined()
    store.mend()
    expect([await first, await third].map(statusOf)).toEqual([200, 200])
    await rungate.atRest([agent])
    const ended = await eventsOf(agent, 'CallSettled')
    const left = ended.filter(({ data }) => 'errorKind' in data && data.errorKind === 'client_disconnect')
    expect(left.map(({ data }) => data)).toEqual([expect.objectContaining({ status: 'error', costUsd: '0' })])
    expect(await rungate.provider.log()).toHaveLength(3)
    const outcomes = [await rungate.call('api', agent, 5), await rungate.call('api-2', agent, 6)]
    expect(outcomes.map(statusOf)).toEqual([200, 402])
  })
})

describe('without', { timeout: 240_000 }, () => {
  const reads = async () => (await rungate.ask('api', 'GET', '/api/runs', { key: rungate.caller.token })).status
  /** Resolves when a call of the agent is served again. */
  const served = (agent: Budgeted, n: number) =>
    vi.waitFor(async () => expect(statusOf(await rungate.call('api', agent, n))).toBe(200), {
      interval: 200,
      timeout: SERVICE_MAX_MS,
    })

  it('row G9: the event store no call leaves; one that is under way is answered, and recorded when it is back', async () => {
    const agent = await agentWith(10, patience)
    await rungate.answerAfter(3_000)
    const underWay = rungate.call('api', agent, 1)
    await vi.waitFor(async () => expect(await rungate.provider.log()).toHaveLength(1), {
      interval: 20,
      timeout: 10_000,
    })
    const { store } = rungate.house.services
    await store.kill()
    const refused = await rungate.call('api', agent, 2)
    expect(refused).toMatchObject({ status: 503, retryAfter: expect.any(String) })
    expect(statusOf(await underWay)).toBe(200)
    expect(await rungate.provider.log()).toHaveLength(1)
    await store.start()
    await rungate.answerAfter(0)
    await served(agent, 3)
  })

  it('row G9: PostgreSQL calls go on, and reads are 503', async () => {
    const agent = await agentWith(10, patience)
    await rungate.answerAfter(0)
    const { postgres } = rungate.house.services
    await postgres.kill('SIGQUIT')
    expect(await reads()).toBe(503)
    expect(statusOf(await rungate.call('api', agent, 1))).toBe(200)
    expect(statusOf(await rungate.call('api-2', agent, 2))).toBe(200)
    await postgres.start()
    await vi.waitFor(async () => expect(await reads()).toBe(200), { interval: 200, timeout: SERVICE_MAX_MS })
  })

  it('row G9: either of them nothing is served, and nothing leaves; with both of them all is as before', async () => {
    const agent = await agentWith(10, patience)
    await rungate.answerAfter(0)
    const { store, postgres } = rungate.house.services
    await Promise.all([store.kill(), postgres.kill('SIGQUIT')])
    expect(await rungate.call('api', agent, 1)).toMatchObject({ status: 503, retryAfter: expect.any(String) })
    expect(await reads()).toBe(503)
    expect(await rungate.provider.log()).toEqual([])
    await Promise.all([store.start(), postgres.start()])
    await served(agent, 2)
    await vi.waitFor(async () => expect(await reads()).toBe(200), { interval: 200, timeout: SERVICE_MAX_MS })
  })
})

describe.each([
  ['ahead', 2 * HOUR_MS],
  ['behind', -2 * HOUR_MS],
])('clocks that are two hours %s', (_, shiftMs) => {
  const offsetS = async (at: (typeof APIS)[number]) => {
    const metrics = await (await fetch(`${rungate.house.urlOf(at)}/metrics`)).text()
    return Number(/^opslog_clock_offset_seconds (\S+)$/m.exec(metrics)?.[1])
  }
  const areKnown = async (ms: number) => {
    for (const at of APIS) expect(Math.abs((await offsetS(at)) - ms / 1_000)).toBeLessThan(60)
  }
  const runOf = async ({ runId }: Budgeted) =>
    (await rungate.ask('api', 'GET', `/api/runs/${runId}`, { key: rungate.caller.token })).body.data

  it('row G10: free nothing of an hour’s budget, and end no run', { timeout: 120_000 }, async () => {
    const agent = await agentWith(20, { ...patience })
    const perHour = Number(agent.limitUsd) / 10
    const hourly = await agentWith(20, {
      ...patience,
      // Of what its first call cost there is room for nothing more.
      budget: { hard_limit_usd: Number(agent.limitUsd), max_cost_per_hour_usd: perHour / 2 },
    })
    const refusal = { status: 402, code: 'budget_exceeded', retryAfter: expect.any(String) }
    expect(await rungate.call('api', hourly, 1)).toMatchObject(refusal)
    setClocks(shiftMs)
    try {
      await vi.waitFor(() => areKnown(shiftMs), { interval: 100, timeout: 20_000 })
      for (const at of APIS) expect(await rungate.call(at, hourly, 2)).toMatchObject(refusal)
      // Its own time is over within a second: then the sweeper has looked, whatever its clock says.
      const brief = await agentWith(2, { ...patience, implicit_run_grouping: { run_idle_timeout_seconds: 1 } })
      await vi.waitFor(async () => expect((await runOf(brief)).ended_reason).toBe('idle_timeout'), {
        interval: 200,
        timeout: 30_000,
      })
      expect(await runOf(agent)).toMatchObject({ status: 'running' })
      expect(statusOf(await rungate.call('api', agent, 1))).toBe(200)
    } finally {
      setClocks(0)
    }
    await vi.waitFor(() => areKnown(0), { interval: 100, timeout: 20_000 })
    expect(await rungate.call('api-2', hourly, 3)).toMatchObject(refusal)
  })
})

it('nothing contradicts anything in all of the log, and read models that are made anew are the same', {
  timeout: 120_000,
}, async () => {
  expect(await toolContradictions(rungate.house)).toEqual([])
})
