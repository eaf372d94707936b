/** E-mail addresses and codes as they are kept: under a key of the installation, which the vault holds. */
import { createHmac } from 'node:crypto'
import { deterministicId } from '../../../commands/identity.ts'
import type { ObjectKeys } from '../../../vault/object-keys.ts'

export interface PeopleDigests {
  /** The id of an address, whatever its case. */
  addressIdOf(email: string): Promise<string>
  /** SHA-256 in hex, good for this address alone. */
  codeHashOf(addressId: string, code: string): Promise<string>
}

const KIND = 'rungate.address'
const INSTALLATION = 'installation'

export function createPeopleDigests(keys: Pick<ObjectKeys, 'ensure'>): PeopleDigests {
  const digest = async (...parts: string[]) => {
    const key = await keys.ensure(KIND, INSTALLATION)
    return createHmac('sha256', key).update(JSON.stringify(parts)).digest('hex')
  }
  return {
    addressIdOf: async (email) => deterministicId('rungate.address', await digest('address', email.toLowerCase())),
    codeHashOf: (addressId, code) => digest('code', addressId, code),
  }
}
