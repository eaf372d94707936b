/** A local chain of a test file's own, with the market's contracts on it and prices that the test sets. */
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { type AbiParameter, concat, encodeAbiParameters, toHex } from 'viem'
import { expect, vi } from 'vitest'
import { type FunctionName, functions } from '../../src/adapters/chain/abi/v3.ts'
import { addressOfKey, signTransaction } from '../../src/adapters/chain/account.ts'
import { type ChainClient, openChain } from '../../src/adapters/chain/client.ts'
import type { Hex, Receipt } from '../../src/adapters/chain/node.ts'
import { type LocalChain, startAnvil } from '../../src/embedded/anvil.ts'
import { commandsOf } from '../../src/embedded/market/chain-access.ts'
import { deployMarket, KEYS, type MarketContracts } from '../../src/embedded/market/deployment.ts'
import { fundOnLocalChain } from '../../src/embedded/market/fund.ts'
import { createKeeper } from '../../src/embedded/market/keeper.ts'
import { temporaryDirectory } from './services.ts'

export interface TestTrader {
  key: Hex
  address: Hex
}

export interface TestMarket {
  chain: LocalChain
  contracts: MarketContracts
  client: ChainClient
  /** anvil's own commands: mine, snapshot, revert, setBalance, setNextBlockTimestamp … */
  commands: ReturnType<typeof commandsOf>
  /** Where its state lies, and `ostium-chain.json`. */
  directory: string
  /** `43000.5`, or undefined for none. No pair has a price before. */
  setPrice(pairIndex: number, price: string | undefined): void
  /** The keeper looks until nothing is due any more. */
  settle(): Promise<void>
  /** A new account with ether and USDC, which it has approved to the trading storage. */
  trader(): Promise<TestTrader>
  /** Signed by the key and included; the receipt, reverted or not. */
  send(key: Hex, transaction: { to: Hex; data: Hex }): Promise<Receipt>
  /** Of the node, whatever it knows: `anvil_rollback`, 1. */
  ask(method: string, ...params: unknown[]): Promise<unknown>
  /** What a transaction called, call by call, as the chain has it. */
  traceOf(hash: Hex): Promise<unknown>
  stop(): Promise<void>
}

const UNITS_PER_USDC = 10n ** 6n
const GAS_MAX = 8_000_000n

export async function startTestMarket(): Promise<TestMarket> {
  const temporary = temporaryDirectory()
  const directory = temporary.path
  const chain = await startAnvil({ directory: join(directory, 'chain') })
  const contracts = await deployMarket(chain, directory)
  const { rpcUrl, chainId } = chain
  const client = openChain({ rpcUrl, chainId, contracts, timeoutMs: 5_000, answerMaxBytes: 1_048_576 })
  const prices = new Map<number, bigint>()
  const keeper = createKeeper({
    ...{ rpcUrl, key: chain.keyOf(KEYS.keeper), trading: contracts.trading },
    priceOf: (pairIndex) => prices.get(pairIndex),
  })

  async function send(key: Hex, { to, data }: { to: Hex; data: Hex }): Promise<Receipt> {
    const [nonce, fees] = await Promise.all([client.nonceOf(addressOfKey(key), 'pending'), client.fees()])
    const { raw, hash } = await signTransaction(key, { chainId, nonce, to, data, gas: GAS_MAX, ...fees })
    expect(await client.sendRaw(raw)).toBe('sent')
    return included(client, hash)
  }

  async function ask(method: string, ...params: unknown[]): Promise<unknown> {
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })
    const answer = await fetch(rpcUrl, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
    const { result, error } = (await answer.json()) as { result?: unknown; error?: { message: string } }
    if (error) throw new Error(`${method}: ${error.message}`)
    return result
  }

  return {
    ...{ chain, contracts, client, directory, send, ask, commands: commandsOf(rpcUrl) },
    setPrice(pairIndex, price) {
      if (price === undefined) prices.delete(pairIndex)
      else prices.set(pairIndex, inUnits(price, 18))
    },
    async settle() {
      while ((await keeper.look()) > 0);
    },
    async trader() {
      const key = toHex(randomBytes(32))
      const address = addressOfKey(key)
      await fundOnLocalChain({ rpcUrl, usdc: contracts.usdc, address, usdcUnits: 100_000n * UNITS_PER_USDC })
      const data: Hex = `0x095ea7b3${contracts.tradingStorage.slice(2).padStart(64, '0')}${'f'.repeat(64)}`
      await send(key, { to: contracts.usdc, data })
      return { key, address }
    },
    traceOf: (hash) => ask('debug_traceTransaction', hash, { tracer: 'callTracer' }),
    async stop() {
      await client.close()
      await chain.stop()
      temporary.remove()
    },
  }
}

/** The receipt of a transaction that was sent, as soon as it is in a block. */
export async function included(client: ChainClient, hash: Hex): Promise<Receipt> {
  const found = await vi.waitFor(
    async () => {
      const receipt = await client.receipt(hash)
      expect(receipt).toBeDefined()
      return receipt
    },
    { timeout: 10_000, interval: 3 },
  )
  return found as Receipt
}

/** Calldata of one of the functions in the tables. */
export function calldata(name: FunctionName, ...args: unknown[]): Hex {
  const { selector, inputs } = functions[name]
  return concat([selector, encodeAbiParameters(inputs as readonly AbiParameter[], args)])
}

export interface Wish {
  trader: Hex
  pair?: number
  buy?: boolean
  /** In dollars. */
  collateral?: string
  leverage?: string
  price: string
  tp?: string
  sl?: string
  /** 0 market, 1 limit, 2 stop. */
  type?: 0 | 1 | 2
  /** In hundredths of a per cent; default 1 % for market orders. */
  slippage?: bigint
  builder?: { builder: Hex; builderFee: number }
}

const NO_BUILDER = { builder: '0x0000000000000000000000000000000000000000', builderFee: 0 } as const

/** Calldata of openTrade. Default: 100 dollars, ten times, to win with the price of pair 0, at the market. */
export function opening(wish: Wish): Hex {
  const { trader, pair = 0, buy = true, collateral = '100', leverage = '10', type = 0 } = wish
  const trade = {
    ...{ collateral: inUnits(collateral, 6), openPrice: inUnits(wish.price, 18) },
    ...{ tp: inUnits(wish.tp ?? '0', 18), sl: inUnits(wish.sl ?? '0', 18), trader },
    ...{ leverage: Number(inUnits(leverage, 2)), pairIndex: pair, index: 0, buy },
  }
  return calldata('openTrade', trade, wish.builder ?? NO_BUILDER, type, wish.slippage ?? (type === 0 ? 100n : 0n))
}

/** `1.25` → 1250000 at six decimals. */
export function inUnits(text: string, decimals: number): bigint {
  const [whole = '', fraction = ''] = text.split('.')
  return BigInt(whole + fraction.padEnd(decimals, '0'))
}
