/** Jobs, as the job reads show them. */
import { type SqlBool, sql } from 'kysely'
import type { JobEvent, JobFacts } from '../../events/firsthand/job.ts'
import type { Environment, JobStatus } from '../../events/firsthand/vocabulary.ts'
import type { ReadModels } from '../../postgres/database.ts'
import { snake } from '../../runtime/letter-case.ts'
import { bigint, byBeginning, integer, jsonb, numeric, text, time } from '../columns.ts'
import { newestFirst, type Page } from '../keyset.ts'
import { type Change, defineProjection, defineTable, patch, type RowOf, upsert } from '../projection.ts'
import { firsthandTables, preparedOne } from './tables.ts'

export const jobs = defineTable({
  name: 'firsthand_jobs',
  key: ['job_id'],
  columns: {
    job_id: text,
    organization_id: text,
    environment: text.of<Environment>(),
    type: text.of<JobFacts['type']>(),
    description: text,
    files_needed: integer,
    files_approved: integer,
    /** Claimed, or submitted and not decided. */
    open_seats: integer,
    accepted_formats: text.of<JobFacts['acceptedFormats'][number]>().array,
    price_per_file_cents: bigint,
    platform_fee_pct: numeric,
    total_cost_cents: bigint,
    worker_payout_per_file_cents: bigint,
    status: text.of<JobStatus>(),
    metadata: jsonb,
    created_at: time,
    completed_at: time.orNull,
    cancelled_at: time.orNull,
  },
  indexes: [
    byBeginning('job_id'),
    '(organization_id, environment, created_at DESC, job_id DESC)',
    '(organization_id, environment, status, created_at DESC, job_id DESC)',
    '(organization_id, environment, type, created_at DESC, job_id DESC)',
    "(created_at DESC, job_id DESC) WHERE environment = 'live' AND status IN ('open', 'in_progress')",
    "(created_at, job_id) WHERE environment = 'test' AND status IN ('open', 'in_progress')",
  ],
})
export type JobRow = RowOf<typeof jobs>

/** The row of a job that has just been posted. */
export const postedJob = (facts: JobFacts): JobRow => ({
  ...snake(facts),
  ...{ status: 'open', files_approved: 0, open_seats: 0, completed_at: null, cancelled_at: null },
})

type Counted = Extract<JobEvent, { data: { openSeats: number } }>['data']

const counted = (data: Counted, more: Partial<JobRow> = {}): Change[] => [
  patch(jobs, snake(data, 'jobId'), { ...snake(data, 'filesApproved', 'openSeats'), ...more }),
]
/** A job as buyers see it, member by member: a repeat is answered with the same bytes, in whatever order columns come. */
export const jobObject = (row: JobRow) => ({
  id: row.job_id,
  object: 'job' as const,
  organization_id: row.organization_id,
  type: row.type,
  description: row.description,
  files_needed: row.files_needed,
  files_approved: row.files_approved,
  files_remaining: row.files_needed - row.files_approved,
  accepted_formats: row.accepted_formats,
  price_per_file_cents: Number(row.price_per_file_cents),
  platform_fee_pct: Number(row.platform_fee_pct),
  total_cost_cents: Number(row.total_cost_cents),
  worker_payout_per_file_cents: Number(row.worker_payout_per_file_cents),
  status: row.status,
  metadata: row.metadata as Record<string, unknown>,
  created_at: row.created_at,
  completed_at: row.completed_at,
  cancelled_at: row.cancelled_at,
})

export const jobProjection = defineProjection<JobEvent>({
  name: 'firsthand.job',
  version: 4,
  onPoison: 'park',
  tables: [jobs],
  handlers: {
    'firsthand.JobPosted.v1': ({ data }) => [upsert(jobs, postedJob(data))],
    'firsthand.SeatClaimed.v1': ({ data }) => counted(data, { status: 'in_progress' }),
    'firsthand.RetryClaimed.v1': ({ data }) => counted(data),
    'firsthand.SeatReleased.v1': ({ data }) => counted(data),
    'firsthand.SubmissionReceived.v1': ({ data }) => counted(data),
    'firsthand.SubmissionApproved.v1': ({ data }) => counted(data),
    'firsthand.SubmissionRejected.v1': ({ data }) => counted(data),
    'firsthand.JobCompleted.v1': ({ data }) => [
      patch(jobs, snake(data, 'jobId'), { status: 'completed', completed_at: data.occurredAt }),
    ],
    'firsthand.JobCancelled.v1': ({ data }) => [
      patch(jobs, snake(data, 'jobId'), { status: 'cancelled', cancelled_at: data.occurredAt }),
    ],
  },
})

/** A job of the organization in this environment. */
export const findJob = preparedOne((db, organizationId: string, environment: string, jobId: string) =>
  db
    .selectFrom('firsthand_jobs')
    .selectAll()
    .where('organization_id', '=', organizationId)
    .where('environment', '=', environment as Environment)
    .where('job_id', '=', jobId),
)

/** Jobs by their ids, in no order. */
export const findJobs = async (db: ReadModels, jobIds: readonly string[]): Promise<JobRow[]> =>
  jobIds.length === 0
    ? []
    : firsthandTables(db).selectFrom('firsthand_jobs').selectAll().where('job_id', 'in', jobIds).execute()

/** Live jobs that need files which nobody works on, newest first: what workers may claim. */
export const listWorkersJobs = (
  db: ReadModels,
  openSeatsMax: number,
  page: Page<'created_at' | 'job_id'>,
): Promise<JobRow[]> => {
  const free = firsthandTables(db)
    .selectFrom('firsthand_jobs')
    .selectAll()
    // Written out, so that the partial index is found.
    .where(sql<SqlBool>`environment = 'live' AND status IN ('open', 'in_progress')`)
    .where(sql<SqlBool>`open_seats < ${openSeatsMax} AND files_approved + open_seats < files_needed`)
  return newestFirst(free, ['created_at', 'job_id'], page).execute()
}

export interface JobFilter {
  status?: JobStatus | undefined
  type?: JobFacts['type'] | undefined
  /** Both exclusive. */
  createdAfter?: string | undefined
  createdBefore?: string | undefined
}

/** Newest first; the filters go together. */
export function listJobs(
  db: ReadModels,
  { organizationId, environment }: { organizationId: string; environment: Environment },
  { status, type, createdAfter, createdBefore }: JobFilter,
  page: Page<'created_at' | 'job_id'>,
): Promise<JobRow[]> {
  let query = firsthandTables(db)
    .selectFrom('firsthand_jobs')
    .selectAll()
    .where('organization_id', '=', organizationId)
    .where('environment', '=', environment)
  if (status) query = query.where('status', '=', status)
  if (type) query = query.where('type', '=', type)
  if (createdAfter) query = query.where('created_at', '>', createdAfter)
  if (createdBefore) query = query.where('created_at', '<', createdBefore)
  return newestFirst(query, ['created_at', 'job_id'], page).execute()
}
