/** What workers see of jobs, claims and submissions. Of the buyer they see nothing but what the job says. */
import { z } from '@hono/zod-openapi'
import type { JobState, PostedJob } from '../../../commands/firsthand/job.ts'
import { ATTEMPTS_MAX } from '../../../commands/firsthand/submission.ts'
import type { Handled } from '../../../commands/handle.ts'
import type { JobEvent } from '../../../events/firsthand/job.ts'
import { format, jobType, submissionStatus } from '../../../events/firsthand/vocabulary.ts'
import type { JobRow } from '../../../projections/firsthand/job.ts'
import type { SubmissionRow } from '../../../projections/firsthand/submission.ts'
import { id } from '../schemas.ts'
import { bytesMaxOf } from './upload-limits.ts'

export const claimParams = z.object({ claim_id: id })
export const submissionParams = z.object({ submission_id: id })

export const workersJob = z
  .object({
    id: z.string(),
    object: z.literal('job'),
    type: jobType,
    description: z.string(),
    accepted_formats: z.array(format),
    payout_cents: z.int(),
    files_remaining: z.int(),
  })
  .openapi('WorkersJob')

export const jobView = (row: JobRow): z.input<typeof workersJob> => ({
  id: row.job_id,
  object: 'job',
  type: row.type,
  description: row.description,
  accepted_formats: row.accepted_formats,
  payout_cents: Number(row.worker_payout_per_file_cents),
  files_remaining: row.files_needed - row.files_approved,
})

export const claimResponse = z
  .object({
    id: z.string(),
    object: z.literal('claim'),
    job_id: z.string(),
    submission_id: z.string(),
    payout_cents: z.int(),
    accepted_formats: z.array(format),
    bytes_max: z.int(),
    expires_at: z.string(),
  })
  .openapi('Claim')

/** The claim that a command has made, now or when it was first sent. Throws where it has made none. */
export function claimView({ events, state }: Handled<JobState, JobEvent>): z.input<typeof claimResponse> {
  const claimed = events.find(
    (event) => event.type === 'firsthand.SeatClaimed.v1' || event.type === 'firsthand.RetryClaimed.v1',
  )
  if (!claimed || state.status === 'absent') throw new Error('the command has made no claim')
  const { claimId, jobId, submissionId, expiresAt } = claimed.data
  const { acceptedFormats, workerPayoutPerFileCents } = state.facts
  return {
    ...{ id: claimId, object: 'claim', job_id: jobId, submission_id: submissionId },
    payout_cents: Number(workerPayoutPerFileCents),
    accepted_formats: acceptedFormats,
    bytes_max: Math.max(...acceptedFormats.map(bytesMaxOf)),
    expires_at: expiresAt,
  }
}

export const submissionResponse = z
  .object({
    id: z.string(),
    object: z.literal('submission'),
    job_id: z.string(),
    status: submissionStatus,
    ai_star_rating: z.int().nullable(),
    ai_reasoning: z.string().nullable(),
    attempt: z.int(),
    attempts_left: z.int(),
    payout_cents: z.int().nullable(),
  })
  .openapi('WorkersSubmission')

export type SubmissionFacts = Pick<
  SubmissionRow,
  'submission_id' | 'job_id' | 'status' | 'stars' | 'reason' | 'cause' | 'attempt' | 'payout_cents'
>

/** Another attempt is of no use where the submission is approved, a duplicate, or its job at its end. */
const attemptsLeft = ({ status, cause, attempt }: SubmissionFacts): number =>
  status === 'approved' || (cause !== null && cause !== 'score') ? 0 : ATTEMPTS_MAX - attempt

export const submissionView = (row: SubmissionFacts): z.input<typeof submissionResponse> => ({
  id: row.submission_id,
  object: 'submission',
  job_id: row.job_id,
  status: row.status,
  ai_star_rating: row.stars,
  ai_reasoning: row.reason,
  attempt: row.attempt,
  attempts_left: attemptsLeft(row),
  payout_cents: row.payout_cents === null ? null : Number(row.payout_cents),
})

/** The job that the claim belongs to. Throws where it was never posted, which no claim allows. */
export function postedJobOf(state: JobState): PostedJob {
  if (state.status === 'absent') throw new Error('a claim is of a job that was never posted')
  return state
}
