/**
 * What a score makes of a submission, decided in its job's stream: approved, where the job is open and needs a file, the
 * submission has a seat, and the picture is none that the job has already. The last approval completes the job.
 */
import type { JobEvent } from '../../events/firsthand/job.ts'
import type { PostedJob } from './job.ts'
import { NEAR_DUPLICATE_BITS_MAX, nearestDistance } from './picture-hashes.ts'
import { endSeats, ofSeat, overtaken, type Seat } from './seats.ts'

export interface ScoreCommand {
  kind: 'score'
  submissionId: string
  /** Of the scores of this submission; one that is not awaited any more changes nothing. */
  round: number
  stars: number
  reason: string
  cause: 'score' | 'duplicate'
  /** Of the delivered picture; null where it is none. */
  perceptualHash: string | null
  at: string
}

/** From so many stars on a submission is approved. */
export const APPROVED_STARS_MIN = 3

export function decideScore(state: PostedJob, command: ScoreCommand): JobEvent[] {
  const seat = state.seats.get(command.submissionId)
  if (seat?.phase !== 'submitted' || seat.round !== command.round) return []
  const { at } = command
  const openSeats = state.seats.size - 1
  if (state.status === 'cancelled') return [overtaken(state, seat, 'job_cancelled', openSeats, at)]
  const isFull = state.filesApproved >= state.facts.filesNeeded
  if (state.status === 'completed' || isFull) return [overtaken(state, seat, 'job_complete', openSeats, at)]
  const { stars, reason, cause } = judged(state, command)
  const of = { ...ofSeat(state, seat, openSeats, at), round: seat.round, fileId: seat.fileId, reason, stars }
  if (stars < APPROVED_STARS_MIN || cause !== 'score') {
    return [{ type: 'firsthand.SubmissionRejected.v1', data: { ...of, cause } }]
  }
  return approve(state, seat, of, command)
}

/** The score, less where the picture is almost one that is approved. In the test world nobody looks for that. */
function judged({ facts, hashes }: PostedJob, { stars, reason, cause, perceptualHash }: ScoreCommand) {
  if (stars < APPROVED_STARS_MIN || perceptualHash === null || facts.environment === 'test') {
    return { stars, reason, cause }
  }
  const distance = nearestDistance(hashes, perceptualHash)
  if (distance > NEAR_DUPLICATE_BITS_MAX) return { stars, reason, cause }
  const told = `The picture is almost the same as one that the job has already: ${distance} of 64 bits differ.`
  return { stars: 1, reason: told, cause: 'near_duplicate' as const }
}

function approve(
  state: PostedJob,
  seat: Extract<Seat, { phase: 'submitted' }>,
  of: ReturnType<typeof ofSeat> & { round: number; fileId: string; reason: string; stars: number },
  { perceptualHash, at }: ScoreCommand,
): JobEvent[] {
  const filesApproved = state.filesApproved + 1
  const { organizationId, environment, jobId, filesNeeded, workerPayoutPerFileCents } = state.facts
  // Nothing was held for a job of the test world.
  const payoutCents = environment === 'test' ? '0' : workerPayoutPerFileCents
  const approved: JobEvent = {
    type: 'firsthand.SubmissionApproved.v1',
    data: { ...of, filesApproved, perceptualHash, payoutCents },
  }
  if (filesApproved < filesNeeded) return [approved]
  const seats = new Map(state.seats)
  seats.delete(seat.submissionId)
  return [
    approved,
    ...endSeats({ ...state, filesApproved, seats }, 'job_complete', at),
    {
      type: 'firsthand.JobCompleted.v1',
      data: { organizationId, environment, jobId, filesApproved, occurredAt: at },
    },
  ]
}
