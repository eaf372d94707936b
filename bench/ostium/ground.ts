/** What the measurements of ostium stand on: a chain, a source of prices with its listeners, an API, and what it is compared with. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type LocalChain, startAnvil } from '../../src/embedded/anvil.ts'
import { deployMarket, KEYS, type MarketContracts } from '../../src/embedded/market/deployment.ts'
import { type BenchInstance, startBenchInstance, startProgram, stopProgram } from '../instance.ts'
import { type Listeners, startListeners } from './listeners.ts'

export interface OstiumGround {
  instance: BenchInstance
  /** Of the bare handler, and of the bare loop. */
  reference: string
  listeners: Listeners
  chain: LocalChain
  contracts: MarketContracts
  /** Which of the chain's keys pays for agents. */
  sponsor: number
  /** Settings of an instance that works with the chain. */
  environment: Record<string, string>
  close(): Promise<void>
}

export const SOCKETS = 1_000

export async function prepareGround(): Promise<OstiumGround> {
  const stops: (() => Promise<unknown>)[] = []
  const close = async () => {
    for (const stop of stops.toReversed()) await stop()
  }
  try {
    const directory = mkdtempSync(join(tmpdir(), 'opslog-bench-chain-'))
    stops.push(async () => rmSync(directory, { recursive: true, force: true }))
    const chain = await startAnvil({ directory: join(directory, 'chain') })
    stops.push(chain.stop)
    const contracts = await deployMarket(chain, directory)
    const { usdc, trading, tradingStorage } = contracts
    const environment = {
      ...{ OSTIUM_RPC_URL: chain.rpcUrl, OSTIUM_NETWORK: 'custom', OSTIUM_CHAIN_ID: String(chain.chainId) },
      ...{ OSTIUM_USDC: usdc, OSTIUM_TRADING: trading, OSTIUM_TRADING_STORAGE: tradingStorage },
      OSTIUM_RATE_LIMIT_PER_MINUTE_MAX: '0',
    }
    const listeners = await startListeners()
    stops.push(listeners.stop)
    const instance = await startBenchInstance({
      ...{ ROLES: 'api', READ_YOUR_WRITES_WAIT_MS: '0' },
      ...environment,
      ...{ OSTIUM_PRICE_URL: listeners.sourceOf('ours'), OSTIUM_PRICE_SILENCE_MAX_MS: '600000' },
      OSTIUM_SOCKETS_PER_ADDRESS_MAX: String(2 * SOCKETS),
    })
    stops.push(instance.stop)
    const prices = { PRICES: listeners.sourceOf('reference') }
    const { child, said } = await startProgram('./ostium/reference.ts', [], prices, /\n/)
    stops.push(() => stopProgram(child))
    const own = { chain, contracts, sponsor: KEYS.sponsor, environment }
    return { instance, reference: JSON.parse(said).url as string, listeners, ...own, close }
  } catch (error) {
    await close()
    throw error
  }
}
