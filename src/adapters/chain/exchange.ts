/** What is read of the trading contracts, of USDC, and of the factory of agents' accounts. */
import { concat, decodeAbiParameters, encodeAbiParameters, pad, slice } from 'viem/utils'
import { factoryFunctions } from './abi/account.ts'
import { events, functions } from './abi/v3.ts'
import { type Address, checksummed, ZERO_ADDRESS } from './address.ts'
import type { Contracts } from './networks.ts'
import type { ChainNode, Hex, Log } from './node.ts'
import { CallReverted } from './reverts.ts'
import { ChainUnavailable } from './rpc.ts'

/** Prices have 18 decimals, collateral 6, leverage 2. */
export interface Trade {
  collateral: bigint
  openPrice: bigint
  tp: bigint
  sl: bigint
  trader: Address
  leverage: number
  pairIndex: number
  index: number
  buy: boolean
}

export interface LimitOrder {
  collateral: bigint
  targetPrice: bigint
  tp: bigint
  sl: bigint
  trader: Address
  leverage: number
  createdAt: number
  lastUpdated: number
  pairIndex: number
  /** 1: limit, 2: stop. */
  orderType: number
  index: number
  buy: boolean
}

export interface DelegationChange {
  trader: Address
  delegate: Address
  isAdded: boolean
  blockNumber: bigint
  blockHash: Hex
}

export interface AccountPlace {
  owner: Address
  trader: Address
  salt: Hex
}

/** What nodes answer in one go. */
const LOG_BLOCKS_MAX = 5_000n
const LOG_TRADERS_MAX = 200

type Parameters = readonly { readonly name: string; readonly type: string }[]

/** Throws ChainUnavailable where what was called is no such function. */
function decoded<const P extends Parameters>(outputs: P, data: Hex) {
  try {
    return decodeAbiParameters(outputs, data)
  } catch (error) {
    throw new ChainUnavailable('a contract answered with something else than its function has', { cause: error })
  }
}

export interface ExchangeContracts extends Contracts {
  /** Undefined where there is no delegated mode. */
  agentFactory?: Address | undefined
}

export function createExchange(node: ChainNode, contracts: ExchangeContracts) {
  const { usdc, trading, tradingStorage, agentFactory } = contracts
  const { delegations, allowance, balanceOf, getOpenTrade, getOpenLimitOrder } = functions
  const { DelegateAdded, DelegateRemoved } = events

  async function delegateOf(trader: Address, block?: bigint): Promise<Address> {
    const data = concat([delegations.selector, encodeAbiParameters(delegations.inputs, [trader])])
    return decoded(delegations.outputs, await node.call({ to: trading, data }, block))[0]
  }

  /** Of the storage, which spends the trader's USDC. */
  async function allowanceOf(trader: Address, block?: bigint): Promise<bigint> {
    const data = concat([allowance.selector, encodeAbiParameters(allowance.inputs, [trader, tradingStorage])])
    return decoded(allowance.outputs, await node.call({ to: usdc, data }, block))[0]
  }

  async function changesIn(
    fromBlock: bigint,
    toBlock: bigint,
    traders: readonly Address[],
  ): Promise<DelegationChange[]> {
    const topics = [[DelegateAdded.topic, DelegateRemoved.topic], traders.map((trader) => pad(trader, { size: 32 }))]
    const logs = await node.getLogs({ address: trading, topics, fromBlock, toBlock })
    return logs.map(({ topics: [topic, trader, delegate], blockNumber, blockHash }) => ({
      ...{ trader: addressIn(trader), delegate: addressIn(delegate) },
      ...{ isAdded: topic === DelegateAdded.topic, blockNumber, blockHash },
    }))
  }

  return {
    delegateOf,
    allowanceOf,

    /** Both as of the same block, the latest, and both in one question. */
    async standingOf(trader: Address): Promise<{ delegatedTo: Address; allowance: bigint; blockNumber: bigint }> {
      const { number: blockNumber } = await node.latestBlock()
      const [delegatedTo, allowed] = await Promise.all([
        delegateOf(trader, blockNumber),
        allowanceOf(trader, blockNumber),
      ])
      return { delegatedTo, allowance: allowed, blockNumber }
    },

    async usdcBalanceOf(owner: Address): Promise<bigint> {
      const data = concat([balanceOf.selector, encodeAbiParameters(balanceOf.inputs, [owner])])
      return decoded(balanceOf.outputs, await node.call({ to: usdc, data }))[0]
    },

    async openTrade(trader: Address, pairIndex: number, index: number): Promise<Trade | undefined> {
      const { selector, inputs, outputs } = getOpenTrade
      const data = concat([selector, encodeAbiParameters(inputs, [trader, pairIndex, index])])
      const [trade] = decoded(outputs, await node.call({ to: tradingStorage, data }))
      return trade.leverage === 0 ? undefined : trade
    },

    async openLimitOrder(trader: Address, pairIndex: number, index: number): Promise<LimitOrder | undefined> {
      const { selector, inputs, outputs } = getOpenLimitOrder
      const data = concat([selector, encodeAbiParameters(inputs, [trader, pairIndex, index])])
      try {
        return decoded(outputs, await node.call({ to: tradingStorage, data }))[0]
      } catch (error) {
        // The contract refuses the question where there is none; older ones give no reason.
        if (error instanceof CallReverted && [null, 'NoOpenLimitOrder'].includes(error.revert.name)) return undefined
        throw error
      }
    },

    /** Throws ChainUnavailable where there is no factory. */
    async accountAddress({ owner, trader, salt }: AccountPlace): Promise<Address> {
      if (!agentFactory) throw new ChainUnavailable('there is no factory of agents’ accounts')
      const { selector, inputs, outputs } = factoryFunctions.accountOf
      const data = concat([selector, encodeAbiParameters(inputs, [owner, trader, salt])])
      return decoded(outputs, await node.call({ to: agentFactory, data }))[0]
    },

    /** Of an order that a transaction has asked for and that waits for a price; undefined: it asked for none. */
    orderIdIn(logs: readonly Log[]): string | undefined {
      const initiated: readonly string[] = [
        events.MarketOpenOrderInitiated.topic,
        events.MarketCloseOrderInitiatedV2.topic,
      ]
      const found = logs.find(({ address, topics }) => address === trading && initiated.includes(topics[0] ?? ''))
      return found?.topics[1] === undefined ? undefined : BigInt(found.topics[1]).toString()
    },

    /** Delegates that these traders have set or removed, oldest first; both blocks included. */
    async delegationsChanged(range: {
      fromBlock: bigint
      toBlock: bigint
      traders: readonly Address[]
    }): Promise<DelegationChange[]> {
      const { toBlock, traders } = range
      const found: DelegationChange[] = []
      for (let fromBlock = range.fromBlock; fromBlock <= toBlock; fromBlock += LOG_BLOCKS_MAX) {
        const last = fromBlock + LOG_BLOCKS_MAX - 1n
        const end = last < toBlock ? last : toBlock
        const groups: Promise<DelegationChange[]>[] = []
        for (let at = 0; at < traders.length; at += LOG_TRADERS_MAX) {
          groups.push(changesIn(fromBlock, end, traders.slice(at, at + LOG_TRADERS_MAX)))
        }
        const inRange = (await Promise.all(groups)).flat()
        found.push(...inRange.sort((a, b) => Number(a.blockNumber - b.blockNumber)))
      }
      return found
    },
  }
}

const addressIn = (topic: Hex | undefined): Address =>
  topic === undefined ? ZERO_ADDRESS : checksummed(slice(topic, 12))
