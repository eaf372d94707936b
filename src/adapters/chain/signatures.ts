/**
 * Whether an account has signed a text (EIP-191). A key's own signature is proved here; a contract's by the chain, by what the
 * contract says (EIP-1271), also before it is deployed (EIP-6492).
 */
import { erc6492SignatureValidatorAbi, erc6492SignatureValidatorByteCode } from 'viem'
import { encodeDeployData, hashMessage, recoverAddress, size, slice } from 'viem/utils'
import type { Address } from './address.ts'
import type { ChainNode, Hex } from './node.ts'
import { CallReverted } from './reverts.ts'

export interface SignedText {
  address: Address
  message: string
  signature: Hex
}

/** r and s of 32 bytes each, and one that says which of the keys it is. */
const SIGNATURE_BYTES = 65
/** Half of the curve's order: above it lies the twin of a signature, which would prove the same a second time. */
const S_MAX = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0n
/** What a signature of a contract that is not deployed yet ends with. */
const NOT_DEPLOYED = /(6492){16}$/
const IS_VALID = '0x01'

/** Asks the chain only where the signature is not that of the address's own key. Rejects with ChainUnavailable. */
export async function isSignedBy(node: ChainNode, { address, message, signature }: SignedText): Promise<boolean> {
  const hash = hashMessage(message)
  if ((await recovered(hash, signature)) === address) return BigInt(slice(signature, 32, 64)) <= S_MAX
  if (!NOT_DEPLOYED.test(signature) && (await node.getCode(address)) === '0x') return false
  const data = encodeDeployData({
    abi: erc6492SignatureValidatorAbi,
    args: [address, hash, signature],
    bytecode: erc6492SignatureValidatorByteCode,
  })
  try {
    return (await node.call({ data })) === IS_VALID
  } catch (error) {
    // The contract, or who is to deploy it, does not take this signature at all.
    if (error instanceof CallReverted) return false
    throw error
  }
}

async function recovered(hash: Hex, signature: Hex): Promise<Address | undefined> {
  if (size(signature) !== SIGNATURE_BYTES) return undefined
  try {
    return await recoverAddress({ hash, signature })
  } catch {
    // It is on no curve.
    return undefined
  }
}
