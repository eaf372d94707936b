/** Frees the seats of claims that have lapsed. By the clock they are free already; this makes it show. */

import { systemContext } from '../../commands/context.ts'
import { job } from '../../commands/firsthand/job.ts'
import type { CommandBus } from '../../commands/handle.ts'
import { deterministicId } from '../../commands/identity.ts'
import { findLapsedClaims } from '../../projections/firsthand/claim.ts'
import { createDueWork, type DueWork } from '../due-work.ts'
import type { ProcessDependencies } from '../process.ts'
import type { SweepLimits } from './expiry.ts'

interface Options extends Pick<ProcessDependencies, 'db' | 'log' | 'now'> {
  bus: CommandBus
  sweep: SweepLimits
}

/** Jobs at once; the claims of one are released in order. */
const CONCURRENCY_MAX = 4
const RETRY_MIN_MS = 500
const RETRY_MAX_MS = 60_000
const DRAIN_MS = 2_000

interface Lapsed {
  /** The claim. */
  id: string
  /** The job. */
  key: string
}

export function createLapsing({ db, log, now = () => new Date(), bus, sweep }: Options): DueWork<Lapsed> {
  return createDueWork<Lapsed>({
    name: 'lapse of claims',
    log,
    now,
    limits: {
      ...{ concurrencyMax: CONCURRENCY_MAX, keyConcurrencyMax: 1, keyQueueMax: sweep.batchMax },
      ...{ batchMax: sweep.batchMax, pollIntervalMs: sweep.intervalMs },
      ...{ retryMinMs: RETRY_MIN_MS, retryMaxMs: RETRY_MAX_MS, drainMs: DRAIN_MS },
    },
    async findDue({ now: time, limit }) {
      const lapsed = await findLapsedClaims(db, time.toISOString(), limit)
      return lapsed.map(({ claim_id, job_id }) => ({ id: claim_id, key: job_id }))
    },
    async work({ id: claimId, key: jobId }) {
      const at = now().toISOString()
      const context = systemContext('firsthand-lapsing', deterministicId('firsthand.lapse', claimId), at)
      await bus.handle(job, jobId, { kind: 'release', cause: 'lapsed', claimId, at }, context)
    },
  })
}
