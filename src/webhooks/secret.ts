/**
 * Webhook secrets: made here, shown once, and kept sealed. A signature needs the secret itself, so no hash will do: the
 * event holds it encrypted (AES-256-GCM, bound to its endpoint and its id) under a key that never enters the log: the
 * instance's, or one of the endpoint's own in the vault, with which the secret goes.
 */
import { createHash, randomBytes } from 'node:crypto'
import { decrypt, encrypt } from '../events/sealing.ts'

/** Standard Webhooks asks for 24 to 64. */
const SECRET_BYTES = 32

/** What a sealed secret is bound to. */
export interface SecretName {
  endpointId: string
  secretId: string
}

/** The secret cannot be opened: it was sealed with another key, or its text was altered. */
export class SecretUnreadable extends Error {
  override name = 'SecretUnreadable'
}

/** A new secret: `whsec_` and base64, as Standard Webhooks writes them, or base64url. */
export const generateWebhookSecret = (form: 'base64' | 'base64url' = 'base64'): string =>
  `whsec_${randomBytes(SECRET_BYTES).toString(form)}`

/** Tells one key from another without giving either away. */
const keyIdOf = (key: Uint8Array): string => createHash('sha256').update('key id').update(key).digest('hex').slice(0, 8)

const boundTo = ({ endpointId, secretId }: SecretName): Buffer => Buffer.from(`${endpointId}/${secretId}`)

/** `<key id>.<base64 of nonce, ciphertext and tag>`. */
export const sealSecret = (secret: string, name: SecretName, key: Uint8Array): string =>
  `${keyIdOf(key)}.${encrypt(Buffer.from(secret), key, boundTo(name)).toString('base64')}`

/** The secret in a seal, opened by the key that it names among these. Throws SecretUnreadable. */
export function openSecret(sealed: string, name: SecretName, keys: readonly Uint8Array[]): string {
  const [keyId, text = ''] = sealed.split('.')
  const key = keys.find((each) => keyIdOf(each) === keyId)
  if (!key)
    throw new SecretUnreadable(`the webhook secret ${name.secretId} was sealed with the key ${keyId}, not at hand`)
  try {
    return decrypt(Buffer.from(text, 'base64'), key, boundTo(name)).toString('utf8')
  } catch (error) {
    throw new SecretUnreadable(`the webhook secret ${name.secretId} does not open`, { cause: error })
  }
}

/** Opens sealed secrets, with whichever keys they were sealed with. Rejects with SecretUnreadable. */
export type OpenSecret = (sealed: string, name: SecretName) => Promise<string>

/** Where the keys of things are, each under its kind and its id. */
interface Keys {
  find(kind: string, id: string): Promise<Uint8Array | string>
}

/** Opens secrets that are sealed with a key of the endpoint's own: once that key is destroyed, nothing opens them. */
export const openWithVault =
  (keys: Keys, kind: string): OpenSecret =>
  async (sealed, name) => {
    const key = await keys.find(kind, name.endpointId)
    if (key instanceof Uint8Array) return openSecret(sealed, name, [key])
    throw new SecretUnreadable(`the key of the webhook endpoint ${name.endpointId} is ${key}`)
  }
