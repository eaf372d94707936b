/** GET /worker/v1/jobs: jobs with a free seat, newest first, a page at a time. */
import { type JobRow, listWorkersJobs } from '../../../projections/firsthand/job.ts'
import { json } from '../../answers.ts'
import { newestFirst, pageBody, pageOf } from '../schemas.ts'
import { workers, workerToken } from './access.ts'
import { jobView, workersJob } from './views.ts'

export const listJobs = workers.list({
  path: '/worker/v1/jobs',
  id: 'listWorkersJobs',
  tags: ['Work'],
  summary: 'Jobs with a free seat, newest first',
  description: 'Answers the jobs that still need files that nobody is working on.',
  access: workerToken,
  rate: 'worker',
  answer: json(pageOf('WorkersJobList', workersJob), 'A page of jobs.'),
  paging: newestFirst<JobRow, 'job_id'>('job_id'),
  rows: async ({ db, claimLimits: { openSeatsMax }, after: before, limit }) => ({
    rows: await listWorkersJobs(db, openSeatsMax, { before, limit }),
  }),
  page: (page) => pageBody(page.rows.map(jobView), page),
})
