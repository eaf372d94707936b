/** Which run a call belongs to, how runs end, and what an agent may do in them. */
import { describe, expect, it } from 'vitest'
import { author, callFacts, deskOf, policyOf, settlement } from '../../../support/desk.ts'
import { uuidOf } from '../../../support/examples.ts'

const admitted = (outcome: ReturnType<ReturnType<typeof deskOf>['admit']>) => {
  if (outcome.kind !== 'admitted') throw new Error(`it was ${JSON.stringify(outcome)}`)
  return outcome
}
const refused = (outcome: ReturnType<ReturnType<typeof deskOf>['admit']>) => {
  if (outcome.kind !== 'refused') throw new Error(`it was ${JSON.stringify(outcome)}`)
  return outcome
}
const asking = (run: Partial<ReturnType<typeof callFacts>['run']>) => ({
  run: { runId: null, isNew: false, name: null, metadata: null, known: null, ...run },
})
const named = (name: string) => uuidOf(`run of ${name}`)

describe('metadata', () => {
  it('is merged into that of the run, as long as all of it is within the bound', () => {
    const desk = deskOf({ metadataMaxBytes: 100 })
    const call = (name: string, metadata: Record<string, unknown>) =>
      desk.admit(callFacts(name, asking({ metadata })), 1)
    admitted(call('a', { first: 'x'.repeat(60) }))
    admitted(call('b', { first: 'y'.repeat(60) }))
    expect(refused(call('c', { second: 'z'.repeat(60) }))).toMatchObject({ status: 400, code: 'metadata_too_long' })
    expect(desk.log.filter(({ type }) => type === 'rungate.RunAnnotated.v1')).toHaveLength(1)
    expect(desk.log.some(({ type }) => type === 'rungate.CallBlocked.v1')).toBe(false)
  })
})

describe('a call without a name for its run', () => {
  it('starts one, which later calls within the window join', () => {
    const desk = deskOf()
    expect(admitted(desk.admit(callFacts('a'), 0))).toMatchObject({ isNewRun: true, run: { runId: named('a') } })
    desk.settle(settlement('a'), 1)
    expect(admitted(desk.admit(callFacts('b'), 200))).toMatchObject({ isNewRun: false, run: { runId: named('a') } })
  })

  it('ends one that is older than the window, and starts another', () => {
    const desk = deskOf()
    desk.admit(callFacts('a'), 0)
    desk.settle(settlement('a'), 1)
    expect(admitted(desk.admit(callFacts('b'), 400)).run.runId).toBe(named('b'))
    expect(desk.log.find(({ type }) => type === 'rungate.RunEnded.v1')?.data).toMatchObject({
      ...{ runId: named('a'), status: 'completed', endedReason: 'idle_auto_complete', completionReason: 'explicit' },
    })
  })

  it('joins one that has a call under way, however long that takes', () => {
    const desk = deskOf()
    desk.admit(callFacts('a'), 0)
    expect(admitted(desk.admit(callFacts('b'), 5_000)).run.runId).toBe(named('a'))
  })

  it('of another policy has a run of its own', () => {
    const desk = deskOf()
    desk.admit(callFacts('a'), 0)
    const policy = { ...policyOf(), policyId: uuidOf('other policy') }
    expect(admitted(desk.admit(callFacts('b', { policy }), 1)).run.runId).toBe(named('b'))
  })

  it('starts none for a while after a force-stop, until the stop is lifted or a new run is asked for', () => {
    const desk = deskOf()
    desk.admit(callFacts('a'), 0)
    desk.ask({ kind: 'stop', runId: named('a'), author }, 1)
    expect(refused(desk.admit(callFacts('b'), 2))).toMatchObject({
      ...{ status: 403, code: 'run_blocked_after_force_stop', run: null, retryAfterS: 3_599 },
    })
    const { policyId } = policyOf()
    const lift = { kind: 'lift', runId: named('a'), policyId, isKnown: false, author } as const
    const { result } = desk.ask(lift, 3)
    expect(desk.ask(lift, 9)).toMatchObject({ result, events: [] })
    expect(admitted(desk.admit(callFacts('c'), 10)).isNewRun).toBe(true)
    desk.ask({ kind: 'stop', runId: named('c'), author }, 11)
    expect(admitted(desk.admit(callFacts('d', asking({ isNew: true })), 12)).isNewRun).toBe(true)
    expect(refused(desk.admit(callFacts('e', asking({ runId: named('c') })), 13))).toMatchObject({
      ...{ code: 'run_force_stopped', endedRunId: named('c') },
    })
  })
})

describe('a call that names its run', () => {
  it('is refused where the run has ended, and asks for what the desk has forgotten', () => {
    const desk = deskOf()
    desk.admit(callFacts('a'), 0)
    desk.settle(settlement('a'), 1)
    desk.ask({ kind: 'complete', runId: null, by: 'agent', author }, 2)
    expect(refused(desk.admit(callFacts('b', asking({ runId: named('a') })), 3))).toMatchObject({
      ...{ status: 409, code: 'conflict' },
    })
    expect(refused(desk.admit(callFacts('c', asking({ runId: 'nonsense' })), 3)).status).toBe(404)
    const runId = uuidOf('a run of old')
    expect(desk.admit(callFacts('d', asking({ runId })), 3)).toStrictEqual({ kind: 'lookup', runId })
    const known = (status: 'absent' | 'budget_exceeded') => asking({ runId, known: status })
    expect(refused(desk.admit(callFacts('e', known('absent')), 3)).status).toBe(404)
    expect(refused(desk.admit(callFacts('f', known('budget_exceeded')), 3)).status).toBe(402)
  })

  it('joins it whatever its age, and adds to its metadata', () => {
    const desk = deskOf()
    desk.admit(callFacts('a', asking({ name: 'nightly', metadata: { job: 1, tag: 'x' } })), 0)
    desk.settle(settlement('a'), 1)
    const later = asking({ runId: named('a'), name: 'ignored', metadata: { job: 2 } })
    expect(admitted(desk.admit(callFacts('b', later), 9_000)).run.name).toBe('nightly')
    expect(desk.state().runs.get(named('a'))?.metadata).toStrictEqual({ job: 2, tag: 'x' })
    const again = desk.log.length
    desk.admit(callFacts('c', later), 9_001)
    expect(desk.log.slice(again).map(({ type }) => type)).toStrictEqual(['rungate.CallReserved.v1'])
  })
})

it('a new run that is asked for ends every other one', () => {
  const desk = deskOf()
  desk.admit(callFacts('a'), 0)
  desk.admit(callFacts('b', { policy: { ...policyOf(), policyId: uuidOf('other policy') } }), 0)
  const { log } = desk
  const before = log.length
  expect(admitted(desk.admit(callFacts('c', asking({ isNew: true })), 1)).run.runId).toBe(named('c'))
  const reasons = log
    .slice(before)
    .flatMap(({ type, data }) => (type === 'rungate.RunEnded.v1' ? [data.endedReason] : []))
  expect(reasons).toStrictEqual(['new_run_requested', 'new_run_requested'])
})

describe('a run', () => {
  it('ends as it is told to, with the outcome that the agent, the policy or the way of its end give it', () => {
    const outcomes = (settings: object, command: object) => {
      const desk = deskOf()
      desk.admit(callFacts('a', { policy: policyOf({ settings }) }), 0)
      const { events } = desk.ask({ kind: 'complete', runId: named('a'), by: 'agent', author, ...command }, 1)
      const [ended] = events
      return ended?.type === 'rungate.RunEnded.v1' ? [ended.data.endedReason, ended.data.outcome] : []
    }
    expect(outcomes({}, {})).toStrictEqual(['agent_signaled', 'success'])
    expect(outcomes({}, { by: 'dashboard' })).toStrictEqual(['admin_completed', null])
    expect(outcomes({}, { endedReason: 'done early' })).toStrictEqual(['done early', null])
    const outcomeDefaults = { agentSignaled: 'partial' }
    expect(outcomes({ outcomeDefaults }, {})).toStrictEqual(['agent_signaled', 'partial'])
    expect(outcomes({ outcomeDefaults }, { outcome: 'failed' })).toStrictEqual(['agent_signaled', 'failed'])
  })

  it('ends once: whoever comes second is refused', () => {
    const desk = deskOf()
    desk.admit(callFacts('a'), 0)
    desk.ask({ kind: 'stop', runId: named('a'), author }, 1)
    expect(() => desk.ask({ kind: 'complete', runId: named('a'), by: 'dashboard', author }, 2)).toThrow('has ended')
    expect(() => desk.ask({ kind: 'stop', runId: uuidOf('no run'), author }, 2)).toThrow('no such run')
    expect(() => desk.ask({ kind: 'complete', runId: null, by: 'agent', author }, 2)).toThrow('no such run')
    expect(desk.ask({ kind: 'completeAll', author }, 3)).toMatchObject({ result: { ended: [] } })
  })

  it('takes in a call that ends after it, and is then forgotten', () => {
    const desk = deskOf()
    desk.admit(callFacts('a'), 0)
    desk.ask({ kind: 'completeAll', author }, 1)
    expect(desk.state().runs.size).toBe(1)
    expect(desk.settle(settlement('a'), 2).run?.totals.costUsd).toBe('0.00105')
    expect(desk.log.at(-1)?.data).toMatchObject({ isAfterEnd: true })
    expect(desk.state().runs.size).toBe(0)
  })

  it('that nobody uses ends by the sweep, but not with a call under way or an approval that pends', () => {
    const desk = deskOf()
    desk.admit(callFacts('a'), 0)
    desk.ask({ kind: 'sweep' }, 100)
    expect(desk.state().runs.size).toBe(1)
    desk.settle(settlement('a'), 101)
    const { result } = desk.ask({ kind: 'sweep' }, 400)
    expect(result).toMatchObject({ nextAtMs: Date.parse('2026-03-02T09:06:41.000Z') })
    expect(desk.ask({ kind: 'sweep' }, 401).events).toMatchObject([
      { data: { status: 'completed', endedReason: 'idle_timeout', completionReason: 'idle_timeout', outcome: null } },
    ])
  })

  it('is described anew, also after its end where the caller knows that it is there', () => {
    const desk = deskOf()
    desk.admit(callFacts('a'), 0)
    const rename = { kind: 'annotate', runId: null, policyId: null, isKnown: false, name: 'weekly', author } as const
    expect(desk.ask(rename, 1).result).toMatchObject({ runId: named('a'), said: { name: 'weekly' } })
    expect(desk.ask(rename, 1).events).toStrictEqual([])
    const old = { ...rename, runId: uuidOf('a run of old') }
    expect(() => desk.ask(old, 2)).toThrow('no such run')
    const { policyId } = policyOf()
    expect(desk.ask({ ...old, isKnown: true, policyId }, 2).events).toMatchObject([{ data: { name: 'weekly' } }])
  })

  it('has as many steps as its policy allows, tool calls among them, and goes on then', () => {
    const desk = deskOf()
    const policy = policyOf({ settings: { runawayPrevention: { enabled: true, maxStepsPerRun: 2 } } })
    desk.admit(callFacts('a', { policy }), 0)
    const tool = {
      ...({ kind: 'logTool', status: 'success', name: 'search', provider: 'sdk' } as const),
      ...{ runId: named('a'), stepId: uuidOf('step') },
      ...{ tokens: { input: 1, output: 2, cacheRead: 0, cacheCreation: 0 }, costUsd: '0.01' },
      ...{ latencyMs: 5, errorMessage: null, mayKeep: () => false },
    }
    expect(desk.ask(tool, 1).result).toMatchObject({ step: { run: { costUsd: '0.01', stepCount: 2 }, ordinal: 0 } })
    expect(() => desk.ask(tool, 1)).toThrow('allows 2 steps')
    expect(refused(desk.admit(callFacts('b', { policy }), 2))).toMatchObject({
      ...{ status: 403, code: 'runaway_prevention', run: { status: 'running', totals: { hasGovernanceBlock: true } } },
    })
  })
})

it('a new book begins with all that the desk knew', () => {
  const desk = deskOf()
  desk.admit(callFacts('a'), 0)
  desk.admit(callFacts('b'), 1)
  desk.settle(settlement('b'), 2)
  desk.ask({ kind: 'stop', runId: named('a'), author }, 3)
  const before = structuredClone(desk.state())
  desk.turn()
  expect(desk.state()).toStrictEqual(before)
  desk.settle(settlement('a'), 4)
  expect(desk.state().calls.size).toBe(0)
})
