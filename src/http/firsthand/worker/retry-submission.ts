/** POST /worker/v1/submissions/{submission_id}/retry: another attempt of a submission that was rejected. */
import { claimRetry } from '../../../commands/firsthand/claiming.ts'
import { json } from '../../answers.ts'
import { headerKey } from '../../command.ts'
import { idempotencyHeader } from '../schemas.ts'
import { changeOfWorker, workerToken } from './access.ts'
import { ownSubmission } from './own.ts'
import { claimResponse, claimView, submissionParams } from './views.ts'

export const retrySubmission = changeOfWorker({
  path: '/worker/v1/submissions/{submission_id}/retry',
  id: 'retrySubmission',
  tags: ['Work'],
  summary: 'Claim a seat for another attempt',
  description: 'A submission has three attempts. Until the new one is submitted it reads `retry_pending`.',
  access: workerToken,
  rate: 'worker',
  params: submissionParams,
  headers: idempotencyHeader,
  key: headerKey(),
  answers: { 201: json(claimResponse, 'The seat is claimed.') },
  refuses: [
    ...(['submission_not_found', 'submission_not_rejected', 'submission_duplicate'] as const),
    ...(['attempts_used', 'job_ended', 'no_free_seat'] as const),
  ],
  async handle({ bus, db, principal, params: { submission_id: submissionId }, claimLimits, command }) {
    const { workerId } = principal
    const { job_id: jobId } = await ownSubmission(db, principal, submissionId)
    const handled = await claimRetry(bus, { jobId, workerId, submissionId }, claimLimits, command)
    return { status: 201, body: claimView(handled), handled }
  },
})
