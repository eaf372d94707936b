/** What an instance keeps for whoever tries the sandbox, and the protocol's library on the sandbox's chain. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createPublicClient, createWalletClient, type Hex, http } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { defineChain } from 'viem/utils'
import type { GoogleKey } from '../../../src/embedded/killatamata/google.ts'

interface Kept {
  account_id: string
  api_key: string
  email: string
}

export interface SandboxChain {
  rpc_url: string
  chain_id: number
  network: string
  token: Hex
  pay_to: string
  wallets: { address: Hex; private_key: Hex }[]
}

/** Without stand-ins it has the accounts alone. */
export interface SandboxFile {
  url: string
  standins: string
  account: Kept
  other_account: Kept
  admin: Kept
  chain?: SandboxChain
  stripe: { webhook_secret: string }
  coinbase: { webhook_secret: string }
  google: GoogleKey & { issuer: string; client_id: string }
}

/** Of the instance with this data directory. */
export const readSandbox = (directory: string): SandboxFile =>
  JSON.parse(readFileSync(join(directory, 'sandbox-killatamata.json'), 'utf8'))

export const sandboxChain = (rpcUrl: string, id: number) =>
  defineChain({
    ...{ id, name: 'sandbox', rpcUrls: { default: { http: [rpcUrl] } } },
    nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 },
  })

const POLL_MS = 20
const RECEIPT_MAX_MS = 10_000

/** The library's own facilitator on that chain, with a key that pays the gas, and nothing around it. */
export async function openFacilitator(rpcUrl: string, chainId: number, key: Hex) {
  const { ExactEvmScheme } = await import('@x402/evm/exact/facilitator')
  const chain = sandboxChain(rpcUrl, chainId)
  const over = { chain, transport: http(rpcUrl), pollingInterval: POLL_MS, cacheTime: 0 }
  const account = privateKeyToAccount(key)
  const [reader, wallet] = [createPublicClient(over), createWalletClient({ ...over, account })]
  return new ExactEvmScheme({
    getAddresses: () => [account.address],
    readContract: (args) => reader.readContract(args as never),
    verifyTypedData: (args) => reader.verifyTypedData(args as never),
    getCode: (args) => reader.getCode(args),
    writeContract: (args) => wallet.writeContract(args as never),
    sendTransaction: (args) => wallet.sendTransaction(args as never),
    waitForTransactionReceipt: ({ hash }) => reader.waitForTransactionReceipt({ hash, timeout: RECEIPT_MAX_MS }),
  })
}
