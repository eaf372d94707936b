/** `opslog ostium chain`: which node, which chain, which contracts. */
import { Command } from 'commander'
import type { AdminTools } from '../admin-tools.ts'
import { facts, show } from '../terminal.ts'
import type { FactTools } from './chain-facts.ts'

export function chainCommand(tools: AdminTools): Command {
  return new Command('chain')
    .description('the node, the chain and the contracts that the instance works with')
    .option('--json', 'print JSON')
    .action((options: { json?: boolean }) => run(tools, options))
    .addHelpText('after', '\nExamples:\n  opslog ostium chain\n  opslog ostium chain --json | jq -r .rpcUrl')
}

async function run(tools: FactTools, options: { json?: boolean }): Promise<void> {
  const { chainFactsOf } = await import('./chain-facts.ts')
  const known = chainFactsOf(tools)
  const { rpcUrl, chainId, network, contracts } = known
  show(known, options, () =>
    facts([
      ['node', rpcUrl],
      ['chain', `${chainId}, ${network}`],
      ['USDC', contracts.usdc],
      ['trading', contracts.trading],
      ['storage', contracts.tradingStorage],
      ['factory', contracts.agentFactory ?? 'none: no delegated mode'],
    ]),
  )
}
