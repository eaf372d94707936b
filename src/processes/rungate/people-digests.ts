/**
 * E-mail addresses and codes as they are kept, and what links and codes are made of: under a key of the installation, which the vault
 * holds. A link follows from what the log says of it, so that its mail can be made anew by whoever has the key, and by nobody else.
 */
import { createHmac } from 'node:crypto'
import { deterministicId } from '../../commands/identity.ts'
import type { ObjectKeys } from '../../vault/object-keys.ts'

export interface PeopleDigests {
  /** The id of an address, whatever its case. */
  addressIdOf(email: string): Promise<string>
  /** SHA-256 in hex, good for this address alone. */
  codeHashOf(addressId: string, code: string): Promise<string>
  /** Of a login: 32 bytes in hex, and six digits. */
  loginSecretsOf(loginId: string): Promise<{ token: string; code: string }>
  /** Of an invitation as it is sent with this end: 32 bytes in hex. */
  invitationTokenOf(invitationId: string, expiresAt: string): Promise<string>
}

const KIND = 'rungate.address'
const INSTALLATION = 'installation'
const CODES = 1_000_000n
const CODE_DIGITS = 6

export function createPeopleDigests(keys: Pick<ObjectKeys, 'ensure'>): PeopleDigests {
  const digest = async (...parts: string[]) => {
    const key = await keys.ensure(KIND, INSTALLATION)
    return createHmac('sha256', key).update(JSON.stringify(parts)).digest('hex')
  }
  return {
    addressIdOf: async (email) => deterministicId('rungate.address', await digest('address', email.toLowerCase())),
    codeHashOf: (addressId, code) => digest('code', addressId, code),
    async loginSecretsOf(loginId) {
      const number = BigInt(`0x${await digest('login code', loginId)}`) % CODES
      return { token: await digest('login token', loginId), code: String(number).padStart(CODE_DIGITS, '0') }
    },
    invitationTokenOf: (invitationId, expiresAt) => digest('invitation token', invitationId, expiresAt),
  }
}
