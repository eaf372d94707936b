/**
 * Our own contracts for agents: the account that acts for a trader, and the factory that makes accounts. Their sources are
 * src/embedded/contracts/Agent*.sol. Plain data.
 */

const act = [
  { name: 'inner', type: 'bytes' },
  { name: 'nonce', type: 'uint256' },
  { name: 'deadline', type: 'uint48' },
] as const
const signature = { name: 'signature', type: 'bytes' } as const
const ofAccount = [
  { name: 'owner', type: 'address' },
  { name: 'trader', type: 'address' },
  { name: 'salt', type: 'bytes32' },
] as const

/** What the owner's key signs (EIP-712). */
export const actTypes = { Act: act } as const
export const actDomain = { name: 'opslog agent', version: '1' } as const

export const accountFunctions = {
  act: { selector: '0x3fe07123', inputs: [...act, signature] },
} as const

export const factoryFunctions = {
  accountOf: { selector: '0x20c5d39a', inputs: ofAccount, outputs: [{ name: 'account', type: 'address' }] },
  act: { selector: '0x052fa4d7', inputs: [...ofAccount, ...act, signature] },
  trading: { selector: '0xec44acf2', inputs: [], outputs: [{ name: 'trading', type: 'address' }] },
} as const

export const accountErrors = {
  Expired: { selector: '0x311c8c62', inputs: [{ name: 'deadline', type: 'uint48' }] },
  NonceUsed: { selector: '0x1be5cb2f', inputs: [{ name: 'nonce', type: 'uint256' }] },
  BadSignature: { selector: '0x5cd5d233', inputs: [] },
} as const
