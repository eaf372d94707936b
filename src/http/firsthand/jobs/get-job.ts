/** GET /v1/jobs/{job_id}: one of the organization's jobs; `Prefer: wait=N` holds the answer until the job has ended. */
import { z } from '@hono/zod-openapi'
import { jobNotFound } from '../../../commands/firsthand/job.ts'
import { findJob, type JobRow } from '../../../projections/firsthand/job.ts'
import { json, withHeaders } from '../../answers.ts'
import { buyerKey, operation } from '../access.ts'
import { jobParams, jobResponse, jobView } from './job-view.ts'
import { waitOf } from './job-waits.ts'

/** For the read models to show an end that the log has. */
const SHOWN_WAIT_MAX_MS = 1_000

const hasEnded = ({ completed_at, cancelled_at }: JobRow): boolean => completed_at !== null || cancelled_at !== null

export const getJob = operation({
  method: 'get',
  path: '/v1/jobs/{job_id}',
  id: 'getJob',
  tags: ['Jobs'],
  summary: 'A job, now or when it has ended',
  description: 'Answers the job at once, or with `Prefer: wait=N` when it has ended or N seconds are over.',
  access: buyerKey('jobs:read'),
  rate: 'jobReads',
  isRead: true,
  params: jobParams,
  headers: z.object({ prefer: z.string().optional() }),
  answers: { 200: withHeaders(json(jobResponse, 'The job.'), 'preference-applied') },
  refuses: ['job_not_found'],
  async handle({ db, waits, waiter, caller, principal: { organizationId, environment }, params, headers }) {
    const { job_id: jobId } = params
    const find = async () => {
      const found = await findJob(db, organizationId, environment, jobId)
      if (!found) throw jobNotFound()
      return found
    }
    const waitS = waitOf(headers.prefer)
    const wait = waitS > 0 ? waits.enter(organizationId, jobId, waitS * 1_000, caller.signal()) : undefined
    if (!wait) return { status: 200, body: jobView(await find()) }
    const applied = { 'preference-applied': `wait=${waitS}` }
    try {
      const found = await find()
      if (hasEnded(found)) return { status: 200, body: jobView(found) }
      const end = await wait.ended
      const shown = await end?.shown(async () => {
        await waiter.waitFor(end.position, SHOWN_WAIT_MAX_MS)
        return find()
      })
      return { status: 200, headers: applied, body: jobView(shown ?? (await find())) }
    } finally {
      wait.leave()
    }
  },
})
