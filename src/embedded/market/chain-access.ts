/** What the local market itself does on its chain: keys send, anybody reads, and anvil's own commands are at hand. */
import {
  BaseError,
  createPublicClient,
  createTestClient,
  createWalletClient,
  defineChain,
  type Hex,
  HttpRequestError,
  http,
  publicActions,
  TimeoutError,
} from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { CHAIN_ID } from '../anvil.ts'

/** The chain answers in milliseconds; a start after a kill takes the rest. */
const TIMEOUT_MS = 5_000
/** Blocks come at once, with the transaction. */
const POLLING_MS = 20

const chainAt = (rpcUrl: string, id: number) =>
  defineChain({
    ...{ id, name: 'local' },
    nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 },
    rpcUrls: { default: { http: [rpcUrl] } },
  })

const over = (rpcUrl: string, chainId = CHAIN_ID) => ({
  chain: chainAt(rpcUrl, chainId),
  transport: http(rpcUrl, { timeout: TIMEOUT_MS, retryCount: 0 }),
  pollingInterval: POLLING_MS,
  cacheTime: 0,
})

export const readerOf = (rpcUrl: string, chainId = CHAIN_ID) => createPublicClient(over(rpcUrl, chainId))
/** Also of another chain than the local one. */
export const senderOf = (rpcUrl: string, key: Hex, chainId = CHAIN_ID) =>
  createWalletClient({ ...over(rpcUrl, chainId), account: privateKeyToAccount(key) }).extend(publicActions)
export const commandsOf = (rpcUrl: string, chainId = CHAIN_ID) =>
  createTestClient({ ...over(rpcUrl, chainId), mode: 'anvil' })

const isSilence = (error: unknown): boolean => error instanceof HttpRequestError || error instanceof TimeoutError

/** Whether an error of the clients above says that the node does not answer. */
export const isAway = (error: unknown): boolean => error instanceof BaseError && error.walk(isSilence) !== null
