/**
 * The local market: on the private chain our own contracts, in the place of the real ones; prices of a random walk; and a keeper who
 * fills orders by them. With it everything can be tried that a public chain has, and nothing that happens here is worth anything.
 */
import type { LocalChain } from '../anvil.ts'
import { deployMarket, KEYS, type MarketContracts } from './deployment.ts'
import { type PriceOf, startKeeper } from './keeper.ts'
import { servePrices } from './price-server.ts'
import { startLocalPrices } from './prices.ts'

export interface LocalMarket {
  rpcUrl: string
  chainId: number
  contracts: MarketContracts
  /** Pays the gas of agents. */
  sponsorKey: `0x${string}`
  /** A WebSocket that sends each tick of the local prices as a JSON text. */
  pricesUrl: string
  /** From now on the keeper goes by these prices instead of the local ones. */
  followPrices(priceOf: PriceOf): void
  /** Resolves when the chain has ended for good, asked or not. */
  exited: Promise<unknown>
  /** The chain goes on. */
  stop(): Promise<void>
}

export interface MarketOptions {
  chain: LocalChain
  /** Gets `ostium-chain.json`. */
  directory: string
  seed?: number
  /** Of the keeper's looks; the first of several in a row. */
  onFault?: (error: unknown) => void
}

/** Resolves when the contracts are there, their addresses are written down, and the keeper looks. */
export async function startMarket({ chain, directory, seed, onFault }: MarketOptions): Promise<LocalMarket> {
  const contracts = await deployMarket(chain, directory)
  const prices = startLocalPrices(seed === undefined ? {} : { seed })
  const server = await servePrices(prices)
  let priceOf: PriceOf = prices.priceOf
  const { rpcUrl, chainId, keyOf, exited } = chain
  const keeper = startKeeper({
    ...{ rpcUrl, key: keyOf(KEYS.keeper), trading: contracts.trading },
    priceOf: (pairIndex) => priceOf(pairIndex),
    ...(onFault ? { onFault } : {}),
  })
  return {
    ...{ rpcUrl, chainId, contracts, exited, sponsorKey: keyOf(KEYS.sponsor), pricesUrl: server.url },
    followPrices(others) {
      priceOf = others
    },
    async stop() {
      await keeper.stop()
      await server.close()
      prices.close()
    },
  }
}
