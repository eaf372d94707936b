/** POST /v1/jobs/{job_id}/cancel: ends a job; what it did not use goes back before the answer. */
import { jobNotFound } from '../../../commands/firsthand/job.ts'
import { cancelJob as cancel } from '../../../commands/firsthand/posting.ts'
import { isPrefixedId } from '../../../runtime/ulid.ts'
import { json } from '../../answers.ts'
import { headerKey } from '../../command.ts'
import { buyerKey, change } from '../access.ts'
import { idempotencyHeader } from '../schemas.ts'
import { jobParams, jobResponse, jobView, rowOf } from './job-view.ts'

/** A job that is cancelled already is answered as it is: a repeat is no failure. */
export const cancelJob = change({
  path: '/v1/jobs/{job_id}/cancel',
  id: 'cancelJob',
  tags: ['Jobs'],
  summary: 'Cancel a job and take back what it did not use',
  description: 'Ends the job. What its missing files would have cost comes back as credits.',
  access: buyerKey('jobs:write'),
  params: jobParams,
  headers: idempotencyHeader,
  key: headerKey(),
  answers: { 200: json(jobResponse, 'The job is cancelled, and the rest of its credits can be spent again.') },
  refuses: ['job_not_found', 'job_completed'],
  async handle({ bus, principal: { organizationId, environment }, params: { job_id: jobId }, command }) {
    if (!isPrefixedId('job', jobId)) throw jobNotFound()
    const handled = await cancel(bus, jobId, { organizationId, environment }, command)
    return { status: 200, body: jobView(rowOf(handled.state)), handled }
  },
})
