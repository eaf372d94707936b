/** A chain as ostium sees it, by one node: what is read of it, what is sent to it, and whether its contracts are as they should be. */
import { type Address, checksummed } from './address.ts'
import { createExchange, type ExchangeContracts } from './exchange.ts'
import { createNode } from './node.ts'
import { createRpc, type RpcOptions } from './rpc.ts'
import { missingSelectors } from './selectors.ts'
import { isSignedBy, type SignedText } from './signatures.ts'

export interface ChainOptions extends Omit<RpcOptions, 'url'> {
  rpcUrl: string
  chainId: number
  contracts: ExchangeContracts
}

export type ChainClient = ReturnType<typeof openChain>

/**
 * Asks nothing by itself, and never throws. Its methods reject with ChainUnavailable where the node has no answer that counts, and
 * with CallReverted where the chain would refuse a call.
 */
export function openChain({ rpcUrl, chainId, contracts: given, ...bounds }: ChainOptions) {
  const contracts = {
    ...{ usdc: checksummed(given.usdc), trading: checksummed(given.trading) },
    tradingStorage: checksummed(given.tradingStorage),
    agentFactory: given.agentFactory && checksummed(given.agentFactory),
  }
  const node = createNode(createRpc({ url: rpcUrl, ...bounds }), chainId)
  const hasCode = async (address: Address) => (await node.getCode(address)) !== '0x'
  return {
    ...node,
    ...createExchange(node, contracts),
    hasCode,
    hasFactory: async () => contracts.agentFactory !== undefined && (await hasCode(contracts.agentFactory)),
    missingSelectors: () => missingSelectors(node, contracts),
    isSignedBy: (signed: SignedText) => isSignedBy(node, signed),
  }
}
