/** What a call is admitted with, and why one is refused. */
import { describe, expect, it } from 'vitest'
import type { AdmitOutcome, CallFacts } from '../../../../src/commands/rungate/desk/interface.ts'
import { type Changes, callFacts, candidates, deskOf, policyOf, settlement } from '../../../support/desk.ts'
import { timeAt, uuidOf } from '../../../support/examples.ts'

const under = (changes: Changes, facts: Partial<CallFacts> = {}) => ({ policy: policyOf(changes), ...facts })
const refused = (outcome: AdmitOutcome) => {
  if (outcome.kind !== 'refused') throw new Error(`it was ${JSON.stringify(outcome)}`)
  return outcome
}
const admitted = (outcome: AdmitOutcome) => {
  if (outcome.kind !== 'admitted') throw new Error(`it was ${JSON.stringify(outcome)}`)
  return outcome
}

describe('models and tools', () => {
  it('blocked ones go before allowed ones; an override passes by both', () => {
    const outcomes = (settings: Changes['settings'], model: string | null) =>
      deskOf().admit(callFacts('a', under({ settings: settings ?? {} }, { model })), 0)
    expect(refused(outcomes({ allowedModels: ['claude-*'] }, 'gpt-own'))).toMatchObject({
      ...{ status: 403, code: 'model_not_allowed', details: { asked: 'gpt-own', allowed: ['claude-*'] } },
    })
    expect(refused(outcomes({ allowedModels: ['gpt-*'], blockedModels: ['*own'] }, 'gpt-own')).details).toMatchObject({
      rule: '*own',
    })
    expect(refused(outcomes({}, null))).toMatchObject({ status: 400, code: 'model_missing' })
    expect(admitted(outcomes({ defaultModel: 'gpt-own' }, null))).toMatchObject({ model: 'gpt-own', routedFrom: null })
    expect(admitted(outcomes({ blockedModels: ['*'], modelOverride: 'gpt-own' }, 'gpt-5'))).toMatchObject({
      ...{ model: 'gpt-own', routedFrom: 'gpt-5' },
    })
  })

  it('a tool that the policy does not allow refuses the call', () => {
    const settings = { allowedTools: ['read_*'], blockedTools: ['*_all'] }
    const tools = ['read_file', 'read_all', 'write_file']
    expect(refused(deskOf().admit(callFacts('a', under({ settings }, { tools })), 0)).details).toStrictEqual({
      tools: ['read_all', 'write_file'],
    })
  })

  it('a refusal has a step of its own, but for those of a flood, which are counted', () => {
    const desk = deskOf({ blockedStepsMax: 2 })
    const policy = policyOf({ settings: { blockedModels: ['gpt-*'] } })
    const ask = (name: string, seconds: number) =>
      desk.ask(
        { kind: 'admit', facts: callFacts(name, { policy }), candidatesOf: () => candidates, processId: '' },
        seconds,
      )
    expect(ask('a', 0).types).toStrictEqual(['RunStarted', 'CallBlocked'])
    expect(ask('b', 1).types).toStrictEqual(['CallBlocked'])
    const third = ask('c', 2)
    expect(third.events).toStrictEqual([])
    expect(third.result).toMatchObject({ blocked: { stepId: uuidOf('call b'), code: 'model_not_allowed' } })
    expect(ask('d', 61).types).toStrictEqual(['CallBlocked'])
  })
})

describe('approvals', () => {
  const settings = { requireApproval: ['delete_*'] }
  const fingerprint = 'ef'.repeat(32)
  const facts = (name: string, status?: 'pending' | 'approved' | 'rejected', runOf = name) =>
    callFacts(name, {
      ...under({ settings }, { tools: ['delete_file'], fingerprint }),
      approvals: status
        ? [
            {
              ...{ runId: uuidOf(`run of ${runOf}`), tool: 'delete_file', approvalId: uuidOf('approval'), status },
              expiresAt: timeAt(28_800),
            },
          ]
        : [],
    })

  it('are asked for once, and keep the run from ending', () => {
    const desk = deskOf()
    expect(desk.admit(facts('a'), 0)).toMatchObject({ kind: 'approval', missing: ['delete_file'], isNewRun: true })
    const pending = {
      kind: 'approval',
      missing: [],
      pending: [{ tool: 'delete_file', approvalId: uuidOf('approval') }],
    }
    expect(desk.admit(facts('a', 'pending'), 1)).toMatchObject({ ...pending, stepId: uuidOf('call a') })
    const before = desk.log.length
    expect(desk.admit(facts('b', 'pending', 'a'), 9_000)).toMatchObject({ ...pending, stepId: uuidOf('call a') })
    desk.ask({ kind: 'sweep' }, 9_000)
    expect(desk.log).toHaveLength(before)
  })

  it('once given let the call pass; refused ones refuse it', () => {
    expect(admitted(deskOf().admit(facts('a', 'approved'), 0)).isNewRun).toBe(true)
    expect(refused(deskOf().admit(facts('a', 'rejected'), 0))).toMatchObject({
      ...{ code: 'tool_blocked', details: { approval: uuidOf('approval') } },
    })
  })

  // Seen to fail without the note of the decision: the run goes on for as long as the approval would have waited.
  it.each(['approved', 'rejected'] as const)(
    'that are %s keep the run no longer than a call does, from the decision on',
    (decision) => {
      const desk = deskOf()
      desk.admit(facts('a'), 0)
      desk.admit(facts('a', 'pending'), 1)
      const noted = {
        kind: 'noteApproval',
        runId: uuidOf('run of a'),
        approvalId: uuidOf('approval'),
        decision,
      } as const
      expect(desk.ask(noted, 9_000).types).toStrictEqual(['DecisionNoted'])
      expect(desk.ask(noted, 9_001).types).toStrictEqual([])
      // Until then the agent finds its run.
      expect(desk.admit(facts('b', 'pending', 'a'), 9_299)).toMatchObject({ run: { runId: uuidOf('run of a') } })
      expect(desk.ask({ ...noted }, 9_299).types).toStrictEqual(['DecisionNoted'])
      expect(desk.ask({ kind: 'sweep' }, 9_598).types).toStrictEqual([])
      expect(desk.ask({ kind: 'sweep' }, 9_599).types).toStrictEqual(['RunEnded'])
    },
  )

  it('of several tools keep the run until the last is given, or one is refused', () => {
    const wanting = (name: string, status: 'pending' | 'approved') => ({
      ...facts(name, 'pending', 'a'),
      tools: ['delete_file', 'delete_all'],
      approvals: (['delete_file', 'delete_all'] as const).map((tool) => ({
        ...{ runId: uuidOf('run of a'), tool, approvalId: uuidOf(`approval of ${tool}`), status },
        expiresAt: timeAt(28_800),
      })),
    })
    const note = (tool: string, decision: 'approved' | 'rejected') =>
      ({
        kind: 'noteApproval',
        runId: uuidOf('run of a'),
        approvalId: uuidOf(`approval of ${tool}`),
        decision,
      }) as const
    for (const [decision, left] of [
      ['approved', 1],
      ['rejected', 0],
    ] as const) {
      const desk = deskOf()
      desk.admit(wanting('a', 'pending'), 0)
      desk.ask(note('delete_file', decision), 1)
      expect(desk.state().runs.get(uuidOf('run of a'))?.awaits.size).toBe(left)
      desk.ask(note('delete_all', 'approved'), 2)
      expect(desk.state().runs.get(uuidOf('run of a'))?.awaits.size).toBe(0)
    }
  })

  it('that are seen by the call itself need nobody to tell of them', () => {
    const desk = deskOf()
    desk.admit(facts('a', 'pending'), 0)
    desk.turn()
    expect(admitted(desk.admit(facts('b', 'approved', 'a'), 1)).isNewRun).toBe(false)
    expect(desk.log.map(({ type }) => type.split('.')[1]).slice(-2)).toStrictEqual(['DecisionNoted', 'CallReserved'])
    expect(desk.state().runs.get(uuidOf('run of a'))?.awaits.size).toBe(0)
  })
})

describe('rates', () => {
  it('requests of any 60 seconds pass a limit by none', () => {
    const desk = deskOf()
    const settings = { rateLimits: { maxRequestsPerMinute: 2, maxTokensPerMinute: null } }
    const ask = (name: string, seconds: number) => desk.admit(callFacts(name, under({ settings })), seconds)
    ask('a', 0.5)
    ask('b', 30)
    expect(refused(ask('c', 45))).toMatchObject({ status: 429, code: 'rate_limited', retryAfterS: 16, mayRetry: true })
    expect(refused(ask('d', 60.9)).retryAfterS).toBe(1)
    expect(admitted(ask('e', 61)).kind).toBe('admitted')
  })

  it('tokens count as settled, and as estimated while a call is under way', () => {
    const desk = deskOf()
    const settings = { rateLimits: { maxRequestsPerMinute: null, maxTokensPerMinute: 180 } }
    const ask = (name: string, seconds: number) => desk.admit(callFacts(name, under({ settings })), seconds)
    ask('a', 0)
    desk.settle(settlement('a'), 1)
    ask('b', 2)
    expect(refused(ask('c', 3))).toMatchObject({ details: { used: 171 }, retryAfterS: 59 })
    desk.settle(settlement('b', { usage: { ...settlement('b').usage, input: 5, output: 0 } }), 4)
    expect(admitted(ask('d', 5)).kind).toBe('admitted')
  })

  it('a clock that steps back frees nothing', () => {
    const desk = deskOf()
    const settings = { rateLimits: { maxRequestsPerMinute: 1, maxTokensPerMinute: null } }
    desk.admit(callFacts('a', under({ settings })), 3_600)
    expect(refused(desk.admit(callFacts('b', under({ settings })), 0)).retryAfterS).toBe(61)
  })
})

describe('budgets', () => {
  it('without a limit nothing is changed', () => {
    expect(admitted(deskOf().admit(callFacts('a', { maxOutputTokens: null }), 0))).toMatchObject({
      ...{ outputLimit: null, isClamped: false, held: { usd: '0.1601' }, remaining: { usd: null, tokens: null } },
    })
  })

  it('what a call may cost is set aside, and given back but for its cost', () => {
    const desk = deskOf()
    const budget = { hardLimitUsd: '0.05' }
    expect(admitted(desk.admit(callFacts('a', under({ budget })), 0))).toMatchObject({
      ...{ held: { usd: '0.0101', inputTokens: 100, outputTokens: 1_000 }, remaining: { usd: '0.0399' } },
      isClamped: false,
    })
    expect(desk.settle(settlement('a'), 1).remaining).toStrictEqual({ usd: '0.04895', tokens: null })
    expect(desk.settle(settlement('a'), 2)).toMatchObject({ run: undefined })
  })

  it('an answer is clamped to what the rest pays for, but not below its floor or a budget for thinking', () => {
    const ask = (hardLimitUsd: string, facts: Partial<CallFacts> = {}) =>
      deskOf().admit(callFacts('a', under({ budget: { hardLimitUsd } }, facts)), 0)
    expect(admitted(ask('0.0051'))).toMatchObject({ outputLimit: 500, isClamped: true, held: { usd: '0.0051' } })
    expect(refused(ask('0.0026'))).toMatchObject({
      ...{ status: 402, code: 'budget_exceeded', retryAfterS: null, mayRetry: false },
      details: { remaining_usd: '0.0026', reserved_usd: '0', needed_usd: '0.00266' },
    })
    expect(admitted(ask('0.0026', { maxOutputTokens: 200 })).isClamped).toBe(false)
    expect(ask('0.0051', { thinkingTokens: 600 }).kind).toBe('refused')
  })

  it('an answer without a maximum takes a quarter of the rest, and at least 4,096 tokens', () => {
    const ask = (hardLimitUsd: string) =>
      admitted(deskOf().admit(callFacts('a', under({ budget: { hardLimitUsd } }, { maxOutputTokens: null })), 0))
    expect(ask('0.4001').outputLimit).toBe(9_992)
    expect(ask('0.1').outputLimit).toBe(4_096)
    expect(ask('100')).toMatchObject({ outputLimit: null, isClamped: false })
  })

  it('a refusal by what others have set aside may be tried again; one by what is spent ends the run', () => {
    const desk = deskOf()
    const budget = { hardLimitUsd: '0.012' }
    desk.admit(callFacts('a', under({ budget })), 0)
    expect(refused(desk.admit(callFacts('b', under({ budget })), 1))).toMatchObject({
      ...{ retryAfterS: 1, mayRetry: true, details: { reserved_usd: '0.0101' } },
    })
    desk.settle(settlement('a', { costUsd: '0.0099' }), 2)
    expect(refused(desk.admit(callFacts('c', under({ budget })), 3)).retryAfterS).toBeNull()
    expect(desk.log.slice(-2)).toMatchObject([
      { type: 'rungate.CallBlocked.v1', data: { status: 'budget_blocked' } },
      { type: 'rungate.RunEnded.v1', data: { status: 'budget_exceeded', endedReason: 'cost_limit', outcome: null } },
    ])
  })

  it('tokens have a limit too', () => {
    const desk = deskOf()
    const budget = { hardLimitTokens: 900 }
    expect(admitted(desk.admit(callFacts('a', under({ budget })), 0))).toMatchObject({
      ...{ outputLimit: 800, isClamped: true, remaining: { tokens: 0 } },
    })
    desk.settle(settlement('a', { usage: { ...settlement('a').usage, output: 600 } }), 1)
    desk.admit(callFacts('b', under({ budget })), 2)
    expect(desk.log.at(-1)?.data).toMatchObject({ endedReason: 'token_limit' })
  })

  it('an hour has a limit over all runs, of which a minute is free when all of it is an hour old', () => {
    const desk = deskOf()
    const budget = { maxCostPerHourUsd: '0.02' }
    const ask = (name: string, seconds: number) =>
      desk.admit(callFacts(name, under({ budget }, { run: { ...callFacts('').run, isNew: true } })), seconds)
    ask('a', 30)
    desk.settle(settlement('a', { costUsd: '0.018' }), 31)
    expect(refused(ask('b', 40))).toMatchObject({ status: 402, retryAfterS: 3_620 })
    expect(ask('c', 3_659).kind).toBe('refused')
    expect(ask('d', 3_660).kind).toBe('admitted')
  })

  it('a model of unknown price is refused under a limit in USD, and else costs nothing', () => {
    const [known] = candidates.reachable
    const unpriced = { ...candidates, reachable: [{ ...known!, priced: null }] }
    expect(
      refused(deskOf().admit(callFacts('a', under({ budget: { hardLimitUsd: '1' } })), 0, unpriced)),
    ).toMatchObject({
      ...{ status: 403, code: 'model_not_allowed', details: { reason: 'price_unknown' } },
    })
    expect(admitted(deskOf().admit(callFacts('a'), 0, unpriced)).held.usd).toBe('0')
    const both = { ...candidates, reachable: [...unpriced.reachable, { ...known!, provider: 'spare' }] }
    const { candidates: left } = admitted(
      deskOf().admit(callFacts('a', under({ budget: { hardLimitUsd: '1' } })), 0, both),
    )
    expect(left).toMatchObject({ reachable: [{ provider: 'spare' }], skipped: [{ reason: 'price_unknown' }] })
  })

  it('where only the bound of a long prompt does not fit, it is to be counted first', () => {
    const { prompt } = callFacts('').size
    const size = { ...callFacts('').size, prompt: { ...prompt, textBytes: 120_000 } }
    const facts = under({ budget: { hardLimitUsd: '0.05' } }, { size, mayCount: true })
    expect(deskOf().admit(callFacts('a', facts), 0).kind).toBe('count')
    expect(deskOf().admit(callFacts('a', { ...facts, mayCount: false }), 0).kind).toBe('refused')
  })

  it('a dry run sets aside as any call does', () => {
    const settings = { dryRun: true }
    expect(
      admitted(deskOf().admit(callFacts('a', under({ settings, budget: { hardLimitUsd: '1' } })), 0)),
    ).toMatchObject({
      ...{ isDryRun: true, held: { usd: '0.0101' } },
    })
    const none = { ...candidates, reachable: [] }
    expect(admitted(deskOf().admit(callFacts('a', under({ settings })), 0, none)).held.usd).toBe('0')
  })

  it('is admitted once, however often it is asked', () => {
    const desk = deskOf()
    const first = admitted(desk.admit(callFacts('a'), 0))
    const before = desk.log.length
    expect(admitted(desk.admit(callFacts('a'), 1))).toStrictEqual({ ...first, isNewRun: false })
    expect(desk.log).toHaveLength(before)
  })
})

describe('a call that nobody settles', () => {
  it('expires, and what was held for it counts as spent until the true cost takes its place', () => {
    const desk = deskOf()
    const budget = { hardLimitUsd: '0.05' }
    const { expiresAt } = admitted(desk.admit(callFacts('a', under({ budget })), 0))
    expect(expiresAt).toBe(timeAt(160))
    expect(desk.ask({ kind: 'sweep' }, 159).events).toStrictEqual([])
    expect(desk.ask({ kind: 'sweep' }, 160).types).toStrictEqual(['CallExpired'])
    expect(admitted(desk.admit(callFacts('b', under({ budget })), 161)).remaining.usd).toBe('0.0298')
    expect(desk.settle(settlement('a'), 200)).toMatchObject({
      ...{ run: { totals: { costUsd: '0.00105' } }, remaining: { usd: '0.03885' } },
    })
    expect(desk.log.at(-1)?.data).toMatchObject({ replacesHeld: true })
    expect(desk.settle(settlement('a'), 201).run).toBeUndefined()
  })

  it('expires at once where its process is gone', () => {
    const desk = deskOf()
    desk.admit(callFacts('a'), 0)
    expect(desk.ask({ kind: 'expireOf', processId: uuidOf('another process') }, 1).events).toStrictEqual([])
    expect(desk.ask({ kind: 'expireOf', processId: uuidOf('desk process') }, 1).types).toStrictEqual(['CallExpired'])
  })
})

describe('the alert threshold', () => {
  const reach = (onAlertThreshold: 'continue_and_alert' | 'stop_and_alert' | 'continue_and_block_new') => {
    const desk = deskOf()
    const policy = policyOf({ budget: { alertThresholdUsd: '0.001', onAlertThreshold } })
    desk.admit(callFacts('a', { policy }), 0)
    desk.settle(settlement('a'), 1)
    return { desk, policy }
  }

  it('is told once, and the run goes on', () => {
    const { desk, policy } = reach('continue_and_alert')
    desk.admit(callFacts('b', { policy }), 2)
    desk.settle(settlement('b'), 3)
    const alerts = desk.log.filter(({ type }) => type === 'rungate.AlertThresholdReached.v1')
    expect(alerts).toMatchObject([{ data: { threshold: 'usd', run: { costUsd: '0.00105' } } }])
  })

  it('ends the run where the policy says so', () => {
    expect(reach('stop_and_alert').desk.log.at(-1)).toMatchObject({
      data: { status: 'budget_exceeded', endedReason: 'alert_threshold_stop' },
    })
  })

  it('lets no other run start where the policy says so', () => {
    const { desk, policy } = reach('continue_and_block_new')
    expect(admitted(desk.admit(callFacts('b', { policy }), 2)).isNewRun).toBe(false)
    const run = { ...callFacts('').run, isNew: true }
    expect(refused(desk.admit(callFacts('c', { policy, run }), 3))).toMatchObject({
      ...{ status: 402, code: 'budget_alert_exceeded', run: { runId: uuidOf('run of a') } },
    })
  })
})
