/** Stands in for Google’s keys: those by which ID tokens are checked, while the private one is for everybody who tries the sandbox. */

import { createPublicKey, generateKeyPairSync } from 'node:crypto'
import type { StandInPart } from './exchange.ts'
import { jsonAnswer } from './exchange.ts'

export interface GoogleKey {
  kid: string
  /** PKCS #8. */
  private_key_pem: string
}

const KEY_BITS = 2_048

export function newGoogleKey(kid: string): GoogleKey {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: KEY_BITS })
  return { kid, private_key_pem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() }
}

export function googlePart({ kid, private_key_pem }: GoogleKey): StandInPart {
  const jwk = createPublicKey(private_key_pem).export({ format: 'jwk' })
  const keys = { keys: [{ ...jwk, kid, alg: 'RS256', use: 'sig' }] }
  return { routes: { '/google/certs': () => jsonAnswer(keys) } }
}
