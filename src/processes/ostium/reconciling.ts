/**
 * Brings the chain up to what the log says of the sponsor's nonces: a chain that was set back, as one that loses its last moments,
 * gets the very bytes again that it had.
 */
import type { ChainClient } from '../../adapters/chain/client.ts'
import type { Hex } from '../../adapters/chain/node.ts'
import type { CommandBus } from '../../commands/handle.ts'
import { action } from '../../commands/ostium/action.ts'
import type { Log } from '../../log.ts'
import type { SponsorAccount } from './sponsor-account.ts'

interface Reconciling {
  bus: CommandBus
  account: SponsorAccount
  client: ChainClient
  /** Of what is on its way; infinity: nothing is. */
  lowest: number
  log: Pick<Log, 'warn'>
}

export async function reconcileNonces({ bus, account, client, lowest, log }: Reconciling): Promise<void> {
  const { next, taken } = await account.state()
  if (next === undefined) return
  const reached = await client.nonceOf(account.address, 'latest')
  const missing = taken.filter(({ nonce }) => nonce >= reached && nonce < Math.min(lowest, next))
  if (missing.length === 0) return
  log.warn({ from: reached, count: missing.length }, 'the chain lacks transactions that it had; they are sent again')
  for (const { actionId, trader, nonce } of missing) {
    const state = await bus.current(action, actionId)
    if (state.status === 'included' || state.status === 'reverted') {
      const raw = state.signed.find(({ txHash }) => txHash === state.end.txHash)?.rawTransaction
      if (raw !== undefined) await client.sendRaw(raw as Hex)
    } else if (state.status === 'abandoned') {
      await client.sendRaw((await account.fill({ actionId, trader, nonce })).raw)
    }
    // Any other is still owed, and on its way.
  }
}
