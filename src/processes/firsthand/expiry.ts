/** Books credits that have come to their end. Until then they stand in the balance; they are never spent, booked or not. */

import { systemContext } from '../../commands/context.ts'
import { organization } from '../../commands/firsthand/organization.ts'
import { topUpRuleOf } from '../../commands/firsthand/organization-payments.ts'
import { wallet, walletIdOf } from '../../commands/firsthand/wallet.ts'
import type { CommandBus } from '../../commands/handle.ts'
import { deterministicId } from '../../commands/identity.ts'
import { type DueWallet, findEndedLots } from '../../projections/firsthand/wallet.ts'
import { createDueWork, type DueWork, usualPace } from '../due-work.ts'
import type { ProcessDependencies } from '../process.ts'

export interface SweepLimits {
  /** Between two looks. */
  intervalMs: number
  /** Wallets that one look finds. */
  batchMax: number
}

interface Options extends Pick<ProcessDependencies, 'db' | 'log' | 'now' | 'pace'> {
  bus: CommandBus
  sweep: SweepLimits
}

type Due = DueWallet & { id: string; key: string }

export function createExpiry({ db, log, now = () => new Date(), pace = usualPace, bus, sweep }: Options): DueWork<Due> {
  return createDueWork<Due>({
    name: 'expiry of credits',
    log,
    now,
    limits: {
      ...{ ...pace, keyConcurrencyMax: 1, keyQueueMax: 1 },
      ...{ batchMax: sweep.batchMax, pollIntervalMs: sweep.intervalMs },
    },
    async findDue({ now: time, limit }) {
      const due = await findEndedLots(db, time.toISOString(), limit)
      return due.map((of) => ({ ...of, id: walletIdOf(of), key: walletIdOf(of) }))
    },
    async work({ id, organizationId, environment }) {
      const at = now().toISOString()
      const owner = await bus.current(organization, organizationId)
      const topUp = owner.status === 'absent' ? null : topUpRuleOf(owner.settings, environment)
      await bus.handle(
        wallet,
        id,
        { kind: 'expire', wallet: { organizationId, environment }, topUp, at },
        systemContext('firsthand-expiry', deterministicId('firsthand.expiry', id, at), at),
      )
    },
  })
}
