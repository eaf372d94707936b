/** The local market as an instance has it: contracts that stay, prices over a socket, a keeper who works by himself. */
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { WebSocket } from 'ws'
import { addressOfKey, signTransaction } from '../../../src/adapters/chain/account.ts'
import { type ChainClient, openChain } from '../../../src/adapters/chain/client.ts'
import type { LocalChain } from '../../../src/embedded/anvil.ts'
import { keepAnvil } from '../../../src/embedded/anvil-keeper.ts'
import { commandsOf } from '../../../src/embedded/market/chain-access.ts'
import { readChainFacts, writeChainFacts } from '../../../src/embedded/market/chain-facts.ts'
import { fundOnLocalChain } from '../../../src/embedded/market/fund.ts'
import { type LocalMarket, startMarket } from '../../../src/embedded/market/market.ts'
import { calldata, included, opening } from '../../support/chain.ts'
import { type TemporaryDirectory, temporaryDirectory } from '../../support/services.ts'

let temporary: TemporaryDirectory
let chain: LocalChain
let market: LocalMarket
let client: ChainClient
beforeEach(async () => {
  temporary = temporaryDirectory()
  await start()
})
afterEach(async () => {
  await stop()
  temporary.remove()
})

async function start(): Promise<void> {
  chain = await keepAnvil({ directory: join(temporary.path, 'chain') })
  market = await startMarket({ chain, directory: temporary.path })
  const { rpcUrl, chainId, contracts } = market
  client = openChain({ rpcUrl, chainId, contracts, timeoutMs: 5_000, answerMaxBytes: 1_048_576 })
}
async function stop(): Promise<void> {
  await client.close()
  await market.stop()
  await chain.stop()
}

async function trader() {
  const key = chain.keyOf(9)
  const address = addressOfKey(key)
  await fundOnLocalChain({ rpcUrl: market.rpcUrl, usdc: market.contracts.usdc, address })
  await send(key, market.contracts.usdc, calldata('approve', market.contracts.tradingStorage, 2n ** 256n - 1n))
  return { key, address }
}

async function send(key: `0x${string}`, to: `0x${string}`, data: `0x${string}`): Promise<void> {
  const [nonce, fees] = await Promise.all([client.nonceOf(addressOfKey(key), 'latest'), client.fees()])
  const fields = { chainId: 31_337, nonce, to, data, gas: 3_000_000n, ...fees }
  const { raw, hash } = await signTransaction(key, fields)
  expect(await client.sendRaw(raw)).toBe('sent')
  expect(await included(client, hash)).toMatchObject({ isSuccess: true })
}

it('writes down where its contracts lie, for its owner, and they stay over a stop and a start', async () => {
  const { contracts, rpcUrl, sponsorKey } = market
  const file = join(temporary.path, 'ostium-chain.json')
  expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual({ rpcUrl, chainId: 31_337, network: 'local', contracts })
  expect(statSync(file).mode & 0o777).toBe(0o600)
  expect(Object.values(contracts).filter((address) => /[A-F]/.test(address)).length).toBeGreaterThan(0)
  const { address } = await trader()
  expect(await client.usdcBalanceOf(address)).toBe(10_000_000_000n)
  expect(await client.etherOf(addressOfKey(sponsorKey))).toBeGreaterThan(10n ** 20n)
  await stop()
  await start()
  expect([market.contracts, market.sponsorKey]).toEqual([contracts, sponsorKey])
  expect(await client.usdcBalanceOf(address)).toBe(10_000_000_000n)
  expect(readChainFacts(temporary.path)).toMatchObject({ rpcUrl: market.rpcUrl })
})

it('fills an order by its own prices, and by others once it is told to', async () => {
  const { key, address } = await trader()
  const open = (price: string) =>
    send(key, market.contracts.trading, opening({ trader: address, price, slippage: 500n }))
  const trade = (index: number) => client.openTrade(address, 0, index)
  await open('43000')
  await vi.waitFor(async () => expect(await trade(0)).toMatchObject({ buy: true, leverage: 1_000 }))
  market.followPrices((pair) => (pair === 0 ? 50_000n * 10n ** 18n : undefined))
  await open('50000')
  await vi.waitFor(async () => expect(await trade(1)).toMatchObject({ openPrice: 50_000n * 10n ** 18n }))
})

it('goes on where its chain was killed, from its last second', async () => {
  const { key, address } = await trader()
  const { number } = await client.latestBlock()
  const kept = () => JSON.parse(gunzipSync(readFileSync(join(temporary.path, 'chain', 'state.gz'))).toString('utf8'))
  await vi.waitFor(() => expect(kept().best_block_number).toBe(Number(number)), { timeout: 10_000 })
  const { pid } = chain
  process.kill(pid, 'SIGKILL')
  await vi.waitFor(() => expect(chain.pid).not.toBe(pid), { timeout: 10_000 })
  await send(key, market.contracts.trading, opening({ trader: address, price: '43000', slippage: 500n }))
  await vi.waitFor(async () => expect(await client.openTrade(address, 0, 0)).toMatchObject({ buy: true }))
})

it('lets blocks pass while an order waits for a price that nobody knows', async () => {
  const { key, address } = await trader()
  await send(key, market.contracts.trading, opening({ trader: address, pair: 11, price: '38000' }))
  const { number } = await client.latestBlock()
  await vi.waitFor(async () => expect((await client.latestBlock()).number).toBeGreaterThan(number))
  await commandsOf(market.rpcUrl).mine({ blocks: 30 })
  await send(key, market.contracts.trading, calldata('openTradeMarketTimeout', 1n))
  expect(await client.usdcBalanceOf(address)).toBe(10_000_000_000n)
})

it('sends its prices to whoever connects, the last of each pair first', async () => {
  const socket = new WebSocket(market.pricesUrl)
  const ticks: { feed_id: string }[] = []
  socket.on('message', (data) => ticks.push(JSON.parse(String(data))))
  await vi.waitFor(() => expect(ticks.length).toBeGreaterThan(33))
  const ids = new Set(ticks.slice(0, 11).map(({ feed_id }) => feed_id))
  expect([ids.size, ids.has('BTC-USD'), ids.has('DJI-USD')]).toEqual([11, true, false])
  socket.terminate()
})

it('keeps facts of another network apart from its own', async () => {
  const { contracts } = market
  const usdc = contracts.usdc.toLowerCase()
  writeChainFacts(temporary.path, {
    rpcUrl: 'http://elsewhere',
    chainId: 1,
    network: 'custom',
    contracts: { ...contracts, usdc },
  })
  expect(readChainFacts(temporary.path)).toMatchObject({ network: 'custom', contracts })
  await market.stop()
  market = await startMarket({ chain, directory: temporary.path })
  expect(market.contracts).not.toEqual(contracts)
  expect(readChainFacts(temporary.path)).toMatchObject({ network: 'local' })
})
