/** A job as the contract shows it, from the read model's row; a command's answer is made of the same row. */
import { z } from '@hono/zod-openapi'
import type { JobState } from '../../../commands/firsthand/job.ts'
import { format, jobStatus, jobType } from '../../../events/firsthand/vocabulary.ts'
import { type JobRow, jobObject, postedJob } from '../../../projections/firsthand/job.ts'
import { id } from '../schemas.ts'

export const jobParams = z.object({ job_id: id })

export const jobResponse = z
  .object({
    id: z.string(),
    object: z.literal('job'),
    organization_id: z.string(),
    type: jobType,
    description: z.string(),
    files_needed: z.int(),
    files_approved: z.int(),
    files_remaining: z.int(),
    accepted_formats: z.array(format),
    price_per_file_cents: z.int(),
    platform_fee_pct: z.number(),
    total_cost_cents: z.int(),
    worker_payout_per_file_cents: z.int(),
    status: jobStatus,
    metadata: z.record(z.string(), z.unknown()),
    created_at: z.string(),
    completed_at: z.string().nullable(),
    cancelled_at: z.string().nullable(),
  })
  .openapi('JobResponse')

export const jobView = (row: JobRow): z.input<typeof jobResponse> => jobObject(row)

/** The row of a job in this state. Throws where there is no job: no accepted command leaves it so. */
export function rowOf(state: JobState): JobRow {
  if (state.status === 'absent') throw new Error('a job that was never posted has no view')
  const { facts, status, filesApproved: files_approved, seats, endedAt } = state
  const endOf = (end: JobState['status']) => (status === end ? endedAt : null)
  return {
    ...postedJob(facts),
    ...{
      status,
      files_approved,
      open_seats: seats.size,
      completed_at: endOf('completed'),
      cancelled_at: endOf('cancelled'),
    },
  }
}
