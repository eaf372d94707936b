/** Who may review: accounts that the house has marked, as the log says now. */
import type { CommandBus } from '../../../commands/handle.ts'
import { account } from '../../../commands/killatamata/account.ts'
import type { Viewer } from '../../../projections/killatamata/arcade.ts'
import { Problem } from '../../errors.ts'
import type { KillatamataCode } from '../errors.ts'

export async function viewerOf(bus: CommandBus, accountId: string): Promise<Viewer> {
  const state = await bus.current(account, accountId)
  return { accountId, isAdmin: state.status === 'active' && state.isAdmin }
}

/** Throws a Problem (403), before anything is looked up. */
export async function requireReviewer(bus: CommandBus, accountId: string): Promise<void> {
  if ((await viewerOf(bus, accountId)).isAdmin) return
  throw new Problem<KillatamataCode>('admin_required', 'The account may not review.')
}
