/** An approved file as the contract shows it. */
import { z } from '@hono/zod-openapi'
import { fileObject, type LinkTo } from '../../../projections/firsthand/file.ts'
import type { FileRow } from '../../../projections/firsthand/submission.ts'

export const fileResponse = z
  .object({
    id: z.string(),
    object: z.literal('file'),
    job_id: z.string(),
    submission_id: z.string(),
    content_type: z.string(),
    size_bytes: z.int(),
    duration_seconds: z.number().nullable(),
    width: z.int().nullable(),
    height: z.int().nullable(),
    original_filename: z.string().nullable(),
    download_url: z.string(),
    download_url_expires_at: z.string(),
    created_at: z.string(),
  })
  .openapi('FileResponse')

export const fileView = (row: FileRow, linkTo: LinkTo): z.input<typeof fileResponse> => fileObject(row, linkTo)
