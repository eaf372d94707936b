/** POST /worker/v1/claims/{claim_id}/uploads: a link to send the file to. */
import { z } from '@hono/zod-openapi'
import { json } from '../../answers.ts'
import { workers, workerToken } from './access.ts'
import { declaration, linkFor } from './uploads.ts'
import { claimParams } from './views.ts'

const response = z
  .object({
    upload_id: z.string(),
    method: z.literal('PUT'),
    url: z.string(),
    headers: z.record(z.string(), z.string()),
    expires_at: z.string(),
  })
  .openapi('Upload')

export const startUpload = workers.operation({
  method: 'post',
  path: '/worker/v1/claims/{claim_id}/uploads',
  id: 'startUpload',
  tags: ['Work'],
  summary: 'Ask for a link to send a file to',
  description: 'Send the file’s bytes to the link, with exactly these headers, and then submit the upload.',
  access: workerToken,
  rate: 'worker',
  params: claimParams,
  body: declaration,
  answers: { 201: json(response, 'The link.') },
  refuses: ['claim_not_found', 'claim_ended', 'claim_submitted'],
  async handle({ params: { claim_id }, body, ...asking }) {
    const { uploadId, url, headers, expiresAt } = await linkFor(asking, claim_id, body)
    const link = { method: 'PUT' as const, url, headers: { ...headers } }
    return { status: 201, body: { upload_id: uploadId, ...link, expires_at: expiresAt } }
  },
})
