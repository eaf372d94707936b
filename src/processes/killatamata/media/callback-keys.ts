/** The key that signs callbacks (Standard Webhooks, `v1a`), made once for an installation; its public half is published as a JWKS. */
import { createPrivateKey, createPublicKey, hash, type KeyObject, sign } from 'node:crypto'
import type { ObjectKeys } from '../../../vault/object-keys.ts'

const KIND = 'killatamata.callbacks'
const INSTALLATION = 'installation'
/** What stands before the 32 bytes of an Ed25519 key in PKCS #8 (RFC 8410). */
const PKCS8_HEAD = Buffer.from('302e020100300506032b657004220420', 'hex')

export interface CallbackKeys {
  /** Headers of a message: its id, its time in whole seconds, and the signature over both and the body. */
  sign(id: string, timestampS: number, body: string): Promise<Record<string, string>>
  /** As it is published. */
  jwks(): Promise<{ keys: Record<string, string>[] }>
}

export function createCallbackKeys(keys: Pick<ObjectKeys, 'ensure'>): CallbackKeys {
  const privateKey = async (): Promise<KeyObject> => {
    const seed = await keys.ensure(KIND, INSTALLATION)
    return createPrivateKey({ key: Buffer.concat([PKCS8_HEAD, seed]), format: 'der', type: 'pkcs8' })
  }
  return {
    async sign(id, timestampS, body) {
      const signature = sign(null, Buffer.from(`${id}.${timestampS}.${body}`), await privateKey()).toString('base64')
      return {
        ...{ 'webhook-id': id, 'webhook-timestamp': String(timestampS), 'webhook-signature': `v1a,${signature}` },
      }
    },
    async jwks() {
      const { x = '' } = createPublicKey(await privateKey()).export({ format: 'jwk' })
      const kid = hash('sha256', x, 'base64url').slice(0, 16)
      return { keys: [{ kty: 'OKP', crv: 'Ed25519', x, kid, use: 'sig', alg: 'EdDSA' }] }
    },
  }
}
