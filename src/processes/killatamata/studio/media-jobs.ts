/** The studio's paid jobs are media jobs: priced as a request for one is, kept as they are then, and submitted all or none. */
import type { CommandBus } from '../../../commands/handle.ts'
import { mediaRequestIdOf } from '../../../commands/killatamata/ids.ts'
import { mediaJob } from '../../../commands/killatamata/media-job.ts'
import { Rejected } from '../../../commands/rejection.ts'
import { type MediaTask, mediaTask, type PreparedJob, preparedJob } from '../../../events/killatamata/media.ts'
import type { Media } from '../media/parts.ts'
import { prepareJob } from '../media/preparing.ts'
import { submitJobs } from '../media/submitting.ts'
import { type AskedJob, JobUnusable, type PaidJobs } from './jobs.ts'

/** What the contract's schema makes of a job, or what is wrong with it. */
export type ReadJob = (
  asked: AskedJob,
) => { task: MediaTask; input: Readonly<Record<string, unknown>> } | { fault: string }

/** A job whose hold was given back is asked for under another id; more often than this it is something else. */
const ATTEMPTS_MAX = 8

/** The id of a plan's job: the first under which no job was given up. */
async function requestIdOf(bus: CommandBus, planId: string, index: number): Promise<string> {
  for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
    const requestId = mediaRequestIdOf(attempt === 1 ? `${planId} ${index}` : `${planId} ${index} ${attempt}`)
    if ((await bus.current(mediaJob, requestId)).status !== 'abandoned') return requestId
  }
  throw new Rejected('job_abandoned', 'The plan was given up. Prepare the prompt again.')
}

export function mediaJobsOf(media: Media, read: ReadJob): PaidJobs {
  const { bus } = media
  return {
    tasks: mediaTask.options.filter((task) => media.providerOf(task) !== undefined),
    async price(asked) {
      const request = read(asked)
      if ('fault' in request) throw new JobUnusable(request.fault)
      const job = await prepareJob(media, request)
      return { input: job.effectiveInput, usdMicros: BigInt(job.holdUsdMicros), stored: job }
    },
    async submit(accountId, planId, jobs, context) {
      const orders: { requestId: string; job: PreparedJob }[] = []
      for (const [index, stored] of jobs.entries()) {
        orders.push({ requestId: await requestIdOf(bus, planId, index), job: preparedJob.parse(stored) })
      }
      const submitted = await submitJobs(media, accountId, orders, context)
      return {
        jobs: submitted.map(({ facts: { jobId, job } }) => ({
          ...{ externalJobId: jobId, task: job.task, usdMicros: job.holdUsdMicros },
        })),
        position: submitted.at(-1)?.handled.position,
      }
    },
    async hasBegun(planId) {
      const state = await bus.current(mediaJob, await requestIdOf(bus, planId, 0))
      return state.status !== 'absent'
    },
  }
}
