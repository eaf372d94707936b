/** Keys of agents and of the sponsor, and what is signed with them. A private key is in memory here and nowhere else. */
import { randomBytes } from 'node:crypto'
import { generatePrivateKey, privateKeyToAccount, privateKeyToAddress, signMessage, signTypedData } from 'viem/accounts'
import { concat, encodeAbiParameters, keccak256, parseTransaction } from 'viem/utils'
import { accountFunctions, actDomain, actTypes, factoryFunctions } from './abi/account.ts'
import type { Address } from './address.ts'
import type { AccountPlace } from './exchange.ts'
import type { Hex } from './node.ts'

export interface Act {
  inner: Hex
  /** Used once by an account, in any order. */
  nonce: bigint
  /** The last second at which the chain carries it out. */
  deadlineS: number
}

export interface TransactionFields {
  chainId: number
  nonce: number
  to: Address
  data: Hex
  gas: bigint
  maxFeePerGas: bigint
  maxPriorityFeePerGas: bigint
  value?: bigint
}

export function newAgentKey(): { privateKey: Hex; address: Address } {
  const privateKey = generatePrivateKey()
  return { privateKey, address: privateKeyToAddress(privateKey) }
}

export const addressOfKey = (privateKey: Hex): Address => privateKeyToAddress(privateKey)

/** 128 bits of chance. */
export const randomActNonce = (): bigint => BigInt(`0x${randomBytes(16).toString('hex')}`)

/** By the owner's key, for its account on this chain alone (EIP-712). */
export function signAct(signed: Act & { privateKey: Hex; account: Address; chainId: number }): Promise<Hex> {
  const { privateKey, account, chainId, inner, nonce, deadlineS } = signed
  return signTypedData({
    ...{ privateKey, types: actTypes, primaryType: 'Act' },
    domain: { ...actDomain, chainId, verifyingContract: account },
    message: { inner, nonce, deadline: deadlineS },
  })
}

/** As wallets sign what people are to read (EIP-191). */
export const signText = (privateKey: Hex, message: string): Promise<Hex> => signMessage({ privateKey, message })

/**
 * The transaction that carries out what was signed. By way of the factory it also deploys the account where that is not there
 * yet; directly it costs less gas, and does nothing at all where there is no account.
 */
export function actTransaction(
  act: Act & AccountPlace & { signature: Hex; factory: Address; account: Address; isDeployed: boolean },
): { to: Address; data: Hex } {
  const { owner, trader, salt, inner, nonce, deadlineS, signature } = act
  if (act.isDeployed) {
    const { selector, inputs } = accountFunctions.act
    const values = encodeAbiParameters(inputs, [inner, nonce, deadlineS, signature])
    return { to: act.account, data: concat([selector, values]) }
  }
  const { selector, inputs } = factoryFunctions.act
  const values = encodeAbiParameters(inputs, [owner, trader, salt, inner, nonce, deadlineS, signature])
  return { to: act.factory, data: concat([selector, values]) }
}

/** With EIP-1559 fees. The same fields give the same bytes. */
export async function signTransaction(privateKey: Hex, fields: TransactionFields): Promise<{ raw: Hex; hash: Hex }> {
  const raw = await privateKeyToAccount(privateKey).signTransaction({ ...fields, type: 'eip1559' })
  return { raw, hash: keccak256(raw) }
}

/** What was signed, of a transaction of ours. */
export function readTransaction(raw: Hex): Omit<Required<TransactionFields>, 'chainId'> {
  const {
    nonce = 0,
    to,
    data = '0x',
    gas = 0n,
    maxFeePerGas = 0n,
    maxPriorityFeePerGas = 0n,
    value = 0n,
  } = parseTransaction(raw)
  if (!to) throw new Error('A transaction that deploys a contract is none of ours')
  return { nonce, to, data, gas, maxFeePerGas, maxPriorityFeePerGas, value }
}
