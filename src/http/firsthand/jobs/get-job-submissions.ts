/** GET /v1/jobs/{job_id}/submissions: everything that was uploaded for a job, newest first. */
import { z } from '@hono/zod-openapi'
import { jobNotFound } from '../../../commands/firsthand/job.ts'
import { submissionStatus } from '../../../events/firsthand/vocabulary.ts'
import { fileLinks } from '../../../processes/firsthand/objects.ts'
import { submissionObject } from '../../../projections/firsthand/file.ts'
import { findJob } from '../../../projections/firsthand/job.ts'
import { findApprovedFiles, listSubmissions, type SubmissionRow } from '../../../projections/firsthand/submission.ts'
import { json } from '../../answers.ts'
import { buyerKey, list } from '../access.ts'
import { newestFirst, pageBody, pageOf } from '../schemas.ts'
import { fileResponse } from './file-view.ts'
import { jobParams } from './job-view.ts'

const submissionResponse = z
  .object({
    id: z.string(),
    object: z.literal('submission'),
    job_id: z.string(),
    status: submissionStatus,
    ai_star_rating: z.int().min(1).max(5).nullable(),
    ai_reasoning: z.string().nullable(),
    file: z.union([fileResponse, z.null()]),
    created_at: z.string(),
    scored_at: z.string().nullable(),
  })
  .openapi('SubmissionResponse')

export const getJobSubmissions = list({
  path: '/v1/jobs/{job_id}/submissions',
  id: 'getJobSubmissions',
  tags: ['Jobs'],
  summary: 'What was submitted for the job, whatever became of it',
  description:
    'Answers the submissions that were uploaded, a page at a time. The file is there once the submission is approved.',
  access: buyerKey('jobs:read'),
  rate: 'jobReads',
  params: jobParams,
  answer: json(pageOf('SubmissionListResponse', submissionResponse), 'A page of submissions.'),
  paging: newestFirst<SubmissionRow, 'submission_id'>('submission_id'),
  refuses: ['job_not_found'],
  async rows({ db, objects, clock, principal: { organizationId, environment }, params, after: before, limit }) {
    const { job_id: jobId } = params
    const [job, rows] = await Promise.all([
      findJob(db, organizationId, environment, jobId),
      listSubmissions(db, jobId, { before, limit }),
    ])
    if (!job) throw jobNotFound()
    const approved = rows.filter(({ status }) => status === 'approved').map(({ file_id }) => file_id)
    const files = new Map((await findApprovedFiles(db, approved)).map((file) => [file.file_id, file]))
    return { rows, files, linkTo: fileLinks(objects, clock()) }
  },
  page: (page, { files, linkTo }) =>
    pageBody(
      page.rows.map((row) => submissionObject(row, files.get(row.file_id), linkTo)),
      page,
    ),
})
