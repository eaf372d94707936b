/** Jobs as people look at them: what was asked for, how far it has come, and what came of it. */
import type { JobEvent, JobFinished, JobKind, JobOutcome } from '../../events/console/job.ts'
import type { ReadModels } from '../../postgres/database.ts'
import { snake } from '../../runtime/letter-case.ts'
import { integer, jsonb, text, time, uuid } from '../columns.ts'
import { defineProjection, defineTable, patch, type RowOf, upsert } from '../projection.ts'
import { consoleTables } from './tables.ts'

export type JobStatus = 'requested' | 'running' | JobOutcome

export const jobs = defineTable({
  name: 'console_jobs',
  key: ['job_id'],
  columns: {
    job_id: uuid,
    kind: text.of<JobKind>(),
    status: text.of<JobStatus>(),
    context: text.orNull,
    projection: text.orNull,
    stream: text.orNull,
    category: text.orNull,
    reason: text.orNull,
    requested_by: text,
    requested_at: time,
    started_at: time.orNull,
    /** How often a process has begun it. */
    runs: integer,
    percent: integer,
    events: integer,
    cancel_requested_at: time.orNull,
    finished_at: time.orNull,
    error: text.orNull,
    log: text.orNull,
    tables: jsonb.of<JobFinished['tables']>().orNull,
    findings: jsonb.of<JobFinished['findings']>().orNull,
    findings_total: integer.orNull,
    figures: jsonb.of<JobFinished['figures']>().orNull,
  },
  indexes: ['(requested_at DESC, job_id DESC)', "(requested_at) WHERE status IN ('requested', 'running')"],
})
export type JobRow = RowOf<typeof jobs>

/** How a job went on, for its plot. */
export const jobProgress = defineTable({
  name: 'console_job_progress',
  key: ['job_id', 'at'],
  columns: { job_id: uuid, at: time, percent: integer, events: integer, events_per_second: integer },
})
export type JobProgressRow = RowOf<typeof jobProgress>

export const jobProjection = defineProjection<JobEvent>({
  name: 'console.job',
  version: 1,
  onPoison: 'park',
  tables: [jobs, jobProgress],
  handlers: {
    'console.JobRequested.v1': ({ data }) => [
      upsert(jobs, {
        ...snake(data),
        ...{ status: 'requested', requested_at: data.occurredAt, started_at: null, runs: 0, percent: 0, events: 0 },
        ...{ cancel_requested_at: null, finished_at: null, error: null, log: null },
        ...{ tables: null, findings: null, findings_total: null, figures: null },
      }),
    ],
    'console.JobStarted.v1': ({ data }) => [
      patch(jobs, snake(data, 'jobId'), { status: 'running', started_at: data.occurredAt, runs: data.run }),
    ],
    'console.JobProgressed.v1': ({ data }) => [
      patch(jobs, snake(data, 'jobId'), { percent: data.percent, events: data.events }),
      upsert(jobProgress, { ...snake(data), at: data.occurredAt }),
    ],
    'console.JobCancelRequested.v1': ({ data }) => [
      patch(jobs, snake(data, 'jobId'), { cancel_requested_at: data.occurredAt }),
    ],
    'console.JobFinished.v1': ({ data }) => [
      patch(jobs, snake(data, 'jobId'), {
        ...snake(data, 'error', 'log', 'tables', 'findings', 'findingsTotal', 'figures'),
        ...{ status: data.outcome, finished_at: data.occurredAt },
      }),
    ],
  },
})

/** Jobs that nobody has ended, the oldest first. */
export const unfinishedJobs = (db: ReadModels, limit: number): Promise<Pick<JobRow, 'job_id'>[]> =>
  consoleTables(db)
    .selectFrom('console_jobs')
    .select('job_id')
    .where('status', 'in', ['requested', 'running'])
    .orderBy('requested_at')
    .limit(limit)
    .execute()

/** The last reports of a job, the oldest first. */
export async function progressOf(db: ReadModels, jobId: string, limit: number): Promise<JobProgressRow[]> {
  const found = consoleTables(db).selectFrom('console_job_progress').selectAll().where('job_id', '=', jobId)
  return (await found.orderBy('at', 'desc').limit(limit).execute()).toReversed()
}
