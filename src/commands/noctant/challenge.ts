/**
 * A challenge: one run of an account under frozen rules. It stays live until a rule is broken, time runs out, it is
 * passed without a funded step behind it, or the operator resets it. A funded run goes on, and is what payouts are made
 * from. What the engine's events mean is decided in challenge-measure.ts.
 */
import type { ChallengeEvent, ChallengeMeasures } from '../../events/noctant/challenge.ts'
import type { EngineEvent } from '../../events/noctant/engine.ts'
import type { PayoutPolicy } from '../../events/noctant/template.ts'
import type { Aggregate } from '../decider.ts'
import { challengeInstanceIdOf } from './challenge-identity.ts'
import { afterTarget, headOf, type MeasureOptions, measure } from './challenge-measure.ts'
import { beginStep, profitOf, stepOf } from './challenge-rules.ts'
import { Rejected } from './rejection.ts'

export type ChallengeStarted = Extract<ChallengeEvent, { type: 'noctant.ChallengeStarted.v1' }>['data']

/** What a start freezes; the rest follows from it. */
export type ChallengeFacts = Omit<
  ChallengeStarted,
  'instanceId' | 'initialBalance' | 'status' | 'measures' | 'occurredAt'
>

/** As the contract names them; its `reset_pending` never occurs, and `suspended` is what reads make of a disabled account. */
export type ChallengeStatus =
  | 'active'
  | 'activation_pending'
  | 'pending_review'
  | 'passed'
  | 'failed'
  | 'expired'
  | 'completed'
  | 'reset'

export interface StartedChallenge {
  status: ChallengeStatus
  facts: ChallengeStarted
  measures: ChallengeMeasures
  activation: 'not_required' | 'required' | 'pending' | 'activated'
  activatedAt: string | null
  /** When it stopped being live. */
  endedAt: string | null
  /** When a rule was broken. */
  breachedAt: string | null
  /** The run that took its place. */
  nextInstanceId: string | null
}

export type ChallengeState = { status: 'absent' } | StartedChallenge

export type ChallengeCommand =
  | { kind: 'start'; facts: ChallengeFacts; at: string }
  /** Engine events that follow the last one measured, in order; `at`: the time up to which the clock may be taken to run. */
  | { kind: 'measure'; events: readonly EngineEvent[]; at: string | undefined; options: MeasureOptions }
  | { kind: 'review'; decision: 'approved' | 'rejected'; reason: string | null; at: string }
  | { kind: 'activate'; reference: string | null; at: string }
  /** So many payouts of the run were executed. */
  | { kind: 'complete'; payouts: number; at: string }
  | { kind: 'reset'; nextInstanceId: string; nextAttemptNumber: number; reason: string | null; at: string }

/** Still held to its rules. */
export const isLive = (state: ChallengeState): state is StartedChallenge =>
  state.status !== 'absent' && state.endedAt === null

/** In a funded step that nothing holds up: payouts may be asked for. */
export const isFunded = (state: ChallengeState): state is StartedChallenge =>
  isLive(state) &&
  stepOf(state.facts.terms, state.measures.stepSequence).kind === 'funded' &&
  (state.status === 'active' || state.status === 'passed')

/** Since when the run is in a funded step, whatever has become of it; undefined where it has not been funded. */
export function fundedAtOf(state: ChallengeState): string | undefined {
  if (state.status === 'absent' || state.activation === 'pending') return undefined
  const { facts, measures, activatedAt } = state
  const isFundedStep = stepOf(facts.terms, measures.stepSequence).kind === 'funded'
  return isFundedStep ? (activatedAt ?? measures.stepStartedAt) : undefined
}

/** What payouts are made by and counted from; undefined where the run is not funded or has no such policy. */
export function payoutTermsOf(
  state: ChallengeState,
):
  | { policy: PayoutPolicy; initialBalance: string; fundedAt: string; profit: string; kycRequired: boolean }
  | undefined {
  if (!isFunded(state)) return undefined
  const { facts, measures } = state
  const { payoutPolicy: policy } = facts.terms
  if (policy === null) return undefined
  const kycRequired = policy.kycRequired || facts.kycGate === 'payout_only' || facts.kycGate === 'both'
  const { stepInitialBalance: initialBalance, stepStartedAt: fundedAt } = measures
  return { policy, initialBalance, fundedAt, profit: profitOf(measures, facts.terms), kycRequired }
}

export const challenge: Aggregate<ChallengeState, ChallengeCommand, ChallengeEvent> = {
  category: 'noctant.challenge',
  initialState: { status: 'absent' },

  evolve(state, event) {
    if (event.type === 'noctant.ChallengeStarted.v1') return started(event.data)
    if (state.status === 'absent') return state
    const { occurredAt } = event.data
    switch (event.type) {
      case 'noctant.ChallengeMeasured.v1':
        return { ...state, measures: event.data.measures }
      case 'noctant.ChallengeStepPassed.v1':
        return { ...state, status: 'active', measures: event.data.measures }
      case 'noctant.ChallengePassed.v1': {
        const { status, funded, measures } = event.data
        const activation = status === 'activation_pending' ? 'pending' : state.activation
        return { ...state, status, measures, activation, endedAt: funded ? null : occurredAt }
      }
      case 'noctant.ChallengeFailed.v1': {
        const { measures, breach } = event.data
        return { ...state, status: 'failed', measures, endedAt: occurredAt, breachedAt: breach && occurredAt }
      }
      case 'noctant.ChallengeExpired.v1':
        return { ...state, status: 'expired', measures: event.data.measures, endedAt: occurredAt }
      case 'noctant.ChallengeReviewRequested.v1':
        return { ...state, status: 'pending_review', measures: event.data.measures }
      case 'noctant.ChallengeReviewed.v1':
        return state
      case 'noctant.ChallengeActivated.v1':
        return { ...state, status: event.data.status, activation: 'activated', activatedAt: occurredAt }
      case 'noctant.ChallengeCompleted.v1':
        return { ...state, status: 'completed', measures: event.data.measures, endedAt: occurredAt }
      case 'noctant.ChallengeReset.v1': {
        const { measures, nextInstanceId } = event.data
        return { ...state, status: 'reset', measures, nextInstanceId, endedAt: occurredAt }
      }
      default:
        return event satisfies never
    }
  },

  decide(command, state) {
    if (command.kind === 'start') return start(command, state)
    if (state.status === 'absent') throw new Rejected('challenge_not_found', 'There is no such challenge.')
    switch (command.kind) {
      case 'measure':
        return measure(state, command, challenge.evolve)
      case 'review':
        return review(command, state)
      case 'activate':
        return activate(command, state)
      case 'complete':
        return complete(command, state)
      case 'reset':
        return reset(command, state)
      default:
        return command satisfies never
    }
  },
}

function started(facts: ChallengeStarted): StartedChallenge {
  const required = facts.terms.activation.required ? 'required' : 'not_required'
  return {
    status: facts.status,
    facts,
    measures: facts.measures,
    activation: facts.status === 'activation_pending' ? 'pending' : required,
    activatedAt: null,
    endedAt: null,
    breachedAt: null,
    nextInstanceId: null,
  }
}

function start({ facts, at }: Extract<ChallengeCommand, { kind: 'start' }>, state: ChallengeState): ChallengeEvent[] {
  if (state.status !== 'absent') {
    throw new Rejected('challenge_under_way', 'A challenge has been started on this account already.')
  }
  const { terms } = facts
  const { initialBalance } = terms
  const waits = terms.activation.required && stepOf(terms, 1).kind === 'funded'
  const data: ChallengeStarted = {
    ...facts,
    instanceId: challengeInstanceIdOf(facts.accountId),
    initialBalance,
    status: waits ? 'activation_pending' : 'active',
    measures: beginStep(terms, 1, initialBalance, at),
    occurredAt: at,
  }
  return [{ type: 'noctant.ChallengeStarted.v1', data }]
}

function review(
  { decision, reason, at }: Extract<ChallengeCommand, { kind: 'review' }>,
  state: StartedChallenge,
): ChallengeEvent[] {
  if (state.status !== 'pending_review') {
    throw new Rejected('challenge_state_conflict', `The challenge is ${state.status}; no review is asked for.`)
  }
  const head = headOf(state)
  const reviewed = {
    type: 'noctant.ChallengeReviewed.v1',
    data: { ...head, decision, reason, occurredAt: at },
  } as const
  if (decision === 'approved') return [reviewed, afterTarget(state, at)]
  const { measures } = state
  const outcome = { rule: 'review', breach: null, reason, measures, stepSequence: measures.stepSequence } as const
  return [reviewed, { type: 'noctant.ChallengeFailed.v1', data: { ...head, ...outcome, occurredAt: at } }]
}

function activate(
  { reference, at }: Extract<ChallengeCommand, { kind: 'activate' }>,
  state: StartedChallenge,
): ChallengeEvent[] {
  if (state.activation === 'activated') return []
  if (state.status !== 'activation_pending') {
    throw new Rejected('challenge_state_conflict', `The challenge is ${state.status}; it waits for no activation.`)
  }
  const status = state.measures.stepSequence === 1 ? 'active' : 'passed'
  const { price } = state.facts.terms.activation
  return [
    {
      type: 'noctant.ChallengeActivated.v1',
      data: { ...headOf(state), price, reference, status, occurredAt: at },
    },
  ]
}

/** None where the run has ended, or more payouts may follow. */
function complete(
  { payouts, at }: Extract<ChallengeCommand, { kind: 'complete' }>,
  state: StartedChallenge,
): ChallengeEvent[] {
  const max = state.facts.terms.payoutPolicy?.maximumCount ?? null
  if (!isLive(state) || max === null || payouts < max) return []
  const { measures } = state
  return [{ type: 'noctant.ChallengeCompleted.v1', data: { ...headOf(state), payouts, measures, occurredAt: at } }]
}

const HOUR_MS = 3_600_000

function reset(
  { nextInstanceId, nextAttemptNumber, reason, at }: Extract<ChallengeCommand, { kind: 'reset' }>,
  state: StartedChallenge,
): ChallengeEvent[] {
  const { facts, measures } = state
  const { allowed, maximumCount, coolDownHours } = facts.terms.resetPolicy
  if (state.status !== 'active') {
    throw new Rejected('challenge_state_conflict', `The challenge is ${state.status}; only an active one can be reset.`)
  }
  const refuse = (detail: string) => new Rejected('challenge_reset_refused', detail)
  if (!allowed) throw refuse('The template does not allow resets.')
  if (maximumCount !== null && facts.resetNumber >= maximumCount) {
    throw refuse(`The template allows ${maximumCount} resets, and all have been made.`)
  }
  const from = new Date(Date.parse(facts.occurredAt) + coolDownHours * HOUR_MS)
  if (Date.parse(at) < from.getTime()) throw refuse(`The run can be reset from ${from.toISOString()} on.`)
  const resetNumber = facts.resetNumber + 1
  const next = { nextInstanceId, nextAttemptNumber, resetNumber, reason, measures }
  return [{ type: 'noctant.ChallengeReset.v1', data: { ...headOf(state), ...next, occurredAt: at } }]
}
