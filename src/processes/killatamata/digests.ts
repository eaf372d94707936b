/**
 * Proofs of persons as they are kept, codes, what answers a session’s cookie, and the secret part of files’ addresses: made under a key
 * of the installation, which the vault holds. A code follows from the id that the log has of it, so that whoever has the key can make
 * its mail anew, and nobody else.
 */
import { createHmac } from 'node:crypto'
import { deterministicId } from '../../commands/identity.ts'
import type { IdentityKind } from '../../events/killatamata/vocabulary.ts'
import type { ObjectKeys } from '../../vault/object-keys.ts'

export interface SignInDigests {
  /** The id of an address, trimmed and in lower case, or of Google's subject. */
  identityIdOf(kind: IdentityKind, value: string): Promise<string>
  /** Six digits. */
  codeOf(codeId: string): Promise<string>
  /** SHA-256 in hex, good for this address alone. */
  codeHashOf(identityId: string, code: string): Promise<string>
  /** What a page sends back with its cookie, which no other site can read. */
  csrfTokenOf(cookie: string): Promise<string>
  /** The part of a file’s address that nobody can guess: 48 hexadecimal digits. A file of a job, or an asset of the studio. */
  fileTokenOf(of: 'asset' | 'file', id: string): Promise<string>
}

const KIND = 'killatamata.identity'
const INSTALLATION = 'installation'
const CODES = 1_000_000n
const CODE_DIGITS = 6
const FILE_TOKEN_LENGTH = 48

/** As addresses are compared. */
export const plainEmail = (email: string): string => email.trim().toLowerCase()

export function createSignInDigests(keys: Pick<ObjectKeys, 'ensure'>): SignInDigests {
  const digest = async (...parts: string[]) => {
    const key = await keys.ensure(KIND, INSTALLATION)
    return createHmac('sha256', key).update(JSON.stringify(parts)).digest('hex')
  }
  return {
    identityIdOf: async (kind, value) =>
      deterministicId(KIND, kind, await digest(kind, kind === 'email' ? plainEmail(value) : value)),
    async codeOf(codeId) {
      return String(BigInt(`0x${await digest('code', codeId)}`) % CODES).padStart(CODE_DIGITS, '0')
    },
    codeHashOf: (identityId, code) => digest('code of', identityId, code),
    csrfTokenOf: (cookie) => digest('csrf', cookie),
    fileTokenOf: async (of, id) => (await digest(of, id)).slice(0, FILE_TOKEN_LENGTH),
  }
}
