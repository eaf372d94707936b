/** POST /worker/v1/jobs/{job_id}/claims: a seat for one file of the job, for a time. */
import { claimSeat as claim } from '../../../commands/firsthand/claiming.ts'
import { jobNotFound } from '../../../commands/firsthand/job.ts'
import { isPrefixedId } from '../../../runtime/ulid.ts'
import { json } from '../../answers.ts'
import { headerKey } from '../../command.ts'
import { jobParams } from '../jobs/job-view.ts'
import { idempotencyHeader } from '../schemas.ts'
import { changeOfWorker, WORKERS_ENVIRONMENT as environment, workerToken } from './access.ts'
import { claimResponse, claimView } from './views.ts'

export const claimSeat = changeOfWorker({
  path: '/worker/v1/jobs/{job_id}/claims',
  id: 'claimSeat',
  tags: ['Work'],
  summary: 'Claim a seat of a job',
  description: 'Reserves one file of the job until the claim lapses. Submit a file by then, or give the claim back.',
  access: workerToken,
  rate: 'worker',
  params: jobParams,
  headers: idempotencyHeader,
  key: headerKey(),
  answers: { 201: json(claimResponse, 'The seat is claimed.') },
  refuses: ['job_not_found', 'job_ended', 'no_free_seat', 'open_claims_reached', 'daily_claims_reached'],
  async handle({ bus, principal: { workerId }, params: { job_id: jobId }, claimLimits, command }) {
    if (!isPrefixedId('job', jobId)) throw jobNotFound()
    const handled = await claim(bus, { jobId, workerId, environment }, claimLimits, command)
    return { status: 201, body: claimView(handled), handled }
  },
})
