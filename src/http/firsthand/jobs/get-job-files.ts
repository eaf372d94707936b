/** GET /v1/jobs/{job_id}/files: a job's approved files, newest first, each with a link that is made for this answer. */
import { jobNotFound } from '../../../commands/firsthand/job.ts'
import { fileLinks } from '../../../processes/firsthand/objects.ts'
import { listApprovedFiles } from '../../../projections/firsthand/file.ts'
import { findJob } from '../../../projections/firsthand/job.ts'
import type { FileRow } from '../../../projections/firsthand/submission.ts'
import { json } from '../../answers.ts'
import { buyerKey, list } from '../access.ts'
import { newestFirst, pageBody, pageOf } from '../schemas.ts'
import { fileResponse, fileView } from './file-view.ts'
import { jobParams } from './job-view.ts'

export const getJobFiles = list({
  path: '/v1/jobs/{job_id}/files',
  id: 'getJobFiles',
  tags: ['Jobs'],
  summary: 'The job’s approved files, with links to them',
  description:
    'Answers the approved files, a page at a time. Each link is good for seven days from this answer; a later answer has new ones.',
  access: buyerKey('jobs:read'),
  rate: 'jobReads',
  params: jobParams,
  answer: json(pageOf('FileListResponse', fileResponse), 'A page of files.'),
  paging: newestFirst<FileRow, 'file_id'>('file_id'),
  refuses: ['job_not_found'],
  async rows({ db, objects, clock, principal: { organizationId, environment }, params, after: before, limit }) {
    const { job_id: jobId } = params
    const [job, rows] = await Promise.all([
      findJob(db, organizationId, environment, jobId),
      listApprovedFiles(db, jobId, { before, limit }),
    ])
    if (!job) throw jobNotFound()
    return { rows, linkTo: fileLinks(objects, clock()) }
  },
  page: (page, { linkTo }) =>
    pageBody(
      page.rows.map((row) => fileView(row, linkTo)),
      page,
    ),
})
