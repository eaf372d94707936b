/** Whoever pays by x402: signs with a wallet of the sandbox, good payments and bad ones, and looks at the chain. */
import { randomBytes } from 'node:crypto'
import { createPublicClient, createWalletClient, type Hex, http, parseAbi, parseSignature } from 'viem'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { type SandboxFile, sandboxChain } from './sandbox.ts'

const types = {
  TransferWithAuthorization: [
    { name: 'from', type: 'address' },
    { name: 'to', type: 'address' },
    { name: 'value', type: 'uint256' },
    { name: 'validAfter', type: 'uint256' },
    { name: 'validBefore', type: 'uint256' },
    { name: 'nonce', type: 'bytes32' },
  ],
} as const
const token = parseAbi([
  'function balanceOf(address owner) view returns (uint256)',
  'function transfer(address to, uint256 amount) returns (bool)',
  'function transferWithAuthorization(address from, address to, uint256 value, uint256 validAfter, uint256 validBefore, bytes32 nonce, uint8 v, bytes32 r, bytes32 s)',
  'function cancelAuthorization(address authorizer, bytes32 nonce, uint8 v, bytes32 r, bytes32 s)',
])
const cancelling = {
  CancelAuthorization: [
    { name: 'authorizer', type: 'address' },
    { name: 'nonce', type: 'bytes32' },
  ],
} as const

export interface SignedPayment {
  /** PAYMENT-SIGNATURE */
  header: string
  from: Hex
  signature: Hex
  message: { from: Hex; to: Hex; value: bigint; validAfter: bigint; validBefore: bigint; nonce: Hex }
}

interface Odd {
  to?: Hex
  /** Cents that the signature is for, where it is not what is sent. */
  signedFor?: number
  isPoor?: boolean
  /** Seconds since 1970. */
  validBefore?: number
  network?: string
}

const UNITS_PER_CENT = 10_000n
const VALID_S = 250

export type X402Payer = ReturnType<typeof createPayer>

export function createPayer({ chain: given }: Pick<SandboxFile, 'chain'>) {
  if (!given) throw new Error('the sandbox has no chain')
  const { rpc_url: rpcUrl, chain_id: id, token: asset, pay_to: payTo, network, wallets } = given
  const [first, second] = wallets
  if (!first || !second) throw new Error('the sandbox has no wallets')
  const over = { chain: sandboxChain(rpcUrl, id), transport: http(rpcUrl, { retryCount: 0 }), pollingInterval: 20 }
  const reader = createPublicClient(over)
  const walletOf = (key: Hex) => createWalletClient({ ...over, account: privateKeyToAccount(key) })
  const account = privateKeyToAccount(first.private_key)
  const domain = { name: 'USD Coin', version: '2', chainId: id, verifyingContract: asset }

  async function sent(hash: Hex): Promise<void> {
    const { status } = await reader.waitForTransactionReceipt({ hash })
    if (status !== 'success') throw new Error(`${hash} has reverted`)
  }

  async function sign(usdCents: number, odd: Odd = {}, by = account): Promise<SignedPayment> {
    const signer = odd.isPoor ? privateKeyToAccount(generatePrivateKey()) : by
    const { timestamp } = await reader.getBlock()
    const value = BigInt(usdCents) * UNITS_PER_CENT
    const nowS = Math.max(Number(timestamp), Math.floor(Date.now() / 1_000))
    const message = {
      ...{ from: signer.address, to: odd.to ?? (payTo as Hex), value, validAfter: 0n },
      ...{
        validBefore: BigInt(odd.validBefore ?? nowS + VALID_S),
        nonce: `0x${randomBytes(32).toString('hex')}` as Hex,
      },
    }
    const signed = odd.signedFor === undefined ? message : { ...message, value: BigInt(odd.signedFor) * UNITS_PER_CENT }
    const signature = await signer.signTypedData({
      domain,
      types,
      primaryType: 'TransferWithAuthorization',
      message: signed,
    })
    const accepted = {
      ...{ scheme: 'exact', network: odd.network ?? network, asset, payTo, amount: String(value) },
      ...{ maxTimeoutSeconds: 300, extra: { name: domain.name, version: domain.version } },
    }
    const { from, to, nonce } = message
    const [validAfter, validBefore] = [String(message.validAfter), String(message.validBefore)]
    const authorization = { from, to, value: String(value), validAfter, validBefore, nonce }
    const payment = { x402Version: 2, accepted, payload: { signature, authorization } }
    return { header: Buffer.from(JSON.stringify(payment)).toString('base64'), from, signature, message }
  }

  return {
    sign,
    network: { network, rpcUrl, asset, name: domain.name, version: domain.version, payTo },
    stranger: second.address,
    balanceOf: (address: Hex) =>
      reader.readContract({ address: asset, abi: token, functionName: 'balanceOf', args: [address] }),
    treasury: () =>
      reader.readContract({ address: asset, abi: token, functionName: 'balanceOf', args: [payTo as Hex] }),
    /** The other wallet brings it to the chain. */
    async submitByStranger({ message, signature }: SignedPayment): Promise<void> {
      const { from, to, value, validAfter, validBefore, nonce } = message
      const { r, s, v = 27n } = parseSignature(signature)
      const args = [from, to, value, validAfter, validBefore, nonce, Number(v), r, s] as const
      await sent(
        await walletOf(second.private_key).writeContract({
          ...{ address: asset, abi: token, functionName: 'transferWithAuthorization', args },
        }),
      )
    },
    /** The payer takes it back. */
    async cancel({ message: { nonce } }: SignedPayment): Promise<void> {
      const message = { authorizer: account.address, nonce }
      const signature = await account.signTypedData({
        ...{ domain, types: cancelling, primaryType: 'CancelAuthorization', message },
      })
      const { r, s, v = 27n } = parseSignature(signature)
      const args = [account.address, nonce, Number(v), r, s] as const
      await sent(
        await walletOf(second.private_key).writeContract({
          ...{ address: asset, abi: token, functionName: 'cancelAuthorization', args },
        }),
      )
    },
    /** A payer of his own, with so many dollars. */
    async newPayer(usd: number) {
      const own = privateKeyToAccount(generatePrivateKey())
      const args = [own.address, BigInt(usd) * 1_000_000n] as const
      const call = { address: asset, abi: token, functionName: 'transfer', args } as const
      await sent(await walletOf(second.private_key).writeContract(call))
      return { address: own.address, sign: (usdCents: number) => sign(usdCents, {}, own), account: own }
    },
    async rpc(method: string, params: readonly unknown[]): Promise<unknown> {
      const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })
      const answer = await fetch(rpcUrl, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
      return ((await answer.json()) as { result?: unknown }).result
    },
  }
}
