/** `opslog ostium deploy-factory`: puts the factory of agents' accounts on a public chain, once for an installation. */
import { Command } from 'commander'
import { ostiumSettings } from '../../processes/ostium/settings.ts'
import type { AdminTools } from '../admin-tools.ts'
import { examples } from '../examples.ts'
import { CliError, EXIT, show } from '../terminal.ts'

export function deployFactoryCommand(tools: AdminTools): Command {
  return new Command('deploy-factory')
    .description('put the factory of agents’ accounts on the chain of OSTIUM_RPC_URL, paid by OSTIUM_SPONSOR_KEY')
    .option('--json', 'print JSON')
    .addHelpText('after', examples())
    .action((options: { json?: boolean }) => run(tools, options))
    .addHelpText('after', '\nIts address belongs into OSTIUM_AGENT_FACTORY, in every process.')
}

async function run({ settings }: Pick<AdminTools, 'settings'>, options: { json?: boolean }): Promise<void> {
  const [{ deployFactory }, { ChainUnavailable }, { nodeFacts }, { unlessAway }] = await Promise.all([
    import('../../embedded/market/deployment.ts'),
    import('../../adapters/chain/rpc.ts'),
    import('../../processes/ostium/market.ts'),
    import('./unless-away.ts'),
  ])
  const own = settings(ostiumSettings)
  const { OSTIUM_RPC_URL: rpcUrl, OSTIUM_SPONSOR_KEY: key } = own
  if (rpcUrl === undefined || key === undefined) {
    throw new CliError(EXIT.usage, 'OSTIUM_RPC_URL and OSTIUM_SPONSOR_KEY say where, and who pays.')
  }
  const { chainId, contracts } = nodeFacts(own)
  const { trading } = contracts
  const place = { rpcUrl, chainId, key: key as `0x${string}`, trading }
  const agentFactory = await unlessAway(deployFactory(place)).catch((error: Error) => {
    if (error instanceof ChainUnavailable) throw error
    // Behind the first line stand the code of the contract and where the error was thrown.
    throw new CliError(EXIT.refused, `The factory was not deployed: ${error.message.split('\n')[0]}`)
  })
  show({ agentFactory }, options, () => `OSTIUM_AGENT_FACTORY=${agentFactory}`)
}
