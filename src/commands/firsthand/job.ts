/**
 * A job: posted once it is paid for, ended once. Its own stream decides who has a seat, what is approved, and between an
 * approval and the end, so that what goes back to the wallet follows from it.
 */
import { Decimal } from 'decimal.js'
import type { JobEvent, JobFacts } from '../../events/firsthand/job.ts'
import type { Environment, JobStatus } from '../../events/firsthand/vocabulary.ts'
import type { Aggregate } from '../decider.ts'
import { NO_HASHES, type PictureHashes, withHash } from './picture-hashes.ts'
import { Rejected } from './rejection.ts'
import { decideScore, type ScoreCommand } from './scores.ts'
import { decideSeat, endSeats, type Seat, type SeatCommand } from './seats.ts'

export interface PostedJob {
  status: JobStatus
  facts: JobFacts
  filesApproved: number
  endedAt: string | null
  /** By submission: claimed, or submitted and not decided. */
  seats: ReadonlyMap<string, Seat>
  /** Of the pictures that are approved. */
  hashes: PictureHashes
}
export type JobState = { status: 'absent' } | PostedJob

/** Whose job it is to be. */
export interface JobOwner {
  organizationId: string
  environment: Environment
}

export type JobCommand =
  | { kind: 'post'; facts: JobFacts }
  | { kind: 'cancel'; owner: JobOwner; at: string }
  | SeatCommand
  | ScoreCommand

const without = <Key, Value>(map: ReadonlyMap<Key, Value>, key: Key): ReadonlyMap<Key, Value> => {
  const rest = new Map(map)
  rest.delete(key)
  return rest
}

export const job: Aggregate<JobState, JobCommand, JobEvent> = {
  category: 'firsthand.job',
  initialState: { status: 'absent' },

  evolve(state, event) {
    if (event.type === 'firsthand.JobPosted.v1') {
      return {
        ...{ status: 'open', facts: event.data, filesApproved: 0, endedAt: null },
        ...{ seats: new Map(), hashes: NO_HASHES },
      }
    }
    if (state.status === 'absent') return state
    switch (event.type) {
      case 'firsthand.SeatClaimed.v1':
      case 'firsthand.RetryClaimed.v1': {
        const { submissionId, workerId, claimId, attempt, expiresAt } = event.data
        const seat: Seat = { phase: 'claimed', submissionId, workerId, claimId, attempt, expiresAt }
        return { ...state, status: 'in_progress', seats: new Map(state.seats).set(submissionId, seat) }
      }
      case 'firsthand.SeatReleased.v1':
        return { ...state, seats: without(state.seats, event.data.submissionId) }
      case 'firsthand.SubmissionReceived.v1': {
        const { submissionId, workerId, claimId, attempt, round, fileId } = event.data
        const seat: Seat = { phase: 'submitted', submissionId, workerId, claimId, attempt, round, fileId }
        return { ...state, seats: new Map(state.seats).set(submissionId, seat) }
      }
      case 'firsthand.SubmissionApproved.v1': {
        const { submissionId, filesApproved, perceptualHash } = event.data
        const hashes = perceptualHash === null ? state.hashes : withHash(state.hashes, perceptualHash)
        return { ...state, filesApproved, hashes, seats: without(state.seats, submissionId) }
      }
      case 'firsthand.SubmissionRejected.v1':
        return { ...state, seats: without(state.seats, event.data.submissionId) }
      case 'firsthand.JobCompleted.v1':
        return { ...state, status: 'completed', endedAt: event.data.occurredAt }
      case 'firsthand.JobCancelled.v1':
        return { ...state, status: 'cancelled', endedAt: event.data.occurredAt }
      default:
        return event satisfies never
    }
  },

  decide(command, state) {
    if (command.kind === 'post') {
      return state.status === 'absent' ? [{ type: 'firsthand.JobPosted.v1', data: command.facts }] : []
    }
    if (state.status === 'absent') throw jobNotFound()
    switch (command.kind) {
      case 'cancel':
        return cancel(state, command)
      case 'score':
        return decideScore(state, command)
      default:
        return decideSeat(state, command)
    }
  },
}

/** Who has a seat loses it, and nobody is paid for what was not approved. */
function cancel(state: PostedJob, { owner, at }: { owner: JobOwner; at: string }): JobEvent[] {
  if (!isOwn(state.facts, owner)) throw jobNotFound()
  if (state.status === 'cancelled') return []
  if (state.status === 'completed') throw new Rejected('job_completed', 'The job is completed.')
  const { filesApproved } = state
  const { organizationId, environment, jobId } = state.facts
  const refundCents = refundOf(state.facts, filesApproved).toString()
  const data = { organizationId, environment, jobId, filesApproved, refundCents, occurredAt: at }
  return [...endSeats(state, 'job_cancelled', at), { type: 'firsthand.JobCancelled.v1', data }]
}

const isOwn = (facts: JobFacts, { organizationId, environment }: JobOwner): boolean =>
  facts.organizationId === organizationId && facts.environment === environment

/** The same for another organization's job, and for one of the other environment, as for none. */
export const jobNotFound = () => new Rejected('job_not_found', 'There is no such job.')

/** What a job's end leaves of its hold: in the test environment nothing was held. */
export const refundOf = (facts: JobFacts, filesApproved: number): bigint =>
  facts.environment === 'test' ? 0n : BigInt(facts.pricePerFileCents) * BigInt(facts.filesNeeded - filesApproved)

/** Where the organization has set none. */
const PLATFORM_FEE_PCT = '0.2'

/** A job's price in parts, with the fee as the organization has it now. The fraction of a cent is the worker's. */
export function pricesOf(filesNeeded: number, pricePerFileCents: number, feePct: string | null) {
  const platformFeePct = feePct ?? PLATFORM_FEE_PCT
  const fee = new Decimal(pricePerFileCents).times(platformFeePct).floor()
  return {
    pricePerFileCents: String(pricePerFileCents),
    platformFeePct,
    totalCostCents: (BigInt(filesNeeded) * BigInt(pricePerFileCents)).toString(),
    workerPayoutPerFileCents: new Decimal(pricePerFileCents).minus(fee).toFixed(),
  }
}
