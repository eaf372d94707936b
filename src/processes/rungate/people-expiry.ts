/** Puts on record that invitations and sessions have come to their end. They end by their time, recorded or not. */
import { systemContext } from '../../commands/context.ts'
import type { CommandBus } from '../../commands/handle.ts'
import { deterministicId } from '../../commands/identity.ts'
import { SYSTEM } from '../../commands/rungate/registering.ts'
import { roster } from '../../commands/rungate/roster.ts'
import { session } from '../../commands/rungate/session.ts'
import { findExpiredInvitations } from '../../projections/rungate/invitation.ts'
import { findExpiredSessions } from '../../projections/rungate/session.ts'
import { createDueWork, type DueItem, type DueWork, usualPace } from '../due-work.ts'
import type { ProcessDependencies } from '../process.ts'

export interface ExpiryLimits {
  /** Between two looks. */
  intervalMs: number
  /** Invitations, and sessions, that one look finds. */
  batchMax: number
}

interface Options extends Pick<ProcessDependencies, 'db' | 'log' | 'now' | 'pace'> {
  bus: CommandBus
  expiry: ExpiryLimits
}

/** `accountId`: of an invitation; a session has none. */
type Due = DueItem & { accountId?: string }

export function createPeopleExpiry({
  db,
  log,
  now = () => new Date(),
  pace = usualPace,
  bus,
  expiry,
}: Options): DueWork<Due> {
  return createDueWork<Due>({
    name: 'expiry of invitations and sessions',
    log,
    now,
    limits: {
      ...{ ...pace, keyConcurrencyMax: 1, keyQueueMax: expiry.batchMax },
      ...{ batchMax: expiry.batchMax, pollIntervalMs: expiry.intervalMs },
    },
    async findDue({ now: time, limit }) {
      const at = time.toISOString()
      const [invitations, sessions] = await Promise.all([
        findExpiredInvitations(db, at, limit),
        findExpiredSessions(db, at, limit),
      ])
      return [
        ...invitations.map(({ invitation_id: id, account_id }) => ({ id, key: account_id, accountId: account_id })),
        ...sessions.map(({ session_id: id }) => ({ id, key: id })),
      ]
    },
    async work({ id, accountId }) {
      const at = now().toISOString()
      const context = systemContext('rungate-expiry', deterministicId('rungate.expiry', id, at), at)
      if (accountId === undefined) {
        await bus.handle(session, id, { kind: 'end', reason: 'expired', author: SYSTEM, at }, context)
      } else {
        await bus.handle(roster, accountId, { kind: 'expire', accountId, invitationId: id, at }, context)
      }
    },
  })
}
