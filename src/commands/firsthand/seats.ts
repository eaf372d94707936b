/**
 * Seats of a job: who works on one of its files. A seat is claimed for a time, submitted, and free again once the submission
 * is decided. Approved files and open seats together are never more than the job needs, so that nobody works for nothing.
 */
import type { JobEvent } from '../../events/firsthand/job.ts'
import type { Environment } from '../../events/firsthand/vocabulary.ts'
import type { PostedJob } from './job.ts'
import { Rejected } from './rejection.ts'

export type Seat = { submissionId: string; workerId: string; claimId: string; attempt: number } & (
  | { phase: 'claimed'; expiresAt: string }
  | { phase: 'submitted'; round: number; fileId: string }
)

export interface SeatLimits {
  /** Open seats of the job at a time. */
  openSeatsMax: number
  /** Seats of the job that one worker has claimed and not submitted. */
  workerClaimsMax: number
}

interface NewClaim {
  claimId: string
  submissionId: string
  workerId: string
  expiresAt: string
  limits: SeatLimits
  at: string
}

export type SeatCommand =
  /** The environment is that in which the worker works: a job of the other one is none. */
  | ({ kind: 'claim'; environment: Environment } & NewClaim)
  /** For a submission that was rejected; the caller has seen to that in the submission's own stream. */
  | ({ kind: 'retry'; attempt: number } & NewClaim)
  /** Given back by the worker, or lapsed by the clock; without effect where the seat is no claim any more. */
  | { kind: 'release'; cause: 'given_back' | 'lapsed'; claimId: string; at: string }
  /** The bytes of the claim are stored. */
  | { kind: 'receive'; claimId: string; round: number; fileId: string; at: string }
  /** What was rejected is to be scored once more. */
  | ({ kind: 'rescore'; round: number; fileId: string; openSeatsMax: number; at: string } & Omit<Seat, 'phase'>)

export const hasEnded = ({ status }: PostedJob): boolean => status === 'completed' || status === 'cancelled'

export function decideSeat(state: PostedJob, command: SeatCommand): JobEvent[] {
  switch (command.kind) {
    case 'claim':
      if (state.facts.environment !== command.environment) throw new Rejected('job_not_found', 'There is no such job.')
      return claim(state, command, 1)
    case 'retry':
      return claim(state, command, command.attempt)
    case 'release':
      return release(state, command)
    case 'receive':
      return receive(state, command)
    case 'rescore':
      return rescore(state, command)
    default:
      return command satisfies never
  }
}

/** The members that every event about a seat has, with the counters as they are right after it. */
export const ofSeat = (
  { facts, filesApproved }: PostedJob,
  { submissionId, workerId, claimId, attempt }: Omit<Seat, 'phase'>,
  openSeats: number,
  occurredAt: string,
) => {
  const { organizationId, environment, jobId } = facts
  const of = { organizationId, environment, jobId, submissionId, workerId, claimId, attempt }
  return { ...of, filesApproved, openSeats, occurredAt }
}

const hasLapsed = (seat: Seat, at: string): boolean => seat.phase === 'claimed' && seat.expiresAt <= at

function claim(state: PostedJob, command: NewClaim, attempt: number): JobEvent[] {
  const { claimId, submissionId, workerId, expiresAt, limits, at } = command
  if (hasEnded(state)) throw new Rejected('job_ended', `The job is ${state.status}.`)
  const seats = [...state.seats.values()]
  if (seats.some((seat) => seat.claimId === claimId)) return []
  // Claims that nobody gave back are free by the clock, swept or not.
  const lapsed = seats.filter((seat) => hasLapsed(seat, at))
  const open = seats.length - lapsed.length
  const kept = seats.filter((seat) => !hasLapsed(seat, at))
  if (kept.some((seat) => seat.submissionId === submissionId)) {
    throw new Rejected('submission_not_rejected', 'The submission is under way.')
  }
  requireFree(state, open, limits.openSeatsMax)
  const own = kept.filter((seat) => seat.workerId === workerId && seat.phase === 'claimed')
  if (attempt === 1 && own.length >= limits.workerClaimsMax) {
    const detail = `A worker has ${limits.workerClaimsMax} open claims of a job at most.`
    throw new Rejected('open_claims_reached', detail)
  }
  const of = ofSeat(state, { submissionId, workerId, claimId, attempt }, open + 1, at)
  const type = attempt === 1 ? 'firsthand.SeatClaimed.v1' : 'firsthand.RetryClaimed.v1'
  return [...releasesOf(state, lapsed, 'lapsed', at), { type, data: { ...of, expiresAt } }]
}

function requireFree(state: PostedJob, open: number, openSeatsMax: number): void {
  if (open < openSeatsMax && state.filesApproved + open < state.facts.filesNeeded) return
  throw new Rejected('no_free_seat', 'The job has no free seat at present.')
}

/** Events that release these seats, one after the other. */
const releasesOf = (
  state: PostedJob,
  seats: readonly Seat[],
  cause: 'given_back' | 'lapsed' | 'job_ended',
  at: string,
): JobEvent[] =>
  seats.map((seat, index) => ({
    type: 'firsthand.SeatReleased.v1',
    data: { ...ofSeat(state, seat, state.seats.size - index - 1, at), cause },
  }))

function release(
  state: PostedJob,
  { claimId, cause, at }: { claimId: string; cause: 'given_back' | 'lapsed'; at: string },
): JobEvent[] {
  const seat = seatOfClaim(state, claimId)
  if (!seat) return []
  if (seat.phase === 'submitted') {
    if (cause === 'lapsed') return []
    throw new Rejected('claim_submitted', 'The claim has been submitted; it is given back no more.')
  }
  if (cause === 'lapsed' && !hasLapsed(seat, at)) return []
  return releasesOf(state, [seat], cause, at)
}

const seatOfClaim = ({ seats }: PostedJob, claimId: string): Seat | undefined => {
  for (const seat of seats.values()) if (seat.claimId === claimId) return seat
  return undefined
}

function receive(
  state: PostedJob,
  { claimId, round, fileId, at }: { claimId: string; round: number; fileId: string; at: string },
): JobEvent[] {
  const seat = seatOfClaim(state, claimId)
  if (seat?.phase === 'submitted') return []
  if (!seat || hasLapsed(seat, at)) throw claimEnded()
  const data = { ...ofSeat(state, seat, state.seats.size, at), round, fileId }
  return [{ type: 'firsthand.SubmissionReceived.v1', data }]
}

export const claimEnded = () => new Rejected('claim_ended', 'The claim has lapsed, or was given back.')

function rescore(state: PostedJob, command: Extract<SeatCommand, { kind: 'rescore' }>): JobEvent[] {
  const { round, fileId, openSeatsMax, at } = command
  if (hasEnded(state)) throw new Rejected('job_ended', `The job is ${state.status}.`)
  const seat = state.seats.get(command.submissionId)
  if (seat?.phase === 'submitted' && seat.round === round) return []
  if (seat) throw new Rejected('submission_not_rejected', 'The submission is under way.')
  requireFree(state, state.seats.size, openSeatsMax)
  const data = { ...ofSeat(state, command, state.seats.size + 1, at), round, fileId }
  return [{ type: 'firsthand.SubmissionReceived.v1', data }]
}

const REASONS = { job_complete: 'the job is complete', job_cancelled: 'the job was cancelled' } as const

/** The rejection of a submission that the job's end overtook. */
export const overtaken = (
  state: PostedJob,
  seat: Extract<Seat, { phase: 'submitted' }>,
  cause: keyof typeof REASONS,
  openSeats: number,
  at: string,
): JobEvent => ({
  type: 'firsthand.SubmissionRejected.v1',
  data: {
    ...ofSeat(state, seat, openSeats, at),
    ...{ round: seat.round, fileId: seat.fileId, stars: null, cause, reason: REASONS[cause] },
  },
})

/** What becomes of the open seats when the job ends: claims are free, and submissions are rejected without stars. */
export const endSeats = (state: PostedJob, cause: keyof typeof REASONS, at: string): JobEvent[] =>
  [...state.seats.values()].flatMap((seat, index) => {
    const openSeats = state.seats.size - index - 1
    if (seat.phase === 'submitted') return [overtaken(state, seat, cause, openSeats, at)]
    return [{ type: 'firsthand.SeatReleased.v1', data: { ...ofSeat(state, seat, openSeats, at), cause: 'job_ended' } }]
  })
