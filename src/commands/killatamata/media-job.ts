/**
 * A media job: requested when its money is held, started once for each attempt, and ended once. Whoever comes later than the end, or
 * later than the deadline, changes nothing of it.
 */
import type { Adjustment, MediaFailure, MediaFile, MediaJobEvent, PreparedJob } from '../../events/killatamata/media.ts'
import type { Aggregate } from '../decider.ts'
import { Rejected } from './rejection.ts'

type DataOf<T extends MediaJobEvent['type']> = Extract<MediaJobEvent, { type: T }>['data']
export type MediaJobFacts = DataOf<'killatamata.MediaJobRequested.v1'>
export type MediaJobResult = Pick<
  DataOf<'killatamata.MediaJobCompleted.v1'>,
  'files' | 'chargedMicros' | 'effectiveInput' | 'adjustments'
>

interface Under {
  facts: MediaJobFacts
  attempts: number
  /** Where a provider's queue has the work of the last attempt. */
  submitted: { provider: string; ref: string; attempt: number } | null
  startedAt: string | null
  /** When the last attempt began. */
  attemptAt: string | null
}

export type MediaJobState =
  | { status: 'absent' }
  /** A hold without a job was given back. */
  | { status: 'abandoned' }
  | ({ status: 'queued' | 'processing' } & Under)
  | ({ status: 'completed'; result: MediaJobResult; endedAt: string; isDeleted: boolean } & Under)
  | ({ status: 'failed'; failure: { code: MediaFailure; message: string }; endedAt: string } & Under)

export type MediaJobCommand =
  | { kind: 'request'; facts: MediaJobFacts }
  | { kind: 'abandon'; accountId: string; requestId: string; jobId: string; at: string }
  /** Beyond the deadline, or after so many attempts, it fails instead. */
  | { kind: 'start'; attemptsMax: number; at: string }
  /** The first ref of an attempt stays; that of another attempt than the last one is nobody’s. */
  | { kind: 'submitted'; attempt: number; provider: string; ref: string; at: string }
  | {
      kind: 'complete'
      files: readonly MediaFile[]
      chargedMicros: bigint
      effectiveInput: PreparedJob['effectiveInput']
      adjustments: readonly Adjustment[]
      at: string
    }
  | { kind: 'fail'; code: MediaFailure; message: string; at: string }
  | { kind: 'deleteOutputs'; at: string }

type Running = Extract<MediaJobState, { status: 'queued' | 'processing' }>

export const isRunning = (state: MediaJobState): state is Running =>
  state.status === 'queued' || state.status === 'processing'

export const mediaJob: Aggregate<MediaJobState, MediaJobCommand, MediaJobEvent> = {
  category: 'killatamata.mediaJob',
  initialState: { status: 'absent' },

  evolve(state, event) {
    if (event.type === 'killatamata.MediaJobRequested.v1') {
      return { status: 'queued', facts: event.data, attempts: 0, submitted: null, startedAt: null, attemptAt: null }
    }
    if (event.type === 'killatamata.MediaJobAbandoned.v1') return { status: 'abandoned' }
    if (state.status === 'absent' || state.status === 'abandoned') return state
    const { facts, attempts, submitted, startedAt, attemptAt } = state
    const under = { facts, attempts, submitted, startedAt, attemptAt }
    switch (event.type) {
      case 'killatamata.MediaJobStarted.v1': {
        const { attempt, occurredAt } = event.data
        const times = { startedAt: startedAt ?? occurredAt, attemptAt: occurredAt }
        return { ...under, ...times, status: 'processing', attempts: attempt }
      }
      case 'killatamata.MediaJobSubmittedToProvider.v1': {
        const { provider, ref, attempt } = event.data
        return { ...under, status: 'processing', submitted: { provider, ref, attempt } }
      }
      case 'killatamata.MediaJobCompleted.v1': {
        const { files, chargedMicros, effectiveInput, adjustments, occurredAt: endedAt } = event.data
        const result = { files, chargedMicros, effectiveInput, adjustments }
        return { ...under, status: 'completed', result, endedAt, isDeleted: false }
      }
      case 'killatamata.MediaJobFailed.v1': {
        const { code, message, occurredAt: endedAt } = event.data
        return { ...under, status: 'failed', failure: { code, message }, endedAt }
      }
      case 'killatamata.MediaOutputsDeleted.v1':
        return state.status === 'completed' ? { ...state, isDeleted: true } : state
      default:
        return event satisfies never
    }
  },

  decide(command, state) {
    if (command.kind === 'request') {
      if (state.status === 'abandoned') {
        throw new Rejected(
          'job_abandoned',
          'The request was given up, and its money given back: send it under a new key.',
        )
      }
      return state.status === 'absent' ? [{ type: 'killatamata.MediaJobRequested.v1', data: command.facts }] : []
    }
    if (command.kind === 'abandon') {
      if (state.status !== 'absent') return []
      const { accountId, requestId, jobId, at: occurredAt } = command
      return [{ type: 'killatamata.MediaJobAbandoned.v1', data: { accountId, requestId, jobId, occurredAt } }]
    }
    if (state.status === 'absent' || state.status === 'abandoned') return []
    const { accountId, requestId, jobId } = state.facts
    const of = { accountId, requestId, jobId, occurredAt: command.at }
    if (command.kind === 'deleteOutputs') {
      if (state.status !== 'completed' || state.isDeleted) return []
      const fileIds = state.result.files.map(({ fileId }) => fileId)
      return [{ type: 'killatamata.MediaOutputsDeleted.v1', data: { ...of, fileIds } }]
    }
    return isRunning(state) ? decideRunning(command, state, of) : []
  },
}

type Of = Pick<MediaJobFacts, 'accountId' | 'requestId' | 'jobId' | 'occurredAt'>
type OfRunning = Exclude<MediaJobCommand, { kind: 'request' | 'abandon' | 'deleteOutputs' }>

const TOO_LATE = { code: 'provider_timeout', message: 'The job did not end within its time.' } as const
const TOO_OFTEN = { code: 'provider_failed', message: 'Every attempt at the job broke off.' } as const

function decideRunning(command: OfRunning, { attempts, facts, submitted }: Running, of: Of): MediaJobEvent[] {
  const failed = (why: { code: MediaFailure; message: string }): MediaJobEvent[] => [
    { type: 'killatamata.MediaJobFailed.v1', data: { ...of, ...why } },
  ]
  if (command.kind === 'fail') return failed({ code: command.code, message: command.message })
  if (command.at > facts.deadlineAt) return failed(TOO_LATE)
  switch (command.kind) {
    case 'start':
      if (attempts >= command.attemptsMax) return failed(TOO_OFTEN)
      return [{ type: 'killatamata.MediaJobStarted.v1', data: { ...of, attempt: attempts + 1 } }]
    case 'submitted': {
      const { attempt, provider, ref } = command
      if (attempt !== attempts || submitted?.attempt === attempt) return []
      return [{ type: 'killatamata.MediaJobSubmittedToProvider.v1', data: { ...of, attempt, provider, ref } }]
    }
    case 'complete': {
      const { files, chargedMicros, effectiveInput, adjustments } = command
      const lists = { files: [...files], adjustments: [...adjustments] }
      const data = { ...of, ...lists, effectiveInput, chargedMicros: String(chargedMicros) }
      return [{ type: 'killatamata.MediaJobCompleted.v1', data }]
    }
    default:
      return command satisfies never
  }
}
