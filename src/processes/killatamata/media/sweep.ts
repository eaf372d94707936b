/**
 * What is due by time: holds whose job did not come, holds of jobs that have ended, files whose life is over, and inputs that were staged
 * long ago.
 */
import { randomUUID } from 'node:crypto'
import { systemContext } from '../../../commands/context.ts'
import { mediaJob } from '../../../commands/killatamata/media-job.ts'
import { findOldHolds } from '../../../projections/killatamata/ledger.ts'
import { findOldOutputs } from '../../../projections/killatamata/media.ts'
import { uuidOfPrefixed } from '../../../runtime/ulid.ts'
import { createDueWork, type DueItem, type DueWork } from '../../due-work.ts'
import type { ProcessDependencies } from '../../process.ts'
import type { Media } from './parts.ts'
import { abandonHold, settleJob } from './settling.ts'
import { removeOutputs } from './work.ts'

const CONCURRENCY_MAX = 4
const RETRY_MIN_MS = 500
const RETRY_MAX_MS = 60_000
const DRAIN_MS = 2_000
const INPUTS = 'media/inputs/'
const PART = 'killatamata-media-sweep'

type Due = DueItem &
  ({ what: 'hold'; accountId: string; holdId: string; jobId: string } | { what: 'outputs' } | { what: 'input' })

type Options = Pick<ProcessDependencies, 'log' | 'now'> & { media: Media }

export function createMediaSweep({ media, log, now = () => new Date() }: Options): DueWork<Due> {
  const { bus, db, objects, limits } = media
  const before = (ageMs: number, time: Date) => new Date(time.getTime() - ageMs)
  /** Each look goes on behind the one before. */
  let after: string | undefined

  async function oldInputs(time: Date, limit: number): Promise<Due[]> {
    const page = await objects.list(INPUTS, after, limit)
    after = page.length < limit ? undefined : page.at(-1)?.key
    const old = before(limits.MEDIA_INPUT_LIFE_MS, time)
    return page.filter(({ storedAt }) => storedAt < old).map(({ key }) => ({ id: key, key, what: 'input' }))
  }

  async function deleteOutputs(requestId: string): Promise<void> {
    const state = await bus.current(mediaJob, requestId)
    if (state.status !== 'completed') return
    // Who asks meanwhile is told that they are gone: the file's age decides there.
    await removeOutputs(media, state.facts.jobId)
    const at = now().toISOString()
    await bus.handle(mediaJob, requestId, { kind: 'deleteOutputs', at }, systemContext(PART, randomUUID(), at))
  }

  async function settleHold({ accountId, holdId, jobId }: Extract<Due, { what: 'hold' }>): Promise<void> {
    const requestId = uuidOfPrefixed(holdId)
    if (requestId === undefined) return
    const context = systemContext(PART, randomUUID(), now().toISOString())
    const state = await bus.current(mediaJob, requestId)
    if (state.status === 'absent' || state.status === 'abandoned') {
      return abandonHold(media, { accountId, holdId, requestId, jobId }, context)
    }
    return settleJob(media, requestId, context)
  }

  return createDueWork<Due>({
    ...{ name: 'holds and files of media jobs', log, now },
    limits: {
      ...{ concurrencyMax: CONCURRENCY_MAX, keyConcurrencyMax: 1, keyQueueMax: limits.MEDIA_SWEEP_BATCH_MAX },
      ...{ batchMax: limits.MEDIA_SWEEP_BATCH_MAX, pollIntervalMs: limits.MEDIA_SWEEP_INTERVAL_MS },
      ...{ retryMinMs: RETRY_MIN_MS, retryMaxMs: RETRY_MAX_MS, drainMs: DRAIN_MS },
    },
    async findDue({ now: time, limit }) {
      const [holds, outputs, inputs] = await Promise.all([
        findOldHolds(db, before(limits.MEDIA_HOLD_GRACE_MS, time).toISOString(), limit),
        findOldOutputs(db, before(limits.MEDIA_FILE_LIFE_MS, time).toISOString(), limit),
        oldInputs(time, limit),
      ])
      return [
        ...holds.map(({ hold_id: holdId, account_id: accountId, job_id: jobId }) => ({
          ...{ id: holdId, key: accountId, what: 'hold' as const, accountId, holdId, jobId },
        })),
        ...outputs.map(({ request_id: id, account_id: key }) => ({ id, key, what: 'outputs' as const })),
        ...inputs,
      ]
    },
    async work(due) {
      if (due.what === 'hold') await settleHold(due)
      else if (due.what === 'outputs') await deleteOutputs(due.id)
      else await objects.delete(due.id)
    },
  })
}
