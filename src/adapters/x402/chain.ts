/**
 * Payments of x402's scheme `exact` on chains of the EVM: an authorization (EIP-3009) that the payer has signed is verified and sent
 * by the protocol's own library, in this process or by a facilitator over HTTP (relaying.ts). What became of it says the chain alone.
 */
import type { PaymentPayload, PaymentRequirements } from '@x402/core/types'
import { type Address, BaseError, createPublicClient, createWalletClient, custom, type Hex } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { defineChain, parseAbi, parseAbiItem } from 'viem/utils'
import { createRpc } from '../chain/rpc.ts'
import {
  domainTypes,
  innerSignatureOf,
  isReadable,
  type PaidIn,
  paidIn,
  type SignedAuthorization,
  USED,
} from './authorization.ts'
import { openRelaying } from './relaying.ts'

/** The chain cannot be asked now. */
export class ChainSilent extends Error {
  override name = 'ChainSilent'
}

/** What the chain says of an authorization, whoever brought it there. */
export type ChainSays =
  /** Its money has come to us, in this transaction. */
  | ({ as: 'paid'; blockAt: Date } & PaidIn)
  /** It was used without paying us, and can be used no more. */
  | { as: 'cancelled' }
  /** Its time is over by the chain's clock, and it was not used. */
  | { as: 'expired' }
  | { as: 'unused' }

/** A chain that is taken payments on, and the token and address that they are made in and to. */
export interface X402Network {
  /** `eip155:<chain id>` */
  network: string
  rpcUrl: string
  asset: string
  /** Of the token’s EIP-712 domain. */
  name: string
  version: string
  /** Belongs to this installation alone: whatever comes there counts as paid to it. */
  payTo: string
}

export interface X402ChainOptions {
  network: X402Network
  /** Pays the gas; undefined where a facilitator does. */
  relayerKey: Hex | undefined
  /** Undefined: the library sends by itself. */
  facilitatorUrl: string | undefined
  /** For one question, and the most bytes of its answer, or of several that are asked together. */
  timeoutMs: number
  answerMaxBytes: number
  /** How long a sent transaction is waited for. */
  sendWaitMs: number
}

const token = parseAbi([
  'function authorizationState(address authorizer, bytes32 nonce) view returns (bool)',
  'function balanceOf(address owner) view returns (uint256)',
])
const CANCELED = parseAbiItem('event AuthorizationCanceled(address indexed authorizer, bytes32 indexed nonce)')

/** Blocks of one look through the log, and how many looks: nodes bound both, and an authorization is good for minutes. */
const LOG_BLOCKS = 5_000n
const LOG_LOOKS_MAX = 40
const POLLING_MS = 50
/** As the library says of a signature that is not good. */
const UNREADABLE = 'invalid_exact_evm_signature'
/** Of a requirement: how long a payer may let it be good. */
export const MAX_TIMEOUT_S = 300

export const requirementsOf = (
  { network, asset, name, version, payTo }: X402Network,
  amount: string,
): PaymentRequirements => ({
  ...{ scheme: 'exact', network: network as PaymentRequirements['network'], asset, amount, payTo },
  ...{ maxTimeoutSeconds: MAX_TIMEOUT_S, extra: { name, version } },
})

export type OpenedX402Chain = ReturnType<typeof openX402Chain>

/** Asks nothing by itself. Its methods reject with ChainSilent where the chain has no answer. */
export function openX402Chain(options: X402ChainOptions) {
  const { network: of, relayerKey, facilitatorUrl, timeoutMs, answerMaxBytes, sendWaitMs } = options
  const id = Number(of.network.replace(/^eip155:/, ''))
  const chain = defineChain({
    ...{ id, name: of.network, nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 } },
    rpcUrls: { default: { http: [of.rpcUrl] } },
  })
  const node = createRpc({ url: of.rpcUrl, timeoutMs, answerMaxBytes })
  const request = ({ method, params = [] }: { method: string; params?: unknown[] }) => node.request(method, params)
  const over = {
    ...{ chain, transport: custom({ request }, { retryCount: 0 }) },
    ...{ pollingInterval: POLLING_MS, cacheTime: 0 },
  }
  const reader = createPublicClient(over)
  const relayer = relayerKey && createWalletClient({ ...over, account: privateKeyToAccount(relayerKey) })
  const relaying = openRelaying({ reader, relayer, facilitatorUrl, sendWaitMs })

  /**
   * A wrapping by EIP-6492 says how an account is made; once the account is there, the signature in it counts alone, by EIP-1271. What
   * is not unwrapped is the library's to judge.
   */
  async function unwrapped(authorization: SignedAuthorization): Promise<SignedAuthorization> {
    const { from, signature } = authorization
    const inner = innerSignatureOf(signature as Hex)
    if (inner === undefined) return authorization
    const code = await reader.getCode({ address: from as Address })
    return code === undefined ? authorization : { ...authorization, signature: inner }
  }

  const paymentOf = (authorization: SignedAuthorization): PaymentPayload => {
    const { from, to, value, validAfterS: validAfter, validBeforeS: validBefore, nonce, signature } = authorization
    const signed = { from, to, value, validAfter, validBefore, nonce }
    const accepted = requirementsOf(of, value)
    return { x402Version: 2, accepted, payload: { signature, authorization: signed } }
  }

  /** Throws ChainSilent where nobody answers. */
  async function asked<T>(question: () => Promise<T>): Promise<T> {
    try {
      return await question()
    } catch (cause) {
      throw new ChainSilent(`${of.network} does not answer`, { cause })
    }
  }

  /** The log entry that says how the authorization was used up. Throws ChainSilent where it is not found. */
  async function useOf({ asset, from, nonce }: SignedAuthorization) {
    const latest = await reader.getBlockNumber()
    let to = latest
    for (let looks = 0; looks < LOG_LOOKS_MAX; looks++) {
      const fromBlock = to > LOG_BLOCKS ? to - LOG_BLOCKS : 0n
      // The node looks for this one: others' come by the thousand, and nodes bound how many they tell.
      const asked = { address: asset as Address, fromBlock, toBlock: to, strict: true } as const
      const args = { authorizer: from as Address, nonce: nonce as Hex }
      const [used] = await reader.getLogs({ ...asked, event: USED, args })
      if (used) return used
      const [cancelled] = await reader.getLogs({ ...asked, event: CANCELED, args })
      if (cancelled) return cancelled
      if (fromBlock === 0n) break
      to = fromBlock - 1n
    }
    throw new ChainSilent(
      'the chain says that the authorization was used, and its log does not say in which transaction',
    )
  }

  async function outcomeOf(authorization: SignedAuthorization): Promise<ChainSays> {
    const { asset, from, nonce, validBeforeS } = authorization
    const isUsed = await reader.readContract({
      ...{ address: asset as Address, abi: token, functionName: 'authorizationState' },
      args: [from as Address, nonce as Hex],
    })
    if (!isUsed) {
      const { timestamp } = await reader.getBlock()
      return { as: timestamp >= BigInt(validBeforeS) ? 'expired' : 'unused' }
    }
    const use = await useOf(authorization)
    if (use.eventName !== 'AuthorizationUsed') return { as: 'cancelled' }
    const [receipt, block] = await Promise.all([
      reader.getTransactionReceipt({ hash: use.transactionHash }),
      reader.getBlock({ blockHash: use.blockHash }),
    ])
    const paid = paidIn(authorization, receipt)
    return paid ? { as: 'paid', ...paid, blockAt: new Date(Number(block.timestamp) * 1_000) } : { as: 'cancelled' }
  }

  return {
    network: of,
    /** Undefined: it is good; else why not, in a word of the protocol. Throws ChainSilent. */
    async faultOf(authorization: SignedAuthorization): Promise<string | undefined> {
      if (!isReadable(authorization)) return UNREADABLE
      const { isValid, invalidReason } = await asked(async () =>
        relaying.verify(paymentOf(await unwrapped(authorization))),
      )
      if (isValid) return undefined
      // The library takes a node that is away for a bad payment.
      await asked(() => reader.getBlockNumber())
      return invalidReason ?? 'invalid_payload'
    },
    /** Whether the payer has signed it, whatever became of it. Throws ChainSilent. */
    isSigned: (authorization: SignedAuthorization) =>
      asked(async () => {
        if (!isReadable(authorization)) return false
        const { from, to, value, validAfterS, validBeforeS, nonce, signature, asset } = await unwrapped(authorization)
        return reader.verifyTypedData({
          address: from as Address,
          domain: { name: of.name, version: of.version, chainId: id, verifyingContract: asset as Address },
          ...{ types: domainTypes, primaryType: 'TransferWithAuthorization' },
          message: {
            ...{ from: from as Address, to: to as Address, value: BigInt(value), nonce: nonce as Hex },
            ...{ validAfter: BigInt(validAfterS), validBefore: BigInt(validBeforeS) },
          },
          signature: signature as Hex,
        })
      }),
    /** Where the chain has its transaction, and that is ours: where it paid. Otherwise how it ended is not known, and the chain is asked. */
    send: (authorization: SignedAuthorization): Promise<PaidIn | undefined> =>
      asked(async () => {
        const receipt = await relaying.settle(paymentOf(await unwrapped(authorization)))
        return receipt && paidIn(authorization, receipt)
      }),
    outcomeOf: (authorization: SignedAuthorization) => asked(() => outcomeOf(authorization)),
    /** Whether the payer has the money now. Throws ChainSilent. */
    isFunded: ({ asset, from, value }: SignedAuthorization) =>
      asked(async () => {
        const call = {
          address: asset as Address,
          abi: token,
          functionName: 'balanceOf',
          args: [from as Address],
        } as const
        return (await reader.readContract(call)) >= BigInt(value)
      }),
    /** Ether of who pays the gas, in wei; undefined where a facilitator does. Throws ChainSilent. */
    gasMoney: async () => relayer && asked(() => reader.getBalance({ address: relayer.account.address })),
  }
}

/** Whether an error is of viem, whose messages may hold the address of a node with its key. */
export const isChainError = (error: unknown): boolean => error instanceof BaseError
