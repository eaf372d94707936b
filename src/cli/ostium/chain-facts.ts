/** Which chain the instance of DATA_DIR works with: the node that the settings name, or what its own chain has written down. */
import { type ChainFacts, readChainFacts } from '../../embedded/market/chain-facts.ts'
import { nodeFacts } from '../../processes/ostium/market.ts'
import { ostiumSettings } from '../../processes/ostium/settings.ts'
import type { AdminTools } from '../admin-tools.ts'
import { CliError, EXIT } from '../terminal.ts'

export type FactTools = Pick<AdminTools, 'settings' | 'dataDirectory'>

/** Throws CliError where there is none. */
export function chainFactsOf({ settings, dataDirectory }: FactTools): ChainFacts {
  const own = settings(ostiumSettings)
  if (own.OSTIUM_RPC_URL !== undefined) return { rpcUrl: own.OSTIUM_RPC_URL, ...nodeFacts(own) }
  const found = readChainFacts(dataDirectory())
  if (found) return found
  throw new CliError(
    EXIT.refused,
    'No chain is known.',
    'An instance that serves ostium writes down its own chain; OSTIUM_RPC_URL names another.',
  )
}
