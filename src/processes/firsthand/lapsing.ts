/** Frees the seats of claims that have lapsed. By the clock they are free already; this makes it show. */

import { systemContext } from '../../commands/context.ts'
import { job } from '../../commands/firsthand/job.ts'
import type { CommandBus } from '../../commands/handle.ts'
import { deterministicId } from '../../commands/identity.ts'
import { findLapsedClaims } from '../../projections/firsthand/claim.ts'
import { createDueWork, type DueWork, usualPace } from '../due-work.ts'
import type { ProcessDependencies } from '../process.ts'
import type { SweepLimits } from './expiry.ts'

interface Options extends Pick<ProcessDependencies, 'db' | 'log' | 'now' | 'pace'> {
  bus: CommandBus
  sweep: SweepLimits
}

interface Lapsed {
  /** The claim. */
  id: string
  /** The job. */
  key: string
}

export function createLapsing({
  db,
  log,
  now = () => new Date(),
  pace = usualPace,
  bus,
  sweep,
}: Options): DueWork<Lapsed> {
  return createDueWork<Lapsed>({
    name: 'lapse of claims',
    log,
    now,
    limits: {
      // The claims of one job are released in order.
      ...{ ...pace, keyConcurrencyMax: 1, keyQueueMax: sweep.batchMax },
      ...{ batchMax: sweep.batchMax, pollIntervalMs: sweep.intervalMs },
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
