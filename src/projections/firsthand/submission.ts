/** Submissions and their files, as buyers see those that were uploaded, and their worker its own. */
import type { JobEvent } from '../../events/firsthand/job.ts'
import type { SubmissionEvent } from '../../events/firsthand/submission.ts'
import type { Environment, RejectionCause, SubmissionStatus } from '../../events/firsthand/vocabulary.ts'
import type { WorkerEvent } from '../../events/firsthand/worker.ts'
import type { ReadModels } from '../../postgres/database.ts'
import { snake } from '../../runtime/letter-case.ts'
import { bigint, byBeginning, integer, numeric, text, time } from '../columns.ts'
import { newestFirst, type Page } from '../keyset.ts'
import { type Change, defineProjection, defineTable, erase, patch, type RowOf, upsert } from '../projection.ts'
import { firsthandTables, preparedOne } from './tables.ts'

const ofJob = { job_id: text, organization_id: text, environment: text.of<Environment>() }

export const submissions = defineTable({
  name: 'firsthand_submissions',
  key: ['submission_id'],
  columns: {
    submission_id: text,
    ...ofJob,
    worker_id: text,
    status: text.of<SubmissionStatus>(),
    /** Of its uploads, the newest. */
    attempt: integer,
    round: integer,
    /** Null until there is a score. */
    stars: integer.orNull,
    reason: text.orNull,
    /** Why it was rejected; null: it was not. */
    cause: text.of<RejectionCause>().orNull,
    /** The newest upload. */
    file_id: text,
    payout_cents: bigint.orNull,
    created_at: time,
    scored_at: time.orNull,
  },
  indexes: [byBeginning('submission_id'), '(job_id, created_at DESC, submission_id DESC)'],
})
export type SubmissionRow = RowOf<typeof submissions>

/** Every upload that was submitted, approved or not; what the buyer sees of one is set by its delivered copy. */
export const files = defineTable({
  name: 'firsthand_files',
  key: ['file_id'],
  columns: {
    file_id: text,
    ...ofJob,
    submission_id: text,
    worker_id: text,
    /** As the worker's device called it; personal. */
    original_filename: text.orNull,
    /** Of the delivered copy, and null until there is one; links are made when they are asked for. */
    object_key: text.orNull,
    content_type: text,
    size_bytes: integer,
    sha256: text,
    width: integer.orNull,
    height: integer.orNull,
    duration_seconds: numeric.orNull,
    /** When it was uploaded, and once it is approved, when that was: a page of approved files never shifts. */
    created_at: time,
    /** Null: nobody has paid for it. */
    approved_at: time.orNull,
  },
  indexes: ['(job_id, created_at DESC, file_id DESC) WHERE approved_at IS NOT NULL', '(worker_id)'],
})
export type FileRow = RowOf<typeof files>

type ReceivedData = Extract<JobEvent, { type: 'firsthand.SubmissionReceived.v1' }>['data']

/** The row of a submission that waits for its score; of a later round, what it changes. */
const UNSCORED = { status: 'pending_score', stars: null, reason: null, cause: null, scored_at: null } as const

function received(data: ReceivedData): Change[] {
  const newest = { ...UNSCORED, ...snake(data, 'attempt', 'round', 'fileId') }
  if (data.attempt > 1 || data.round > 1) return [patch(submissions, snake(data, 'submissionId'), newest)]
  return [upsert(submissions, { ...snake(data), ...newest, payout_cents: null, created_at: data.occurredAt })]
}

export const submissionProjection = defineProjection<JobEvent | SubmissionEvent | WorkerEvent>({
  name: 'firsthand.submission',
  version: 2,
  onPoison: 'park',
  tables: [submissions, files],
  handlers: {
    'firsthand.UploadStored.v1': ({ data }) => [
      upsert(files, {
        ...snake(data),
        ...{ original_filename: data.filename, object_key: null, approved_at: null, created_at: data.occurredAt },
        ...{ width: null, height: null, duration_seconds: null },
      }),
    ],
    'firsthand.WorkerForgotten.v1': ({ data }) => [erase(files, snake(data, 'workerId'), ['original_filename'])],
    'firsthand.DeliveryCopyStored.v1': ({ data }) => [
      patch(files, snake(data, 'fileId'), {
        ...snake(data, 'objectKey', 'contentType', 'sizeBytes', 'sha256', 'width', 'height'),
        duration_seconds: data.durationSeconds === null ? null : String(data.durationSeconds),
      }),
    ],
    'firsthand.SubmissionReceived.v1': ({ data }) => received(data),
    'firsthand.RetryClaimed.v1': ({ data }) => [
      patch(submissions, snake(data, 'submissionId'), { status: 'retry_pending' }),
    ],
    // A first claim has no row; a retry that is given up leaves what was rejected.
    'firsthand.SeatReleased.v1': ({ data }) => [
      patch(submissions, snake(data, 'submissionId'), { status: 'rejected' }),
    ],
    'firsthand.SubmissionRejected.v1': ({ data }) => [
      patch(submissions, snake(data, 'submissionId'), {
        ...{ status: 'rejected', ...snake(data, 'stars', 'reason', 'cause') },
        scored_at: data.stars === null ? null : data.occurredAt,
      }),
    ],
    'firsthand.SubmissionApproved.v1': ({ data }) => [
      patch(submissions, snake(data, 'submissionId'), {
        ...{ status: 'approved', ...snake(data, 'stars', 'reason', 'payoutCents'), scored_at: data.occurredAt },
      }),
      patch(files, snake(data, 'fileId'), { approved_at: data.occurredAt, created_at: data.occurredAt }),
    ],
  },
})

/** A submission of this worker. */
export const findWorkersSubmission = preparedOne((db, workerId: string, submissionId: string) =>
  db
    .selectFrom('firsthand_submissions')
    .selectAll()
    .where('submission_id', '=', submissionId)
    .where('worker_id', '=', workerId),
)

/** Anybody's; for administrators. */
export const findSubmission = preparedOne((db, submissionId: string) =>
  db.selectFrom('firsthand_submissions').selectAll().where('submission_id', '=', submissionId),
)

/** A job's, newest first. */
export const listSubmissions = (
  db: ReadModels,
  jobId: string,
  page: Page<'created_at' | 'submission_id'>,
): Promise<SubmissionRow[]> =>
  newestFirst(
    firsthandTables(db).selectFrom('firsthand_submissions').selectAll().where('job_id', '=', jobId),
    ['created_at', 'submission_id'],
    page,
  ).execute()

/** Those of these that are known. */
export const findSubmissions = async (db: ReadModels, ids: readonly string[]): Promise<SubmissionRow[]> =>
  ids.length === 0
    ? []
    : firsthandTables(db).selectFrom('firsthand_submissions').selectAll().where('submission_id', 'in', ids).execute()

/** The approved files among these. */
export const findApprovedFiles = async (db: ReadModels, fileIds: readonly string[]): Promise<FileRow[]> => {
  if (fileIds.length === 0) return []
  return firsthandTables(db)
    .selectFrom('firsthand_files')
    .selectAll()
    .where('file_id', 'in', fileIds)
    .where('approved_at', 'is not', null)
    .execute()
}
