/** Finishes payments that were claimed and have no end, after whatever crash and without their clients, by what the chain says. */
import { systemContext } from '../../commands/context.ts'
import { deterministicId } from '../../commands/identity.ts'
import { findOpenX402Payments } from '../../projections/killatamata/payment.ts'
import { createDueWork, type DueItem, type DueWork } from '../due-work.ts'
import { type ProcessDependencies, runProcess } from '../process.ts'
import type { X402Payments } from './x402.ts'

export const X402_RECOVERY = 'killatamata-x402'

export interface X402SweepLimits {
  /** Between two looks, and the age from which a payment is finished here. */
  intervalMs: number
  ageMs: number
  batchMax: number
}

const CONCURRENCY_MAX = 4
const RETRY_MIN_MS = 1_000
const RETRY_MAX_MS = 60_000
const DRAIN_MS = 5_000

type Options = Pick<ProcessDependencies, 'db' | 'log' | 'now'> & { payments: X402Payments; limits: X402SweepLimits }

export function createX402Sweep({ db, log, now = () => new Date(), payments, limits }: Options): DueWork<DueItem> {
  return createDueWork<DueItem>({
    ...{ name: 'payments by x402 that are open', log, now },
    limits: {
      ...{ concurrencyMax: CONCURRENCY_MAX, keyConcurrencyMax: 1, keyQueueMax: limits.batchMax },
      ...{ batchMax: limits.batchMax, pollIntervalMs: limits.intervalMs },
      ...{ retryMinMs: RETRY_MIN_MS, retryMaxMs: RETRY_MAX_MS, drainMs: DRAIN_MS },
    },
    async findDue({ now: time, limit }) {
      const before = new Date(time.getTime() - limits.ageMs).toISOString()
      const rows = await findOpenX402Payments(db, before, limit)
      return rows.map(({ payment_id: id }) => ({ id, key: id }))
    },
    async work({ id }) {
      const at = now().toISOString()
      const outcome = await payments.finish(
        id,
        systemContext(X402_RECOVERY, deterministicId(X402_RECOVERY, id, at), at),
      )
      if (outcome.as !== 'pending') log.info({ paymentId: id, outcome: outcome.as }, 'a payment by x402 was finished')
    },
  })
}

/** Runs until `signal` aborts; stands by while another process leads. */
export function runX402Recovery(options: Options & ProcessDependencies): Promise<void> {
  const sweep = createX402Sweep(options)
  return runProcess(
    {
      name: X402_RECOVERY,
      types: ['killatamata.X402PaymentClaimed.v1'],
      // They become due by their age.
      handle: async () => undefined,
      background: (signal) => [sweep.run(signal)],
    },
    options,
  )
}
