/** Settings are the organization's and balances the wallets': what saving the former means for the latter takes two streams. */
import { stepContext } from '../context.ts'
import type { CommandBus, CommandContext } from '../handle.ts'
import { deterministicId } from '../identity.ts'
import type { Settings } from './organization.ts'
import { topUpRuleOf } from './organization-payments.ts'
import { wallet, walletIdOf } from './wallet.ts'

/**
 * The second step of saving settings, which the payments process repeats: where the balance is below the threshold, a top-up
 * comes due, once. Answers with the position of what was written, if any.
 */
export async function considerTopUp(
  bus: CommandBus,
  organizationId: string,
  settings: Settings,
  savedAt: string,
  context: CommandContext,
): Promise<bigint | undefined> {
  const of = { organizationId, environment: 'live' as const }
  const topUp = topUpRuleOf(settings, of.environment)
  if (topUp === null) return undefined
  const command = { kind: 'considerTopUp', wallet: of, topUp, savedAt, at: context.at } as const
  const commandId = deterministicId('firsthand.top-up', 'settings', organizationId, savedAt)
  const step = stepContext(context, commandId)
  const { events, position } = await bus.handle(wallet, walletIdOf(of), command, step)
  return events.length > 0 ? position : undefined
}
