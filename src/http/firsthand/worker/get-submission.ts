/** GET /worker/v1/submissions/{submission_id}: what became of a submission. */
import { json } from '../../answers.ts'
import { workers, workerToken } from './access.ts'
import { ownSubmission } from './own.ts'
import { submissionParams, submissionResponse, submissionView } from './views.ts'

export const getSubmission = workers.read({
  path: '/worker/v1/submissions/{submission_id}',
  id: 'getWorkersSubmission',
  tags: ['Work'],
  summary: 'A submission and its score',
  description: 'Answers where the submission stands, with its stars and the reason for them.',
  access: workerToken,
  rate: 'worker',
  params: submissionParams,
  answer: json(submissionResponse, 'The submission.'),
  refuses: ['submission_not_found'],
  handle: async ({ db, principal, params: { submission_id } }) =>
    submissionView(await ownSubmission(db, principal, submission_id)),
})
