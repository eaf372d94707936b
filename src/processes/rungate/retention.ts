/**
 * What time does to an account's data: requests for approval expire, with their runs at the latest; what was kept for deciding on
 * them is destroyed a week after the decision, what steps said is destroyed with the runs that a cleanup deletes, and deliveries to
 * webhooks go some time after their end. All of it is repeatable.
 */
import { systemContext } from '../../commands/context.ts'
import type { CommandBus } from '../../commands/handle.ts'
import { deterministicId } from '../../commands/identity.ts'
import { approval } from '../../commands/rungate/approval.ts'
import { cleanup } from '../../commands/rungate/cleanup.ts'
import { CLEANED_DELIVERIES_MAX, type CleanupFacts } from '../../events/rungate/cleanup.ts'
import { type Delivered, isPoison } from '../../events/subscription.ts'
import { decidedApprovals, dueApprovals } from '../../projections/rungate/approval.ts'
import { contentDaysBefore } from '../../projections/rungate/content-days.ts'
import { accountsWithOldDeliveries, oldDeliveries } from '../../projections/rungate/webhook-delivery.ts'
import type { ObjectKeys } from '../../vault/object-keys.ts'
import { createDueWork } from '../due-work.ts'
import { type ProcessDependencies, runProcess } from '../process.ts'
import { APPROVAL_KEYS, CONTENT_KEYS } from './contents.ts'

export const RETENTION = 'rungate-retention'

const DELETED = 'rungate.OldDataDeleted.v1'
const DAY_MS = 86_400_000
/** How long a decided request can be read. */
const KEPT_MS = 7 * DAY_MS
/** Days of contents that are looked up at a time. */
const DAYS_MAX = 1_000

interface Options extends ProcessDependencies {
  bus: CommandBus
  keys: Pick<ObjectKeys, 'destroy'>
  sweep: { intervalMs: number; batchMax: number }
  /** How long deliveries are kept after their end. */
  deliveriesDays: number
}

/** Runs until `signal` aborts; stands by while another process leads. */
export function runRetention(options: Options): Promise<void> {
  const handle = async (events: Delivered[]) => {
    for (const event of events)
      if (!isPoison(event)) await destroyContents(options, event.data as unknown as CleanupFacts)
  }
  const background = (signal: AbortSignal) =>
    [createExpiry(options), createForgetting(options), createDeliveryEnd(options)].map((work) => work.run(signal))
  return runProcess({ name: RETENTION, types: [DELETED], handle, background }, options)
}

/** Of whole days before the cleanup's time: a run that goes on may still hold steps of that day. */
async function destroyContents({ db, keys }: Options, { accountId, before }: CleanupFacts): Promise<void> {
  for (;;) {
    const days = await contentDaysBefore(db, { kind: CONTENT_KEYS, accountId, day: before.slice(0, 10) }, DAYS_MAX)
    for (const id of days) await keys.destroy(CONTENT_KEYS, id)
    if (days.length < DAYS_MAX) return
  }
}

const limitsOf = ({ sweep: { intervalMs, batchMax } }: Options) => ({
  ...{ concurrencyMax: 4, keyConcurrencyMax: 4, keyQueueMax: batchMax, batchMax, pollIntervalMs: intervalMs },
  ...{ retryMinMs: 500, retryMaxMs: 60_000, drainMs: 2_000 },
})

type Due = { id: string; key: string }
const dueOf = ({ approvalId, accountId }: { approvalId: string; accountId: string }): Due => ({
  id: approvalId,
  key: accountId,
})

function createExpiry(options: Options) {
  const { db, bus, log, now = () => new Date() } = options
  return createDueWork<Due & { hasRunEnded: boolean }>({
    ...{ name: 'expiry of approvals', log, now, limits: limitsOf(options) },
    async findDue({ now: time, limit }) {
      return (await dueApprovals(db, time, limit)).map((due) => ({ ...dueOf(due), hasRunEnded: due.hasRunEnded }))
    },
    async work({ id, hasRunEnded }) {
      const at = now().toISOString()
      const context = systemContext(RETENTION, deterministicId('rungate.approval.expire', id), at)
      await bus.handle(approval, id, { kind: 'expire', hasRunEnded, at }, context)
    },
  })
}

function createForgetting(options: Options) {
  const { db, keys, log, now = () => new Date() } = options
  return createDueWork<Due>({
    ...{ name: 'end of decided approvals', log, now, limits: limitsOf(options) },
    async findDue({ now: time, limit }) {
      const until = new Date(time.getTime() - KEPT_MS)
      return (await decidedApprovals(db, { kind: APPROVAL_KEYS, until }, limit)).map(dueOf)
    },
    work: async ({ id }) => void (await keys.destroy(APPROVAL_KEYS, id)),
  })
}

function createDeliveryEnd(options: Options) {
  const { db, bus, log, deliveriesDays, now = () => new Date() } = options
  const before = () => new Date(now().getTime() - deliveriesDays * DAY_MS).toISOString()
  return createDueWork<Due>({
    ...{ name: 'end of old deliveries', log, now, limits: limitsOf(options) },
    findDue: async ({ limit }) =>
      (await accountsWithOldDeliveries(db, before(), limit)).map((accountId) => ({ id: accountId, key: accountId })),
    async work({ id: accountId }) {
      const until = before()
      const deliveryIds = await oldDeliveries(db, accountId, until, CLEANED_DELIVERIES_MAX)
      if (deliveryIds.length === 0) return
      const at = now().toISOString()
      // Found again before the read models follow, they are the same command.
      const commandId = deterministicId('rungate.deliveries.delete', accountId, ...deliveryIds)
      const facts = { accountId, occurredAt: at, before: until, deliveryIds }
      await bus.handle(cleanup, accountId, { kind: 'deleteDeliveries', facts }, systemContext(RETENTION, commandId, at))
    },
  })
}
