/** Approved files, as buyers see them. Links are no part of the read model: they are made whenever somebody asks. */
import type { ReadModels } from '../../postgres/database.ts'
import { newestFirst, type Page } from '../keyset.ts'
import type { FileRow, SubmissionRow } from './submission.ts'
import { firsthandTables } from './tables.ts'

/** A job's, newest first. */
export const listApprovedFiles = (
  db: ReadModels,
  jobId: string,
  page: Page<'created_at' | 'file_id'>,
): Promise<FileRow[]> =>
  newestFirst(
    firsthandTables(db)
      .selectFrom('firsthand_files')
      .selectAll()
      .where('job_id', '=', jobId)
      .where('approved_at', 'is not', null),
    ['created_at', 'file_id'],
    page,
  ).execute()

export interface FileLink {
  url: string
  /** RFC 3339. */
  expiresAt: string
}

/** Makes the link to a file's delivered copy. */
export type LinkTo = (file: Pick<FileRow, 'file_id' | 'object_key' | 'content_type' | 'original_filename'>) => FileLink

/** An approved file as the contract shows it. */
export function fileObject(row: FileRow, linkTo: LinkTo) {
  const { url: download_url, expiresAt: download_url_expires_at } = linkTo(row)
  return {
    id: row.file_id,
    object: 'file' as const,
    job_id: row.job_id,
    submission_id: row.submission_id,
    content_type: row.content_type,
    size_bytes: row.size_bytes,
    duration_seconds: row.duration_seconds === null ? null : Number(row.duration_seconds),
    width: row.width,
    height: row.height,
    original_filename: row.original_filename,
    download_url,
    download_url_expires_at,
    created_at: row.created_at,
  }
}

/** A submission as the contract shows it: whoever has not paid for its file does not see that. */
export const submissionObject = (row: Readonly<SubmissionRow>, file: FileRow | undefined, linkTo: LinkTo) => ({
  id: row.submission_id,
  object: 'submission' as const,
  job_id: row.job_id,
  status: row.status,
  ai_star_rating: row.stars,
  ai_reasoning: row.reason,
  file: row.status === 'approved' && file ? fileObject(file, linkTo) : null,
  created_at: row.created_at,
  scored_at: row.scored_at,
})
