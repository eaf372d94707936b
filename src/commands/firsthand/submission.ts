/**
 * The bytes of a submission and their scores: one upload an attempt, one score a round. A round is one scoring; an attempt
 * has several where an administrator has it scored again. What a score leads to, the job's stream decides.
 */
import type { SubmissionEvent } from '../../events/firsthand/submission.ts'
import type { Environment } from '../../events/firsthand/vocabulary.ts'
import { type Aggregate, fold } from '../decider.ts'
import { Rejected } from './rejection.ts'
import { APPROVED_STARS_MIN } from './scores.ts'

type DataOf<Name extends string> = Extract<SubmissionEvent, { type: `firsthand.${Name}.v1` }>['data']
/** Members that an event has from the submission's state. */
type FromState = 'organizationId' | 'environment' | 'jobId' | 'submissionId' | 'workerId' | 'attempt' | 'occurredAt'

export interface SubmissionOwner {
  organizationId: string
  environment: Environment
  jobId: string
  submissionId: string
  workerId: string
}

export interface StoredSubmission {
  status: 'stored'
  owner: SubmissionOwner
  /** Of the newest attempt. */
  upload: DataOf<'UploadStored'>
  /** The last that was begun; 0: none. What follows belongs to it. */
  round: number
  inspection: DataOf<'InspectionFinished'> | null
  score: DataOf<'ScoreGiven'> | null
  copy: DataOf<'DeliveryCopyStored'> | null
  /** Step → how often it failed in this round. */
  failures: Readonly<Record<string, number>>
  /** Not tried again until somebody has it so. */
  isSetAside: boolean
}
export type SubmissionState = { status: 'absent' } | StoredSubmission

export type SubmissionCommand =
  /** The first upload of an attempt counts; a later one changes nothing. */
  | { kind: 'storeUpload'; upload: DataOf<'UploadStored'> }
  | ScoringStep
  /** One after the other, at once. */
  | { kind: 'takeSteps'; steps: readonly ScoringStep[] }

/** What a scoring finds out, or what becomes of it. */
export type ScoringStep =
  | { kind: 'finishInspection'; inspection: Omit<DataOf<'InspectionFinished'>, FromState>; at: string }
  | { kind: 'giveScore'; score: Omit<DataOf<'ScoreGiven'>, FromState>; at: string }
  | { kind: 'failScoring'; failure: Omit<DataOf<'ScoringFailed'>, FromState | 'failures'>; at: string }
  /** Changes nothing where the submission is not set aside. */
  | { kind: 'resumeScoring'; at: string }
  | { kind: 'storeCopy'; copy: Omit<DataOf<'DeliveryCopyStored'>, FromState>; at: string }

const NOTHING_YET = { inspection: null, score: null, copy: null, failures: {}, isSetAside: false } as const

/** The state in this round: at its first event, what was found in the round before goes. */
export const inRound = (state: StoredSubmission, { round }: { round: number }): StoredSubmission =>
  round === state.round ? state : { ...state, ...NOTHING_YET, round }

export const submission: Aggregate<SubmissionState, SubmissionCommand, SubmissionEvent> = {
  category: 'firsthand.submission',
  initialState: { status: 'absent' },

  evolve(before, event) {
    if (event.type === 'firsthand.UploadStored.v1') {
      const { organizationId, environment, jobId, submissionId, workerId } = event.data
      if (before.status === 'stored') return { ...before, upload: event.data }
      const owner = { organizationId, environment, jobId, submissionId, workerId }
      return { status: 'stored', owner, upload: event.data, round: 0, ...NOTHING_YET }
    }
    if (before.status === 'absent') return before
    const state = inRound(before, event.data)
    switch (event.type) {
      case 'firsthand.InspectionFinished.v1':
        return { ...state, inspection: event.data }
      case 'firsthand.ScoreGiven.v1':
        return { ...state, score: event.data }
      case 'firsthand.ScoringFailed.v1':
        return {
          ...{ ...state, isSetAside: event.data.dueAt === null },
          failures: { ...state.failures, [event.data.step]: event.data.failures },
        }
      case 'firsthand.ScoringResumed.v1':
        return { ...state, failures: {}, isSetAside: false }
      case 'firsthand.DeliveryCopyStored.v1':
        return { ...state, copy: event.data }
      default:
        return event satisfies never
    }
  },

  decide(command, state) {
    if (command.kind === 'storeUpload') {
      const last = state.status === 'absent' ? 0 : state.upload.attempt
      const { attempt, submissionId } = command.upload
      if (attempt > last + 1) throw new Error(`${submissionId}: attempt ${attempt} after ${last}`)
      return attempt > last ? [{ type: 'firsthand.UploadStored.v1', data: command.upload }] : []
    }
    if (command.kind === 'takeSteps') {
      const events: SubmissionEvent[] = []
      for (const step of command.steps) events.push(...submission.decide(step, fold(submission, events, state)))
      return events
    }
    if (state.status === 'absent') throw submissionNotFound()
    const of = { ...state.owner, attempt: state.upload.attempt, occurredAt: command.at }
    switch (command.kind) {
      case 'finishInspection':
        if (!isAwaited(state, 'inspection', command.inspection.round)) return []
        return [{ type: 'firsthand.InspectionFinished.v1', data: { ...of, ...command.inspection } }]
      case 'giveScore':
        if (!isAwaited(state, 'score', command.score.round)) return []
        return [{ type: 'firsthand.ScoreGiven.v1', data: { ...of, ...command.score } }]
      case 'failScoring': {
        const { failure } = command
        if (!isAwaited(state, 'copy', failure.round)) return []
        const failures = (inRound(state, failure).failures[failure.step] ?? 0) + 1
        return [{ type: 'firsthand.ScoringFailed.v1', data: { ...of, ...failure, failures } }]
      }
      case 'resumeScoring':
        return state.isSetAside ? [{ type: 'firsthand.ScoringResumed.v1', data: { ...of, round: state.round } }] : []
      case 'storeCopy':
        if (!isAwaited(state, 'copy', command.copy.round)) return []
        return [{ type: 'firsthand.DeliveryCopyStored.v1', data: { ...of, ...command.copy } }]
      default:
        return command satisfies never
    }
  },
}

/** Whether the round is this one without it, or the next one. */
const isAwaited = (state: StoredSubmission, what: 'inspection' | 'score' | 'copy', round: number): boolean =>
  inRound(state, { round })[what] === null && round >= state.round && round <= nextRound(state)

/** The round that the next score belongs to. */
export const nextRound = (state: SubmissionState): number =>
  state.status === 'absent' ? 1 : Math.max(1, state.round + (state.score === null ? 0 : 1))

export const submissionNotFound = () => new Rejected('submission_not_found', 'There is no such submission.')

/** Uploads of one submission. */
export const ATTEMPTS_MAX = 3

/**
 * Throws unless the last score is one that leads to a rejection whatever the job decides, and was no duplicate's. The job's
 * stream sees to it that the submission is not under way.
 */
export function requireRejected(state: StoredSubmission): void {
  const { score } = state
  if (!score || score.stars >= APPROVED_STARS_MIN) {
    const detail = 'Only a submission that was rejected for its score is taken up again.'
    throw new Rejected('submission_not_rejected', detail)
  }
  if (score.cause === 'duplicate') throw new Rejected('submission_duplicate', 'The same file was submitted before.')
}
