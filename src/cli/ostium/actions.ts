/** `opslog ostium actions`: what agents were asked to do, and what became of it. */
import { Command, InvalidArgumentError, Option } from 'commander'
import { traderIdOf } from '../../commands/ostium/agent.ts'
import { type ActionStatus, actionStatuses, listActions } from '../../projections/ostium/action.ts'
import type { AdminTools } from '../admin-tools.ts'
import { LISTED_MAX, list, type OutputOptions, withOutput } from '../table-output.ts'
import type { FactTools } from './chain-facts.ts'

interface Options extends OutputOptions {
  trader?: string
  status?: ActionStatus
}

export function actionsCommand({ withSession, ...tools }: AdminTools): Command {
  return withOutput(new Command('actions'))
    .description('actions of agents, the newest first')
    .option('--trader <address>', 'of this trader alone, on the instance’s chain', traderAddress)
    .addOption(new Option('--status <status>', 'that stand so').choices(actionStatuses))
    .action(async (options: Options) => {
      const { trader, status } = options
      const traderId = trader === undefined ? undefined : traderIdOf(await chainOf(tools), trader)
      const actions = await withSession(({ db }) => listActions(db, { traderId, status }, LISTED_MAX))
      const shown = actions.map(({ raw_transaction: _, ...action }) => action)
      const rows = actions.map((each) => [
        ...[each.requested_at, each.trader, each.operation, each.status],
        each.revert?.name ?? each.reason ?? '',
        ...[String(each.sponsor_nonce ?? ''), each.tx_hash ?? '', each.block_number ?? '', each.action_id],
      ])
      const head = ['asked at', 'trader', 'operation', 'status', 'why', 'nonce', 'transaction', 'block', 'action']
      list(shown, options, head, rows, 'There are no such actions.')
    })
    .addHelpText(
      'after',
      '\nExamples:\n  opslog ostium actions --status abandoned\n  opslog ostium actions --trader 0x742d35Cc6634C0532925a3b844Bc9e7595f5bE21',
    )
}

function traderAddress(text: string): string {
  if (/^0x[0-9a-fA-F]{40}$/.test(text)) return text
  throw new InvalidArgumentError('An address is 0x and 40 hex digits.')
}

async function chainOf(tools: FactTools): Promise<number> {
  const { chainFactsOf } = await import('./chain-facts.ts')
  return chainFactsOf(tools).chainId
}
