/** GET /v1/jobs: the organization's jobs, newest first, a page at a time. */
import { z } from '@hono/zod-openapi'
import { jobStatus, jobType } from '../../../events/firsthand/vocabulary.ts'
import { type JobRow, listJobs as query } from '../../../projections/firsthand/job.ts'
import { camel } from '../../../runtime/letter-case.ts'
import { json } from '../../answers.ts'
import { timeInput } from '../../schemas.ts'
import { buyerKey, list } from '../access.ts'
import { newestFirst, oneOf, pageBody, pageOf } from '../schemas.ts'
import { jobResponse, jobView } from './job-view.ts'

export const listJobs = list({
  path: '/v1/jobs',
  id: 'listJobs',
  tags: ['Jobs'],
  summary: 'The organization’s jobs, newest first',
  description: 'Answers the jobs of the key’s world, a page at a time. The parameters narrow the list down.',
  access: buyerKey('jobs:read'),
  rate: 'jobReads',
  query: z.object({
    status: oneOf(jobStatus.options).optional(),
    type: oneOf(jobType.options).optional(),
    created_after: timeInput.optional(),
    created_before: timeInput.optional(),
  }),
  answer: json(pageOf('JobListResponse', jobResponse), 'A page of jobs.'),
  paging: newestFirst<JobRow, 'job_id'>('job_id'),
  rows: async ({ db, principal, query: filter, after: before, limit }) => ({
    rows: await query(db, principal, camel(filter), { before, limit }),
  }),
  page: (page) => pageBody(page.rows.map(jobView), page),
})
