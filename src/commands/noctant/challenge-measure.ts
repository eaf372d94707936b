/**
 * What a run of engine events means for a challenge: figures kept, rules looked at after each, and the events that
 * follow. A breach outweighs everything; time that has run out outweighs the target. Repeating events that are accounted
 * for already is harmless, gaps are refused.
 */
import type { ChallengeEvent, ChallengeMeasures } from '../../events/noctant/challenge.ts'
import type { EngineEvent } from '../../events/noctant/engine.ts'
import type { ChallengeState, StartedChallenge } from './challenge.ts'
import {
  amountOf,
  beginStep,
  breachOf,
  follow,
  profitOf,
  type Reached,
  reachedBy,
  rollDay,
  stepOf,
} from './challenge-rules.ts'

export interface MeasureOptions {
  /** Figures that only the market moves are recorded when the last record is older than this. */
  recordIntervalMs: number
}

interface Measuring {
  events: readonly EngineEvent[]
  at: string | undefined
  options: MeasureOptions
}

/** What every event of the run carries. */
export const headOf = ({ facts }: StartedChallenge) => {
  const { instanceId, programAccountId, accountId, operatorId, globalUserId } = facts
  return { instanceId, programAccountId, accountId, operatorId, globalUserId }
}

type Evolve = (state: ChallengeState, event: ChallengeEvent) => ChallengeState

/** The events that the engine's events call for; none where nothing is worth a record yet. */
export function measure(state: StartedChallenge, { events, at, options }: Measuring, evolve: Evolve): ChallengeEvent[] {
  const recorded: ChallengeEvent[] = []
  let current = state
  let unrecorded: ChallengeMeasures | undefined
  const record = (event: ChallengeEvent) => {
    recorded.push(event)
    current = evolve(current, event) as StartedChallenge
    unrecorded = undefined
  }
  const keep = (measures: ChallengeMeasures) => {
    if (measures !== current.measures) unrecorded = measures
    current = { ...current, measures }
  }
  let isWorthRecording = false
  for (const event of events) {
    if (current.endedAt !== null) break
    const { sequence, occurredAt } = event.data
    if (sequence <= current.measures.engineSequence) continue
    if (sequence !== current.measures.engineSequence + 1) {
      throw new Error(
        `engine event ${sequence} follows ${current.measures.engineSequence} in challenge ${state.facts.instanceId}`,
      )
    }
    isWorthRecording = passTime(current, occurredAt, keep, record) || isWorthRecording
    if (current.endedAt !== null) break
    keep(follow(current.measures, event, current.facts.terms))
    if (event.type === 'noctant.EngineAccountMarked.v1') judge(current, occurredAt, record)
    else
      isWorthRecording ||=
        event.type === 'noctant.EngineBalanceChanged.v1' || event.type === 'noctant.EngineOrderFilled.v1'
  }
  if (at !== undefined && current.endedAt === null) {
    const rolled = passTime(current, at, keep, record)
    if (rolled && current.endedAt === null) judge(current, at, record)
    isWorthRecording ||= rolled
  }
  if (unrecorded === undefined) return recorded
  const sinceMs = Date.parse(current.measures.measuredAt) - Date.parse(state.measures.measuredAt)
  if (!isWorthRecording && sinceMs < options.recordIntervalMs) return recorded
  const { measuredAt: occurredAt } = current.measures
  return [
    ...recorded,
    { type: 'noctant.ChallengeMeasured.v1', data: { ...headOf(current), measures: current.measures, occurredAt } },
  ]
}

/** Lets time go by: the step may run out, a day may end. Answers whether a day did. */
function passTime(
  state: StartedChallenge,
  at: string,
  keep: (measures: ChallengeMeasures) => void,
  record: (event: ChallengeEvent) => void,
): boolean {
  const { terms } = state.facts
  const { stepSequence } = state.measures
  const step = stepOf(terms, stepSequence)
  const { expiresAt } = state.measures
  const hasExpired = expiresAt !== null && Date.parse(at) >= Date.parse(expiresAt)
  const rolled = rollDay(state.measures, hasExpired ? expiresAt : at, terms)
  const isNewDay = rolled !== state.measures
  keep(rolled)
  if (hasExpired && state.status === 'active' && step.timeLimitDays !== null) {
    const { timeLimitDays } = step
    const data = { ...headOf(state), stepSequence, timeLimitDays, expiresAt, measures: rolled, occurredAt: at }
    record({ type: 'noctant.ChallengeExpired.v1', data })
  }
  return isNewDay
}

/** Records what these figures decide, if anything. */
function judge(state: StartedChallenge, at: string, record: (event: ChallengeEvent) => void): void {
  const { facts, measures } = state
  const { stepSequence } = measures
  const breach = breachOf(measures, facts.terms)
  if (breach) {
    const { rule, ...numbers } = breach
    const data = { ...headOf(state), stepSequence, rule, breach: numbers, reason: null, measures, occurredAt: at }
    record({ type: 'noctant.ChallengeFailed.v1', data })
    return
  }
  if (state.status !== 'active') return
  const reached = reachedBy(measures, facts.terms)
  if (!reached) return
  if (stepOf(facts.terms, stepSequence).reviewBeforePass) {
    const data = { ...headOf(state), stepSequence, reached, measures, occurredAt: at }
    record({ type: 'noctant.ChallengeReviewRequested.v1', data })
    return
  }
  record(passed(state, reached, at))
}

/** A step passed by people's word, with the numbers as they are then. */
export function afterTarget(state: StartedChallenge, at: string): ChallengeEvent {
  const { facts, measures } = state
  const step = stepOf(facts.terms, measures.stepSequence)
  const { minimumTradingDays, minimumProfitableDays, profitTarget: target } = step
  const { tradingDays, profitableDays } = measures
  const profit = profitOf(measures, facts.terms)
  const targetAmount = target && amountOf(target, facts.terms).toFixed()
  const days = { tradingDays, profitableDays, minimumTradingDays, minimumProfitableDays }
  return passed(state, { target, targetAmount, profit, ...days }, at)
}

/** The step is passed: on to the next, to the funded step, or to the end. */
function passed(state: StartedChallenge, reached: Reached, at: string): ChallengeEvent {
  const { facts, measures } = state
  const { terms } = facts
  const { stepSequence } = measures
  const next = terms.steps.find(({ sequence }) => sequence === stepSequence + 1)
  const head = { ...headOf(state), stepSequence, reached, occurredAt: at }
  if (!next) {
    return { type: 'noctant.ChallengePassed.v1', data: { ...head, funded: false, status: 'passed', measures } }
  }
  const begun = beginStep(terms, next.sequence, measures.balance, at, measures)
  if (next.kind === 'evaluation') return { type: 'noctant.ChallengeStepPassed.v1', data: { ...head, measures: begun } }
  const status = terms.activation.required ? 'activation_pending' : 'passed'
  return { type: 'noctant.ChallengePassed.v1', data: { ...head, funded: true, status, measures: begun } }
}
