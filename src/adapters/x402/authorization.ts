/** Authorizations (EIP-3009) as payers sign them, and what a transaction says of one. */
import {
  type Address,
  BaseError,
  type Hex,
  isAddressEqual,
  isErc6492Signature,
  parseErc6492Signature,
  type TransactionReceipt,
} from 'viem'
import { parseAbiItem, parseEventLogs } from 'viem/utils'

/** All that is needed to send it to the chain, now or after a crash. Amounts and times in whole numbers, as text. */
export interface SignedAuthorization {
  network: string
  asset: string
  from: string
  to: string
  value: string
  validAfterS: string
  validBeforeS: string
  nonce: string
  signature: string
}

/** A transaction in which an authorization has paid us. */
export interface PaidIn {
  transaction: string
  blockNumber: string
}

export const USED = parseAbiItem('event AuthorizationUsed(address indexed authorizer, bytes32 indexed nonce)')
const TRANSFER = parseAbiItem('event Transfer(address indexed from, address indexed to, uint256 value)')
export const domainTypes = {
  TransferWithAuthorization: [
    ...[
      { name: 'from', type: 'address' },
      { name: 'to', type: 'address' },
      { name: 'value', type: 'uint256' },
    ],
    ...[
      { name: 'validAfter', type: 'uint256' },
      { name: 'validBefore', type: 'uint256' },
      { name: 'nonce', type: 'bytes32' },
    ],
  ],
} as const

/** Undefined: the transaction did not use the authorization, or its money went elsewhere. */
export function paidIn(
  { asset, from, to, value, nonce }: SignedAuthorization,
  { logs, transactionHash: transaction, blockNumber }: TransactionReceipt,
): PaidIn | undefined {
  const isOf = (address: Address, payer: Address) =>
    isAddressEqual(address, asset as Address) && isAddressEqual(payer, from as Address)
  const isUsed = parseEventLogs({ abi: [USED], logs }).some(
    ({ address, args }) => isOf(address, args.authorizer) && args.nonce === nonce.toLowerCase(),
  )
  const isPaid = parseEventLogs({ abi: [TRANSFER], logs }).some(
    ({ address, args }) =>
      isOf(address, args.from) && isAddressEqual(args.to, to as Address) && args.value === BigInt(value),
  )
  return isUsed && isPaid ? { transaction, blockNumber: String(blockNumber) } : undefined
}

/** Undefined: it is not wrapped. Throws BaseError where the wrapping cannot be read. */
export const innerSignatureOf = (signature: Hex): Hex | undefined =>
  isErc6492Signature(signature) ? parseErc6492Signature(signature).signature : undefined

/** The library takes what it cannot read for a chain that does not answer. */
export function isReadable({ signature }: SignedAuthorization): boolean {
  try {
    innerSignatureOf(signature as Hex)
    return true
  } catch (error) {
    if (error instanceof BaseError) return false
    throw error
  }
}
