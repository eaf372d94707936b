/** POST /worker/v1/claims/{claim_id}/submit: the file that was sent is the claim's submission. */
import { z } from '@hono/zod-openapi'
import { json } from '../../answers.ts'
import { boundedText } from '../../schemas.ts'
import { workers, workerToken } from './access.ts'
import { UPLOAD_ID_MAX } from './upload-ids.ts'
import { submitFor } from './uploads.ts'
import { claimParams, submissionResponse, submissionView } from './views.ts'

const request = z.object({ upload_id: boundedText(UPLOAD_ID_MAX) }).openapi('SubmitUpload')

export const submitClaim = workers.write({
  path: '/worker/v1/claims/{claim_id}/submit',
  id: 'submitClaim',
  isIdempotent: true,
  tags: ['Work'],
  summary: 'Submit the file that was sent',
  description: 'The file is scored next; the submission shows the result. A repeat is answered with the submission.',
  access: workerToken,
  rate: 'worker',
  params: claimParams,
  body: request,
  answers: { 202: json(submissionResponse, 'The file is submitted.') },
  refuses: ['claim_not_found', 'claim_ended', 'claim_submitted', 'submission_not_found', 'upload_missing'],
  async handle({ params: { claim_id }, body: { upload_id }, ...asking }) {
    const { shown, handled } = await submitFor(asking, claim_id, upload_id)
    return { status: 202, body: submissionView(shown), handled }
  },
})
