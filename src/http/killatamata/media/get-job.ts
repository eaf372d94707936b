/** GET media/jobs: how a job stands, and where its files are. */
import { z } from '@hono/zod-openapi'
import { findMediaFiles, findMediaJob } from '../../../projections/killatamata/media.ts'
import { isPrefixedId } from '../../../runtime/ulid.ts'
import { json } from '../../answers.ts'
import { Problem } from '../../errors.ts'
import { accountKey, read } from '../access.ts'
import type { KillatamataCode } from '../errors.ts'
import { statusAnswer, statusView } from './views.ts'

/** What is promised; the files are there for some time longer. */
const PROMISED_MS = 172_800_000

const includeDetails = z
  .enum(['true', 'false'])
  .transform((given) => given === 'true')
  .openapi({ type: 'boolean' })

export const getMediaJob = read({
  path: '/api/v1/media/jobs',
  id: 'getMediaJob',
  tags: ['media'],
  summary: 'Get media job status and output URLs',
  description:
    'Poll until `status` is `completed` or `failed`. Files are there for 48 hours after completion, and are deleted after 72.',
  access: accountKey,
  query: z.object({ jobId: z.string().min(1), includeDetails: includeDetails.optional() }),
  answer: json(statusAnswer, 'The job.'),
  refuses: ['media_job_not_found'],
  async handle({ db, media, principal: { accountId }, query }) {
    const { jobId } = query
    const row = isPrefixedId('job', jobId) ? await findMediaJob(db, jobId) : undefined
    if (row?.account_id !== accountId) {
      throw new Problem<KillatamataCode>('media_job_not_found', 'The account has no such job.')
    }
    const files = row.status === 'completed' ? await findMediaFiles(db, jobId) : []
    const given = { row, files, includeDetails: query.includeDetails ?? false, promisedMs: PROMISED_MS }
    return statusView(media, given)
  },
})
