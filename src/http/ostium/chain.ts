/** Questions to the chain, and what its answers mean to a caller. */
import type { ChainClient } from '../../adapters/chain/client.ts'
import { CallReverted, type Revert } from '../../adapters/chain/reverts.ts'
import { ChainUnavailable } from '../../adapters/chain/rpc.ts'
import type { RevertFacts } from '../../events/ostium/vocabulary.ts'
import type { Market, MarketAccess } from '../../processes/ostium/market.ts'
import { Problem } from '../errors.ts'
import type { OstiumCode } from './errors.ts'

/** Throws a Problem (503) where the instance has no chain. */
export function requireMarket(access: MarketAccess): Market {
  if ('market' in access) return access.market
  throw new Problem<OstiumCode>('chain_unavailable', access.reason)
}

/** Throws a Problem (503) where the deployed contracts are known to lack one of these functions. */
export function requireFunctions({ missing }: Market, names: readonly string[]): void {
  const lacking = names.find((name) => missing().has(name))
  if (lacking === undefined) return
  throw new Problem<OstiumCode>(
    'contract_differs',
    `The deployed contracts have no function ${lacking} as it is called here.`,
  )
}

/** Throws a Problem (503) where no agent could act. */
export function requireDelegation({ contracts, sponsorKey }: Market): void {
  if (contracts.agentFactory && sponsorKey) return
  const missing = contracts.agentFactory ? 'sponsor' : 'factory of accounts'
  throw new Problem<OstiumCode>('delegation_unavailable', `This instance has no ${missing}, so that no agent can act.`)
}

/** Asks the chain. Rejects with a Problem: 503 where it does not answer, 400 where it refuses. */
export async function askChain<T>({ client }: Market, ask: (client: ChainClient) => Promise<T>): Promise<T> {
  try {
    return await ask(client)
  } catch (error) {
    throw chainProblem(error)
  }
}

export function chainProblem(error: unknown): unknown {
  if (error instanceof CallReverted) return revertProblem(revertFacts(error.revert))
  if (!(error instanceof ChainUnavailable)) return error
  const detail = 'The chain does not answer; nothing has changed. Send the same request again.'
  return new Problem<OstiumCode>('chain_unavailable', detail, { cause: error })
}

export const revertFacts = ({ name, args, text }: Revert): RevertFacts => ({ name, args, text })

/** Of an action that the chain would undo, or has undone. */
export const revertProblem = (revert: RevertFacts, more: object = {}): Problem<OstiumCode> => {
  const { name, args, text } = revert
  const details = { ...more, revert: { name, args } }
  return new Problem<OstiumCode>('action_reverts', `The chain: ${text}.`, { details })
}
