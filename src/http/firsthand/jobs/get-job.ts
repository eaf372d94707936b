/** GET /v1/jobs/{job_id}: one of the organization's jobs. */
import { jobNotFound } from '../../../commands/firsthand/job.ts'
import { findJob } from '../../../projections/firsthand/job.ts'
import { json } from '../../answers.ts'
import { buyerKey, read } from '../access.ts'
import { jobParams, jobResponse, jobView } from './job-view.ts'

export const getJob = read({
  path: '/v1/jobs/{job_id}',
  id: 'getJob',
  tags: ['Jobs'],
  summary: 'A job',
  access: buyerKey('jobs:read'),
  rate: 'jobReads',
  params: jobParams,
  answer: json(jobResponse, 'The job.'),
  refuses: ['job_not_found'],
  async handle({ db, principal: { organizationId, environment }, params }) {
    const found = await findJob(db, organizationId, environment, params.job_id)
    if (!found) throw jobNotFound()
    return jobView(found)
  },
})
