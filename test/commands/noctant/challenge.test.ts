import { describe, expect, it } from 'vitest'
import { fold } from '../../../src/commands/decider.ts'
import {
  type ChallengeCommand,
  type ChallengeFacts,
  challenge,
  isFunded,
  isLive,
  payoutTermsOf,
} from '../../../src/commands/noctant/challenge.ts'
import { challengeInstanceIdOf } from '../../../src/commands/noctant/challenge-identity.ts'
import type { ChallengeEvent } from '../../../src/events/noctant/challenge.ts'
import type { EngineEvent } from '../../../src/events/noctant/engine.ts'
import type { TemplateTerms } from '../../../src/events/noctant/template.ts'
import { exampleTerms } from '../../support/examples/challenge.ts'
import { engineLog } from '../../support/examples/engine-log.ts'
import { example, ids, uuidOf } from '../../support/examples.ts'
import { rejects, specify } from '../../support/given.ts'

const given = specify(challenge)
/** Noon in New York on a day of January 2026, the first of the story, and some seconds after. */
const noon = (day: number, second = 0) => new Date(Date.UTC(2026, 0, 4 + day, 17, 0, second)).toISOString()

const { data: startedExample } = example('noctant.ChallengeStarted.v1')
const {
  instanceId: _,
  initialBalance: __,
  status: ___,
  measures: ____,
  occurredAt: _____,
  ...exampleFacts
} = startedExample
const instanceId = challengeInstanceIdOf(ids.account)
const facts: ChallengeFacts = { ...exampleFacts, chainId: instanceId }
const withTerms = (change: Partial<TemplateTerms>): ChallengeFacts => ({
  ...facts,
  terms: { ...exampleTerms, ...change },
})
const [evaluation, funded] = exampleTerms.steps
const quick = { ...evaluation!, minimumTradingDays: 0 }

const startOf = (from: ChallengeFacts = facts): ChallengeEvent[] =>
  challenge.decide({ kind: 'start', facts: from, at: noon(1) }, challenge.initialState)
const measure = (events: readonly EngineEvent[], at?: string, recordIntervalMs = 60_000): ChallengeCommand => ({
  kind: 'measure',
  events,
  at,
  options: { recordIntervalMs },
})
const then = (history: readonly ChallengeEvent[], command: ChallengeCommand): ChallengeEvent[] =>
  challenge.decide(command, fold(challenge, history))
const typesOf = (events: readonly ChallengeEvent[]) => events.map(({ type }) => type.split('.')[1])
const log = (from = 0) => engineLog(ids.account, from)
/** A day's trade that brings the balance there, closed again. */
const trade = (of: ReturnType<typeof log>, at: string, change: string, balance: string): EngineEvent[] => [
  of.filled(at),
  of.changed(at, change, balance),
  of.marked(at, balance),
]

describe('starting', () => {
  it('freezes the terms, and begins with the template’s balance', () => {
    const [event] = startOf()
    expect(event).toMatchObject({
      type: 'noctant.ChallengeStarted.v1',
      data: {
        instanceId,
        terms: exampleTerms,
        initialBalance: '100000.00',
        status: 'active',
        measures: { engineSequence: 0, equity: '100000.00', stepSequence: 1, expiresAt: noon(31) },
      },
    })
    expect(isFunded(fold(challenge, [event!]))).toBe(false)
  })
  it('is refused where the run has begun', () => {
    given(startOf())
      .when({ kind: 'start', facts, at: noon(2) })
      .then(rejects('challenge_under_way'))
  })
  it('of an instantly funded challenge waits for the activation that it asks for', () => {
    const instant = withTerms({ steps: [{ ...funded!, sequence: 1 }], activation: { required: true, price: '149.00' } })
    const history = startOf(instant)
    expect(fold(challenge, history)).toMatchObject({ status: 'activation_pending', activation: 'pending' })
    expect(isFunded(fold(challenge, history))).toBe(false)
    const activated = then(history, { kind: 'activate', reference: 'invoice-7', at: noon(2) })
    expect(activated).toMatchObject([
      { type: 'noctant.ChallengeActivated.v1', data: { price: '149.00', status: 'active' } },
    ])
    expect(isFunded(fold(challenge, [...history, ...activated]))).toBe(true)
    given([...history, ...activated])
      .when({ kind: 'activate', reference: null, at: noon(3) })
      .then([])
  })
})

describe('what the engine tells', () => {
  it('is not worth a record while only the market moves, until the interval is over', () => {
    const one = log()
    const marks = [one.opened(noon(1, 1), '100000.00'), one.marked(noon(1, 30), '100000.00', '100010.00', true)]
    given(startOf()).when(measure(marks)).then([])
    const late = one.marked(noon(1, 61), '100000.00', '100020.00', true)
    expect(then(startOf(), measure([...marks, late]))).toMatchObject([
      { type: 'noctant.ChallengeMeasured.v1', data: { measures: { engineSequence: 3, peakEquity: '100020.00' } } },
    ])
  })
  it('is recorded when something was realised', () => {
    expect(then(startOf(), measure(trade(log(), noon(1, 1), '-10.00', '99990.00')))).toMatchObject([
      {
        type: 'noctant.ChallengeMeasured.v1',
        data: {
          measures: { engineSequence: 3, dailyPnl: '-10.00', totalPnl: '-10.00', tradingDays: 1, drawdown: '10.00' },
        },
      },
    ])
  })
  it('counts once, however often it is told', () => {
    const events = trade(log(), noon(1, 1), '-10.00', '99990.00')
    const once = [...startOf(), ...then(startOf(), measure(events))]
    given(once).when(measure(events)).then([])
  })
  it('may not have a hole', () => {
    expect(() => then(startOf(), measure([log(1).marked(noon(1, 1), '1.00')]))).toThrow('engine event 2 follows 0')
  })
  it('gives the same end whether it comes at once or one by one', () => {
    const one = log()
    const all = [
      ...trade(one, noon(1, 1), '4000.00', '104000.00'),
      ...trade(one, noon(2, 1), '-1000.00', '103000.00'),
      one.marked(noon(3), '103000.00', '99000.00', true),
      ...trade(one, noon(4, 1), '7000.00', '110000.00'),
      one.marked(noon(5), '110000.00', '104999.99', true),
    ]
    const whole = [...startOf(), ...then(startOf(), measure(all, undefined, 0))]
    let history = startOf()
    for (const event of all) history = [...history, ...then(history, measure([event], undefined, 0))]
    expect(fold(challenge, history)).toStrictEqual(fold(challenge, whole))
    expect(typesOf(whole).filter((type) => type !== 'ChallengeMeasured')).toStrictEqual([
      'ChallengeStarted',
      'ChallengePassed',
      'ChallengeFailed',
    ])
  })
})

describe('a breach', () => {
  it('fails the run with the numbers that decided, and nothing counts after it', () => {
    const one = log()
    const events = [
      one.marked(noon(1, 1), '100000.00', '94999.99', true),
      ...trade(one, noon(1, 2), '50000.00', '150000.00'),
    ]
    const failed = then(startOf(), measure(events))
    expect(failed).toMatchObject([
      {
        type: 'noctant.ChallengeFailed.v1',
        data: {
          rule: 'maximum_daily_loss',
          breach: { floor: '95000.00', equity: '94999.99', engineSequence: 1 },
          occurredAt: noon(1, 1),
        },
      },
    ])
    const history = [...startOf(), ...failed]
    expect(fold(challenge, history)).toMatchObject({ status: 'failed', endedAt: noon(1, 1), breachedAt: noon(1, 1) })
    expect(isLive(fold(challenge, history))).toBe(false)
    given(history)
      .when(measure(events.slice(1)))
      .then([])
    given(history)
      .when(measure([], noon(60)))
      .then([])
  })
})

describe('time', () => {
  it('runs out at the limit, before a target that is reached then', () => {
    const events = trade(log(), noon(31), '20000.00', '120000.00')
    expect(then(startOf(), measure(events))).toMatchObject([
      { type: 'noctant.ChallengeExpired.v1', data: { timeLimitDays: 30, expiresAt: noon(31) } },
    ])
  })
  it('runs out by the clock alone, but not a moment early', () => {
    expect(typesOf(then(startOf(), measure([], noon(31))))).toStrictEqual(['ChallengeExpired'])
    expect(typesOf(then(startOf(), measure([], '2026-02-04T16:59:59.999Z')))).toStrictEqual(['ChallengeMeasured'])
  })
  it('ends a day, and passes what only waited for its profit to count', () => {
    const waiting = withTerms({ steps: [{ ...quick, minimumProfitableDays: 1 }, funded!] })
    const history = startOf(waiting)
    const won = then(history, measure(trade(log(), noon(1, 1), '10000.00', '110000.00')))
    expect(typesOf(won)).toStrictEqual(['ChallengeMeasured'])
    expect(typesOf(then([...history, ...won], measure([], noon(2))))).toStrictEqual(['ChallengePassed'])
  })
  it('does not end a funded run', () => {
    const history = startOf(withTerms({ steps: [quick, funded!] }))
    const passed = [...history, ...then(history, measure(trade(log(), noon(1, 1), '10000.00', '110000.00')))]
    expect(typesOf(then(passed, measure([], noon(400))))).toStrictEqual(['ChallengeMeasured'])
  })
})

describe('passing', () => {
  const reach = trade(log(), noon(1, 1), '10000.00', '110000.00')

  it('the last evaluation begins the funded step from the balance there is', () => {
    const history = startOf(withTerms({ steps: [quick, funded!] }))
    const passed = then(history, measure(reach))
    expect(passed).toMatchObject([
      {
        type: 'noctant.ChallengePassed.v1',
        data: {
          funded: true,
          status: 'passed',
          stepSequence: 1,
          reached: { profit: '10000.00', targetAmount: '10000.00' },
          measures: { stepSequence: 2, stepInitialBalance: '110000.00', peakEquity: '110000.00', expiresAt: null },
        },
      },
    ])
    const state = fold(challenge, [...history, ...passed])
    expect([isLive(state), isFunded(state)]).toStrictEqual([true, true])
    expect(payoutTermsOf(state)).toMatchObject({ initialBalance: '110000.00', profit: '0.00', kycRequired: true })
  })
  it('holds a funded run to its rules', () => {
    const history = startOf(withTerms({ steps: [quick, funded!] }))
    const passed = [...history, ...then(history, measure(reach))]
    const failed = then(passed, measure([log(3).marked(noon(1, 2), '104999.99')]))
    expect(failed).toMatchObject([{ data: { rule: 'maximum_daily_loss', breach: { anchor: '110000.00' } } }])
    expect(isFunded(fold(challenge, [...passed, ...failed]))).toBe(false)
  })
  it('one of two evaluations begins the next, which has days, target and time of its own', () => {
    const second = { ...quick, sequence: 2, timeLimitDays: 10 }
    const history = startOf(withTerms({ steps: [quick, second, { ...funded!, sequence: 3 }] }))
    const events = then(history, measure([...reach, ...trade(log(3), noon(2), '9999.99', '119999.99')]))
    expect(typesOf(events)).toStrictEqual(['ChallengeStepPassed', 'ChallengeMeasured'])
    const state = fold(challenge, [...history, ...events])
    expect(state).toMatchObject({
      status: 'active',
      measures: { stepSequence: 2, tradingDays: 1, stepInitialBalance: '110000.00', expiresAt: noon(11, 1) },
    })
    const rest = then([...history, ...events], measure(trade(log(6), noon(2, 1), '0.01', '120000.00')))
    expect(rest).toMatchObject([{ type: 'noctant.ChallengePassed.v1', data: { measures: { totalPnl: '20000.00' } } }])
  })
  it('without a funded step ends the run', () => {
    const history = startOf(withTerms({ steps: [quick] }))
    const state = fold(challenge, [...history, ...then(history, measure(reach))])
    expect(state).toMatchObject({ status: 'passed', endedAt: noon(1, 1) })
    expect(isFunded(state)).toBe(false)
  })
  it('waits for the activation where one is required', () => {
    const history = startOf(withTerms({ steps: [quick, funded!], activation: { required: true, price: '149.00' } }))
    expect(fold(challenge, history)).toMatchObject({ status: 'active', activation: 'required' })
    const passed = [...history, ...then(history, measure(reach))]
    const waiting = fold(challenge, passed)
    expect(waiting).toMatchObject({ status: 'activation_pending', activation: 'pending', endedAt: null })
    expect(isFunded(waiting)).toBe(false)
    const activated = fold(challenge, [...passed, ...then(passed, { kind: 'activate', reference: null, at: noon(2) })])
    expect(activated).toMatchObject({ status: 'passed', activation: 'activated', activatedAt: noon(2) })
    expect(isFunded(activated)).toBe(true)
  })
  it('is no activation’s business before', () => {
    given(startOf())
      .when({ kind: 'activate', reference: null, at: noon(2) })
      .then(rejects('challenge_state_conflict'))
  })
})

describe('a review', () => {
  const reviewed = withTerms({ steps: [{ ...quick, reviewBeforePass: true }, funded!] })
  const waiting = [
    ...startOf(reviewed),
    ...then(startOf(reviewed), measure(trade(log(), noon(1, 1), '10000.00', '110000.00'))),
  ]
  const decide = (decision: 'approved' | 'rejected') =>
    then(waiting, { kind: 'review', decision, reason: 'seen', at: noon(2) })

  it('has the last word where the template says so', () => {
    expect(fold(challenge, waiting)).toMatchObject({ status: 'pending_review', endedAt: null })
    expect(typesOf(decide('approved'))).toStrictEqual(['ChallengeReviewed', 'ChallengePassed'])
    expect(decide('rejected')).toMatchObject([{}, { data: { rule: 'review', breach: null, reason: 'seen' } }])
    expect(fold(challenge, [...waiting, ...decide('rejected')])).toMatchObject({ status: 'failed', breachedAt: null })
  })
  it('does not keep a breach from failing the run', () => {
    expect(typesOf(then(waiting, measure([log(3).marked(noon(1, 2), '1.00')])))).toStrictEqual(['ChallengeFailed'])
  })
  it('is refused where none is asked for', () => {
    given(startOf())
      .when({ kind: 'review', decision: 'approved', reason: null, at: noon(2) })
      .then(rejects('challenge_state_conflict'))
  })
})

describe('a reset', () => {
  const nextInstanceId = uuidOf('second challenge')
  const reset = (at: string): ChallengeCommand => ({
    kind: 'reset',
    nextInstanceId,
    nextAttemptNumber: 2,
    reason: 'bought',
    at,
  })
  const policy = (change: Partial<TemplateTerms['resetPolicy']>) =>
    startOf(withTerms({ resetPolicy: { ...exampleTerms.resetPolicy, ...change } }))

  it('ends an active run for the next one of the chain', () => {
    const events = then(startOf(), reset(noon(2)))
    expect(events).toMatchObject([{ type: 'noctant.ChallengeReset.v1', data: { nextInstanceId, resetNumber: 1 } }])
    expect(fold(challenge, [...startOf(), ...events])).toMatchObject({
      status: 'reset',
      endedAt: noon(2),
      breachedAt: null,
    })
    given([...startOf(), ...events])
      .when(reset(noon(3)))
      .then(rejects('challenge_state_conflict'))
  })
  it('is refused where the template has none', () => {
    given(policy({ allowed: false }))
      .when(reset(noon(2)))
      .then(rejects('challenge_reset_refused'))
  })
  it('is refused when they are used up', () => {
    given(startOf({ ...facts, resetNumber: 1 }))
      .when(reset(noon(2)))
      .then(rejects('challenge_reset_refused'))
  })
  it('is refused before the cool-down is over, and possible from then on', () => {
    const cooling = policy({ coolDownHours: 24 })
    given(cooling).when(reset('2026-01-06T16:59:59.999Z')).then(rejects('challenge_reset_refused'))
    expect(typesOf(then(cooling, reset(noon(2))))).toStrictEqual(['ChallengeReset'])
  })
  it('is refused to a run that has failed', () => {
    const failed = then(startOf(), measure([log().marked(noon(1, 1), '1.00')]))
    given([...startOf(), ...failed])
      .when(reset(noon(2)))
      .then(rejects('challenge_state_conflict'))
  })
})

it('of which nothing is known cannot be decided about', () => {
  given([]).when(measure([])).then(rejects('challenge_not_found'))
})

describe('the last payout', () => {
  const payoutPolicy = { ...exampleTerms.payoutPolicy!, maximumCount: 2 }
  const complete = (payouts: number): ChallengeCommand => ({ kind: 'complete', payouts, at: noon(2) })
  const limited = startOf({ ...facts, terms: { ...exampleTerms, payoutPolicy } })
  it('that the policy has ends a live run', () => {
    expect(typesOf(then(limited, complete(2)))).toStrictEqual(['ChallengeCompleted'])
    given([...limited, ...then(limited, complete(2))])
      .when(complete(2))
      .then([])
  })
  it('is none before it, nor where the policy has no maximum', () => {
    given(limited).when(complete(1)).then([])
    const endless = { ...exampleTerms, payoutPolicy: { ...payoutPolicy, maximumCount: null } }
    given(startOf({ ...facts, terms: endless }))
      .when(complete(9))
      .then([])
  })
})
