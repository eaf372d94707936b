/** Puts on record that sessions, devices' links and unused keys have come to their end. The first two end by their time anyway. */
import { systemContext } from '../../commands/context.ts'
import type { CommandBus } from '../../commands/handle.ts'
import { deterministicId } from '../../commands/identity.ts'
import { account } from '../../commands/killatamata/account.ts'
import { browserSession } from '../../commands/killatamata/browser-session.ts'
import { deviceLink } from '../../commands/killatamata/device-link.ts'
import { findIdleKeys } from '../../projections/killatamata/account.ts'
import { findExpiredLinks, findExpiredSessions } from '../../projections/killatamata/sign-in.ts'
import { createDueWork, type DueItem, type DueWork } from '../due-work.ts'
import type { ProcessDependencies } from '../process.ts'

export interface ExpiryLimits {
  /** Between two looks. */
  intervalMs: number
  /** Of each kind, how many one look finds. */
  batchMax: number
  /** Without use, after which a key expires. */
  keyIdleMs: number
}

interface Options extends Pick<ProcessDependencies, 'db' | 'log' | 'now'> {
  bus: CommandBus
  expiry: ExpiryLimits
}

/** At once; each takes one append. */
const CONCURRENCY_MAX = 4
const RETRY_MIN_MS = 500
const RETRY_MAX_MS = 60_000
const DRAIN_MS = 2_000

type Due = DueItem & ({ what: 'session' } | { what: 'link' } | { what: 'key'; accountId: string })

export const EXPIRY = 'killatamata-expiry'

export function createExpiry({ db, log, now = () => new Date(), bus, expiry }: Options): DueWork<Due> {
  return createDueWork<Due>({
    ...{ name: 'expiry of sessions, links and keys', log, now },
    limits: {
      ...{ concurrencyMax: CONCURRENCY_MAX, keyConcurrencyMax: 1, keyQueueMax: expiry.batchMax },
      ...{ batchMax: expiry.batchMax, pollIntervalMs: expiry.intervalMs },
      ...{ retryMinMs: RETRY_MIN_MS, retryMaxMs: RETRY_MAX_MS, drainMs: DRAIN_MS },
    },
    async findDue({ now: time, limit }) {
      const idleSince = new Date(time.getTime() - expiry.keyIdleMs).toISOString()
      const [sessions, links, keys] = await Promise.all([
        findExpiredSessions(db, time.toISOString(), limit),
        findExpiredLinks(db, time.toISOString(), limit),
        findIdleKeys(db, idleSince, limit),
      ])
      return [
        ...sessions.map(({ session_id: id }) => ({ id, key: id, what: 'session' as const })),
        ...links.map(({ link_id: id }) => ({ id, key: id, what: 'link' as const })),
        ...keys.map(({ key_id: id, account_id: accountId }) => ({
          id,
          key: accountId,
          what: 'key' as const,
          accountId,
        })),
      ]
    },
    async work(due) {
      const at = now().toISOString()
      const { id } = due
      const context = systemContext(EXPIRY, deterministicId('killatamata.expiry', id, at), at)
      if (due.what === 'session') {
        await bus.handle(browserSession, id, { kind: 'end', reason: 'expired', at }, context)
      } else if (due.what === 'link') {
        await bus.handle(deviceLink, id, { kind: 'expire', linkId: id, at }, context)
      } else {
        const { accountId } = due
        await bus.handle(account, accountId, { kind: 'expireKey', accountId, keyId: id, at }, context)
      }
    },
  })
}
