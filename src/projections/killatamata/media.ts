/** Media jobs with what became of each, their files, and callbacks that are due. */
import { sql } from 'kysely'
import type {
  CallbackEvent,
  Measures,
  MediaFailure,
  MediaJobEvent,
  MediaTask,
  PreparedJob,
} from '../../events/killatamata/media.ts'
import type { ReadModels } from '../../postgres/database.ts'
import { snake } from '../../runtime/letter-case.ts'
import { bigint, byBeginning, integer, jsonb, text, time, uuid } from '../columns.ts'
import { defineProjection, defineTable, patch, type RowOf, upsert } from '../projection.ts'
import { killatamataTables, preparedOne } from './tables.ts'

export const mediaJobs = defineTable({
  name: 'killatamata_media_jobs',
  key: ['job_id'],
  columns: {
    job_id: text,
    request_id: uuid,
    account_id: text,
    task: text.of<MediaTask>(),
    status: text.of<'queued' | 'processing' | 'completed' | 'failed'>(),
    hold_id: text,
    hold_micros: bigint,
    charged_micros: bigint.orNull,
    /** What was asked for, as PreparedJob. */
    job: jsonb,
    /** Of what ran, where the job is completed. */
    effective_input: jsonb,
    adjustments: jsonb,
    failure_code: text.of<MediaFailure>().orNull,
    failure_message: text.orNull,
    created_at: time,
    started_at: time.orNull,
    ended_at: time.orNull,
    updated_at: time,
  },
  indexes: [
    byBeginning('job_id'),
    '(request_id)',
    '(hold_id)',
    "(account_id, created_at) WHERE status IN ('queued', 'processing')",
    "(task, ended_at DESC) WHERE status = 'completed'",
  ],
})
export type MediaJobRow = RowOf<typeof mediaJobs>

export const mediaFiles = defineTable({
  name: 'killatamata_media_files',
  key: ['file_id'],
  columns: {
    file_id: text,
    job_id: text,
    request_id: uuid,
    account_id: text,
    place: integer,
    name: text,
    object_key: text,
    mime_type: text,
    size_bytes: bigint,
    sha256: text,
    measures: jsonb,
    completed_at: time,
    deleted_at: time.orNull,
  },
  indexes: ['(job_id)', '(completed_at) WHERE deleted_at IS NULL'],
})
export type MediaFileRow = RowOf<typeof mediaFiles>

export const callbacks = defineTable({
  name: 'killatamata_callbacks',
  key: ['request_id'],
  columns: {
    request_id: uuid,
    account_id: text,
    job_id: text,
    url: text,
    host: text,
    status: text.of<'pending' | 'delivered' | 'given_up'>(),
    attempts: integer,
    next_attempt_at: time.orNull,
  },
  indexes: ["(next_attempt_at) WHERE status = 'pending'"],
})
export type CallbackRow = RowOf<typeof callbacks>

type Requested = Extract<MediaJobEvent, { type: 'killatamata.MediaJobRequested.v1' }>['data']

/** The row of a job that was just asked for. */
export function requestedRow(data: Requested): MediaJobRow {
  const { job, occurredAt } = data
  return {
    ...snake(data, 'jobId', 'requestId', 'accountId', 'holdId'),
    ...{ task: job.task, status: 'queued', hold_micros: job.holdUsdMicros, charged_micros: null, job },
    ...{ effective_input: job.effectiveInput, adjustments: job.adjustments, failure_code: null, failure_message: null },
    ...{ created_at: occurredAt, started_at: null, ended_at: null, updated_at: occurredAt },
  }
}

export const mediaProjection = defineProjection<MediaJobEvent>({
  name: 'killatamata.media',
  version: 2,
  onPoison: 'park',
  tables: [mediaJobs, mediaFiles],
  handlers: {
    'killatamata.MediaJobRequested.v1': ({ data }) => [upsert(mediaJobs, requestedRow(data))],
    'killatamata.MediaJobStarted.v1': ({ data: { jobId: job_id, occurredAt: started_at } }) => [
      patch(mediaJobs, { job_id }, { status: 'processing', started_at, updated_at: started_at }),
    ],
    'killatamata.MediaJobCompleted.v1': ({ data }) => [
      patch(mediaJobs, snake(data, 'jobId'), {
        ...{ status: 'completed', ended_at: data.occurredAt, updated_at: data.occurredAt },
        ...snake(data, 'chargedMicros', 'effectiveInput', 'adjustments'),
      }),
      ...data.files.map((file, place) =>
        upsert(mediaFiles, {
          ...snake(data, 'jobId', 'requestId', 'accountId'),
          ...snake(file, 'fileId', 'name', 'objectKey', 'mimeType', 'sha256', 'measures'),
          ...{ place, size_bytes: String(file.sizeBytes), completed_at: data.occurredAt, deleted_at: null },
        }),
      ),
    ],
    'killatamata.MediaJobFailed.v1': ({ data }) => [
      patch(mediaJobs, snake(data, 'jobId'), {
        ...{ status: 'failed', charged_micros: '0', failure_code: data.code, failure_message: data.message },
        ...{ ended_at: data.occurredAt, updated_at: data.occurredAt },
      }),
    ],
    'killatamata.MediaOutputsDeleted.v1': ({ data }) => [
      ...data.fileIds.map((file_id) => patch(mediaFiles, { file_id }, { deleted_at: data.occurredAt })),
    ],
  },
})

const ofCallback = (data: CallbackEvent['data']) => snake(data, 'requestId')

export const callbackProjection = defineProjection<CallbackEvent>({
  name: 'killatamata.callback',
  version: 1,
  onPoison: 'park',
  tables: [callbacks],
  handlers: {
    'killatamata.CallbackRequested.v1': ({ data }) => [
      upsert(callbacks, {
        ...snake(data, 'requestId', 'accountId', 'jobId', 'url', 'host'),
        ...{ status: 'pending', attempts: 0, next_attempt_at: data.occurredAt },
      }),
    ],
    'killatamata.CallbackAttempted.v1': ({ data }) => [
      patch(callbacks, ofCallback(data), { attempts: data.attempt, next_attempt_at: data.nextAttemptAt }),
    ],
    'killatamata.CallbackDelivered.v1': ({ data }) => [
      patch(callbacks, ofCallback(data), { status: 'delivered', attempts: data.attempt, next_attempt_at: null }),
    ],
    'killatamata.CallbackGivenUp.v1': ({ data }) => [
      patch(callbacks, ofCallback(data), { status: 'given_up', attempts: data.attempt, next_attempt_at: null }),
    ],
  },
})

/** `open_hold`: its hold, as long as the ledger has it. */
export const findMediaJob = preparedOne((db, jobId: string) =>
  db
    .selectFrom('killatamata_media_jobs as job')
    .leftJoin('killatamata_holds as hold', 'hold.hold_id', 'job.hold_id')
    .selectAll('job')
    .select('hold.hold_id as open_hold')
    .where('job.job_id', '=', jobId),
)

/** The files of a job, in their order, deleted ones too. */
export const findMediaFiles = (db: ReadModels, jobId: string): Promise<MediaFileRow[]> =>
  killatamataTables(db)
    .selectFrom('killatamata_media_files')
    .selectAll()
    .where('job_id', '=', jobId)
    .orderBy('place')
    .execute()

/** Jobs without an end: of each account its first ones, accounts in turn. */
export function findRunningJobs(db: ReadModels, keyMax: number, limit: number) {
  return killatamataTables(db)
    .selectFrom((of) =>
      of
        .selectFrom('killatamata_media_jobs')
        .select(['request_id', 'account_id', 'created_at', 'job_id'])
        .select(sql<number>`row_number() OVER (PARTITION BY account_id ORDER BY created_at, job_id)`.as('place'))
        .where('status', 'in', ['queued', 'processing'])
        .as('running'),
    )
    .select(['request_id', 'account_id'])
    .where('place', '<=', keyMax)
    .orderBy('place')
    .orderBy('created_at')
    .limit(limit)
    .execute()
}

/** Jobs whose files were made before this time (RFC 3339) and are still here, the oldest first. */
export const findOldOutputs = (db: ReadModels, before: string, limit: number) =>
  killatamataTables(db)
    .selectFrom('killatamata_media_files')
    .select(['request_id', 'account_id'])
    .where('deleted_at', 'is', null)
    .where('completed_at', '<', before)
    .groupBy(['request_id', 'account_id'])
    .limit(limit)
    .execute()

/** How long the last jobs of a task took, in seconds, and how many they were. */
export async function findTaskDuration(db: ReadModels, task: MediaTask, samplesMax: number) {
  const row = await killatamataTables(db)
    .selectFrom((of) =>
      of
        .selectFrom('killatamata_media_jobs')
        .select(sql<number>`extract(epoch from ended_at - created_at)::float8`.as('seconds'))
        .where('task', '=', task)
        .where('status', '=', 'completed')
        .orderBy('ended_at', 'desc')
        .limit(samplesMax)
        .as('last'),
    )
    .select(({ fn }) => [fn.avg<number | null>('seconds').as('seconds'), fn.countAll<string>().as('samples')])
    .executeTakeFirst()
  return { seconds: Number(row?.seconds ?? 0), samples: Number(row?.samples ?? 0) }
}

/** Callbacks whose time has come, of each host at most so many. */
export function findDueCallbacks(db: ReadModels, now: string, keyMax: number, limit: number) {
  return killatamataTables(db)
    .selectFrom((of) =>
      of
        .selectFrom('killatamata_callbacks')
        .select(['request_id', 'host', 'next_attempt_at'])
        .select(sql<number>`row_number() OVER (PARTITION BY host ORDER BY next_attempt_at, request_id)`.as('place'))
        .where('status', '=', 'pending')
        .where('next_attempt_at', '<=', now)
        .as('due'),
    )
    .select(['request_id', 'host'])
    .where('place', '<=', keyMax)
    .orderBy('place')
    .orderBy('next_attempt_at')
    .limit(limit)
    .execute()
}

/** Casts what jsonb holds. */
export const jobOf = ({ job }: Pick<MediaJobRow, 'job'>): PreparedJob => job as PreparedJob
export const measuresOf = ({ measures }: Pick<MediaFileRow, 'measures'>): Measures => measures as Measures
