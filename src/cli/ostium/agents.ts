/** `opslog ostium agents`: every agent that lives. */
import { Command } from 'commander'
import { listAgents } from '../../projections/ostium/agent.ts'
import type { AdminTools } from '../admin-tools.ts'
import { examples } from '../examples.ts'
import { LISTED_MAX, list, type OutputOptions, withOutput } from '../table-output.ts'

export function agentsCommand({ withSession }: AdminTools): Command {
  return withOutput(new Command('agents'))
    .description('agents that live, the newest first')
    .addHelpText('after', examples())
    .action(async (options: OutputOptions) => {
      const agents = await withSession(({ db }) => listAgents(db, LISTED_MAX))
      const shown = agents.map(({ api_key_hash: _, ...agent }) => agent)
      const rows = agents.map((each) => [
        ...[String(each.chain_id), each.trader, each.status, each.smart_account, each.agent_wallet],
        ...[each.created_at, each.agent_id],
      ])
      const head = ['chain', 'trader', 'status', 'account', 'wallet', 'made at', 'agent']
      list(shown, options, head, rows, 'There are no agents.')
    })
}
