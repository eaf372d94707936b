/**
 * A worker's way through a seat, where it takes several streams: the claim takes one of the worker's slots of the day before
 * the job gives a seat, and what is submitted is in the submission's stream before the job hears of it. A crash in between
 * costs a slot, or leaves bytes that the repeated request goes on from.
 */
import type { JobEvent } from '../../events/firsthand/job.ts'
import type { SubmissionEvent } from '../../events/firsthand/submission.ts'
import type { Environment } from '../../events/firsthand/vocabulary.ts'
import { prefixedId } from '../../runtime/ulid.ts'
import { stepContext } from '../context.ts'
import type { CommandBus, CommandContext, Handled } from '../handle.ts'
import { deterministicId } from '../identity.ts'
import { type JobState, job, type PostedJob } from './job.ts'
import { Rejected } from './rejection.ts'
import { hasEnded, type Seat, type SeatLimits } from './seats.ts'
import {
  ATTEMPTS_MAX,
  nextRound,
  requireRejected,
  type StoredSubmission,
  submission,
  submissionNotFound,
} from './submission.ts'
import { workerDay, workerDayIdOf } from './worker-day.ts'

export interface ClaimLimits extends SeatLimits {
  /** How long a claim lasts. */
  claimTtlMs: number
  /** Claims of one worker and UTC day; infinity: not counted. */
  workerClaimsPerDayMax: number
}

type Claimed = Handled<JobState, JobEvent>

const endOf = (at: string, { claimTtlMs }: ClaimLimits): string => new Date(Date.parse(at) + claimTtlMs).toISOString()

/** A seat for a new submission. The job decides first; a worker without a slot of the day is refused all the same. */
export function claimSeat(
  bus: CommandBus,
  of: { jobId: string; workerId: string; environment: Environment },
  limits: ClaimLimits,
  context: CommandContext,
): Promise<Claimed> {
  const { jobId, workerId, environment } = of
  const { at, commandId } = context
  const claimId = prefixedId('clm', at, commandId)
  const claim = { claimId, submissionId: prefixedId('sub', at, commandId), workerId, expiresAt: endOf(at, limits) }
  const command = { kind: 'claim', environment, ...claim, limits, at } as const
  return bus.handle(job, jobId, command, context, async () => {
    if (!Number.isFinite(limits.workerClaimsPerDayMax)) return
    // A refusal costs no slot.
    job.decide(command, await bus.load(job, jobId))
    const slot = { workerId, claimId, jobId, slotsMax: limits.workerClaimsPerDayMax, at }
    await bus.handle(workerDay, workerDayIdOf(slot), slot, followUp('slot', claimId, context))
  })
}

/** A seat for another attempt of a submission that was rejected for its score. */
export function claimRetry(
  bus: CommandBus,
  of: { jobId: string; workerId: string; submissionId: string },
  limits: ClaimLimits,
  context: CommandContext,
): Promise<Claimed> {
  const { jobId, workerId, submissionId } = of
  const { at, commandId } = context
  const claimId = prefixedId('clm', at, commandId)
  const seat = { claimId, submissionId, workerId, expiresAt: endOf(at, limits), limits, at }
  // Which attempt it is, the precondition finds out before the job decides.
  const command = { kind: 'retry' as const, ...seat, attempt: 0 }
  return bus.handle(job, jobId, command, context, async () => {
    const stored = await bus.current(submission, submissionId)
    if (stored.status === 'absent') throw submissionNotFound()
    requireRejected(stored)
    if (stored.upload.attempt >= ATTEMPTS_MAX) {
      throw new Rejected('attempts_used', `The submission has had its ${ATTEMPTS_MAX} attempts.`)
    }
    command.attempt = stored.upload.attempt + 1
  })
}

/** The seat that this claim holds now. Throws Rejected where it is submitted already, lapsed or given back. */
export function openClaimOf(state: PostedJob, claimId: string, at: string): Extract<Seat, { phase: 'claimed' }> {
  const seat = [...state.seats.values()].find((each) => each.claimId === claimId)
  if (seat?.phase === 'submitted') throw new Rejected('claim_submitted', 'The claim has been submitted.')
  if (!seat || seat.expiresAt <= at || hasEnded(state)) {
    throw new Rejected('claim_ended', 'The claim has lapsed, or was given back.')
  }
  return seat
}

type Upload = Extract<SubmissionEvent, { type: 'firsthand.UploadStored.v1' }>['data']

/** Records the bytes of a claim and submits them. The first bytes of an attempt count. */
export async function submitUpload(bus: CommandBus, upload: Upload, context: CommandContext): Promise<Claimed> {
  const { submissionId, claimId, attempt } = upload
  const storing = { ...followUp('upload', claimId, context), startsStream: attempt === 1 }
  const stored = await bus.handle(submission, submissionId, { kind: 'storeUpload', upload }, storing)
  return receiveUpload(bus, stored.state as StoredSubmission, context)
}

/** The second step: the newest bytes are stored, and their claim is not submitted yet. */
export function receiveUpload(bus: CommandBus, stored: StoredSubmission, context: CommandContext): Promise<Claimed> {
  const { claimId, fileId, jobId } = stored.upload
  const command = { kind: 'receive', claimId, fileId, round: nextRound(stored), at: context.at } as const
  return bus.handle(job, jobId, command, followUp('receive', claimId, context))
}

/** Has a rejected submission scored once more, where the job has a seat. */
export async function rescore(
  bus: CommandBus,
  submissionId: string,
  openSeatsMax: number,
  context: CommandContext,
): Promise<Claimed> {
  const stored = await bus.current(submission, submissionId)
  if (stored.status === 'absent') throw submissionNotFound()
  requireRejected(stored)
  const { jobId, workerId, claimId, attempt, fileId } = stored.upload
  const seat = { submissionId, workerId, claimId, attempt, round: nextRound(stored), fileId }
  return bus.handle(job, jobId, { kind: 'rescore', ...seat, openSeatsMax, at: context.at }, context)
}

const followUp = (step: string, id: string, context: CommandContext): CommandContext =>
  stepContext(context, deterministicId('firsthand.claiming', step, id))
