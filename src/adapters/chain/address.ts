/** Addresses of accounts and contracts. */
import { getAddress } from 'viem/utils'

/** `0x` and 40 hex digits, with the mixed case that checks them (EIP-55) wherever it comes from here. */
export type Address = `0x${string}`

export const ZERO_ADDRESS: Address = '0x0000000000000000000000000000000000000000'

/** In any case: a wrong mix of cases is one too. */
export const isAddress = (text: string): boolean => /^0x[0-9a-fA-F]{40}$/.test(text)

/** The address in the case that checks it; what case it comes in says nothing. viem keeps the last 8,192. Throws where it is none. */
export const checksummed = (address: string): Address => getAddress(address.toLowerCase())
