/** What lies in the object store and why: for the janitor, and for the comparison of bytes with the log. */
import { type FileCopy, type FileEvent, fileCopy, type KeptFor } from '../../events/firsthand/file.ts'
import type { JobEvent } from '../../events/firsthand/job.ts'
import type { SubmissionEvent } from '../../events/firsthand/submission.ts'
import type { Environment } from '../../events/firsthand/vocabulary.ts'
import type { ReadModels } from '../../postgres/database.ts'
import { snake } from '../../runtime/letter-case.ts'
import { integer, text, time } from '../columns.ts'
import { type Change, defineProjection, defineTable, patch, type RowOf, upsert } from '../projection.ts'
import { firsthandTables } from './tables.ts'

export const objects = defineTable({
  name: 'firsthand_objects',
  key: ['file_id', 'copy'],
  columns: {
    file_id: text,
    copy: text.of<FileCopy>(),
    organization_id: text,
    environment: text.of<Environment>(),
    job_id: text,
    submission_id: text,
    object_key: text,
    sha256: text,
    size_bytes: integer,
    kept_for: text.of<KeptFor>(),
    stored_at: time,
    /** From then on it may go; null: it is kept. */
    remove_at: time.orNull,
    removed_at: time.orNull,
  },
  indexes: ['(remove_at, file_id, copy) WHERE removed_at IS NULL AND remove_at IS NOT NULL'],
})
export type ObjectRow = RowOf<typeof objects>

/** Rejected content is kept so long, since its worker may object. */
const DISPUTE_MS = 30 * 86_400_000
/**
 * Bytes that were stored for a submission which the job never heard of, as where a process ended in between: no claim, within
 * which its worker may submit them again, outlives the link that it sends its bytes by.
 */
const UNSUBMITTED_MS = 7 * 86_400_000
const later = (time: string, ms: number): string => new Date(Date.parse(time) + ms).toISOString()

type Kept = Pick<ObjectRow, 'kept_for' | 'remove_at'>
const SCORING: Kept = { kept_for: 'scoring', remove_at: null }

const copies = ({ fileId: file_id }: { fileId: string }, kept: Kept): Change[] =>
  fileCopy.options.map((copy) => patch(objects, { file_id, copy }, kept))

export const objectProjection = defineProjection<FileEvent | JobEvent | SubmissionEvent>({
  name: 'firsthand.object',
  version: 3,
  onPoison: 'park',
  tables: [objects],
  handlers: {
    'firsthand.UploadStored.v1': ({ data }) => [
      upsert(objects, {
        ...snake(data),
        copy: 'original',
        kept_for: 'scoring',
        stored_at: data.occurredAt,
        remove_at: later(data.occurredAt, UNSUBMITTED_MS),
        removed_at: null,
      }),
    ],
    // It is kept once the job takes the file; a job that ended meanwhile never does.
    'firsthand.DeliveryCopyStored.v1': ({ data }) => [
      upsert(objects, {
        ...snake(data),
        copy: 'delivered',
        kept_for: 'scoring',
        stored_at: data.occurredAt,
        remove_at: later(data.occurredAt, DISPUTE_MS),
        removed_at: null,
      }),
    ],
    // Of a file that is scored again, too.
    'firsthand.SubmissionReceived.v1': ({ data }) => copies(data, SCORING),
    'firsthand.SubmissionApproved.v1': ({ data: { fileId: file_id, occurredAt } }) => [
      patch(objects, { file_id, copy: 'original' }, { kept_for: 'nothing', remove_at: occurredAt }),
      patch(objects, { file_id, copy: 'delivered' }, { kept_for: 'buyer', remove_at: null }),
    ],
    'firsthand.SubmissionRejected.v1': ({ data }) =>
      copies(data, { kept_for: 'dispute', remove_at: later(data.occurredAt, DISPUTE_MS) }),
    'firsthand.FileRemoved.v1': ({ data }) => [
      patch(objects, snake(data, 'fileId', 'copy'), { removed_at: data.occurredAt }),
    ],
  },
})

/** What may go at this time, the longest due first, at most `limit`. */
export const findRemovable = (db: ReadModels, at: string, limit: number): Promise<ObjectRow[]> =>
  firsthandTables(db)
    .selectFrom('firsthand_objects')
    .selectAll()
    .where('removed_at', 'is', null)
    .where('remove_at', '<=', at)
    .orderBy('remove_at')
    .orderBy('file_id')
    .orderBy('copy')
    .limit(limit)
    .execute()

/** What has to be there at this time, in the order of its key, after this one; at most `limit`. */
export function listKept(
  db: ReadModels,
  at: string,
  after: Pick<ObjectRow, 'file_id' | 'copy'> | undefined,
  limit: number,
): Promise<ObjectRow[]> {
  const { file_id = '', copy = '' } = after ?? {}
  return firsthandTables(db)
    .selectFrom('firsthand_objects')
    .selectAll()
    .where('removed_at', 'is', null)
    .where(({ or, eb }) => or([eb('remove_at', 'is', null), eb('remove_at', '>', at)]))
    .where(({ eb, refTuple, tuple }) => eb(refTuple('file_id', 'copy'), '>', tuple(file_id, copy as FileCopy)))
    .orderBy('file_id')
    .orderBy('copy')
    .limit(limit)
    .execute()
}
