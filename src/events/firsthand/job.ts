/** Facts of a job. Stream `firsthand.job-<job id>`. Event names are the storage format. */
import { z } from 'zod'
import type { EventOf } from '../event.ts'
import {
  cents,
  environment,
  format,
  fraction,
  jobType,
  perceptualHash,
  rejectionCause,
  stars,
  time,
} from './vocabulary.ts'

const ofJob = { organizationId: z.string(), environment, jobId: z.string() }

/** All that is known of a job when it is paid for; the wallet records it too (EscrowHeld). */
export const jobFacts = z.object({
  ...ofJob,
  type: jobType,
  description: z.string(),
  filesNeeded: z.int().positive(),
  acceptedFormats: z.array(format),
  pricePerFileCents: cents,
  /** The house's part of the price, as it was when the job was posted. */
  platformFeePct: fraction,
  totalCostCents: cents,
  workerPayoutPerFileCents: cents,
  metadata: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])),
  createdAt: time,
})
export type JobFacts = z.infer<typeof jobFacts>

/** Every event that moves a counter says what the counters are right after it, so that no reader has to add up. */
const ofSeat = {
  ...ofJob,
  submissionId: z.string(),
  /** Nobody sees a worker's name or address here; the person is the worker. */
  workerId: z.string(),
  claimId: z.string(),
  /** Of the uploads of this submission, from 1. */
  attempt: z.int().positive(),
  filesApproved: z.int().nonnegative(),
  /** Claimed, or submitted and not decided. */
  openSeats: z.int().nonnegative(),
  occurredAt: time,
}
const claimed = z.object({
  ...ofSeat,
  /** The seat is free again when nothing was submitted by then. */
  expiresAt: time,
})
/** What was decided about the last thing submitted. */
const decided = {
  ...ofSeat,
  /** Of the scores of this submission, from 1; ahead of `attempt` where one attempt was scored again. */
  round: z.int().positive(),
  fileId: z.string(),
  reason: z.string(),
}

export const jobEvents = {
  'firsthand.JobPosted.v1': jobFacts,
  /** A worker has a seat, for a new submission. */
  'firsthand.SeatClaimed.v1': claimed,
  /** A worker whose submission was rejected has a seat once more. */
  'firsthand.RetryClaimed.v1': claimed,
  'firsthand.SeatReleased.v1': z.object({ ...ofSeat, cause: z.enum(['given_back', 'lapsed', 'job_ended']) }),
  /** The seat waits for a score from now on. An administrator's rescoring takes a seat and says it at once. */
  'firsthand.SubmissionReceived.v1': z.object({ ...ofSeat, round: z.int().positive(), fileId: z.string() }),
  /** The file is the buyer's, and the worker is owed the payout. */
  'firsthand.SubmissionApproved.v1': z.object({
    ...decided,
    stars,
    /** Of pictures: later ones that are too much alike are rejected. */
    perceptualHash: perceptualHash.nullable(),
    payoutCents: cents,
  }),
  /** Stars are null where nothing was judged. */
  'firsthand.SubmissionRejected.v1': z.object({ ...decided, stars: stars.nullable(), cause: rejectionCause }),
  /** All files are there. In one append with the last approval. */
  'firsthand.JobCompleted.v1': z.object({ ...ofJob, filesApproved: z.int().nonnegative(), occurredAt: time }),
  /** Nobody is paid for what was not approved by then. */
  'firsthand.JobCancelled.v1': z.object({
    ...ofJob,
    filesApproved: z.int().nonnegative(),
    /** What goes back to the wallet. */
    refundCents: cents,
    occurredAt: time,
  }),
}
export type JobEvent = EventOf<typeof jobEvents>
