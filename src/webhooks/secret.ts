/**
 * Webhook secrets: made here, shown once, and kept sealed. A signature needs the secret itself, so no hash will do: the
 * event holds it encrypted (AES-256-GCM, bound to its endpoint and its id) under a key that never enters the log: the
 * instance's, or one of the endpoint's own in the vault, with which the secret goes.
 */
import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto'
import type { ObjectKeys } from '../vault/object-keys.ts'

const SECRET_BYTES = 32
const NONCE_BYTES = 12
const TAG_BYTES = 16

/** What a sealed secret is bound to. */
export interface SecretName {
  endpointId: string
  secretId: string
}

/** The secret cannot be opened: it was sealed with another key, or its text was altered. */
export class SecretUnreadable extends Error {
  override name = 'SecretUnreadable'
}

/** A new secret as Standard Webhooks writes them: `whsec_` and base64. */
export const generateWebhookSecret = (random: (bytes: number) => Uint8Array = randomBytes): string =>
  `whsec_${Buffer.from(random(SECRET_BYTES)).toString('base64')}`

/** Tells one key from another without giving either away. */
const keyIdOf = (key: Uint8Array): string => createHash('sha256').update('key id').update(key).digest('hex').slice(0, 8)

const boundTo = ({ endpointId, secretId }: SecretName): Buffer => Buffer.from(`${endpointId}/${secretId}`)

/** `<key id>.<base64 of nonce, ciphertext and tag>`. */
export function sealSecret(
  secret: string,
  name: SecretName,
  key: Uint8Array,
  random: (bytes: number) => Uint8Array = randomBytes,
): string {
  const nonce = random(NONCE_BYTES)
  const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES }).setAAD(boundTo(name))
  const box = Buffer.concat([nonce, cipher.update(secret, 'utf8'), cipher.final(), cipher.getAuthTag()])
  return `${keyIdOf(key)}.${box.toString('base64')}`
}

/** The secret in a seal, opened by the key that it names among these. Throws SecretUnreadable. */
export function openSecret(sealed: string, name: SecretName, keys: readonly Uint8Array[]): string {
  const [keyId, text = ''] = sealed.split('.')
  const key = keys.find((each) => keyIdOf(each) === keyId)
  if (!key)
    throw new SecretUnreadable(`the webhook secret ${name.secretId} was sealed with the key ${keyId}, not at hand`)
  const box = Buffer.from(text, 'base64')
  const nonce = box.subarray(0, NONCE_BYTES)
  const tag = box.subarray(box.length - TAG_BYTES)
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES })
    decipher.setAAD(boundTo(name)).setAuthTag(tag)
    const opened = decipher.update(box.subarray(NONCE_BYTES, box.length - TAG_BYTES))
    return Buffer.concat([opened, decipher.final()]).toString('utf8')
  } catch (error) {
    throw new SecretUnreadable(`the webhook secret ${name.secretId} does not open`, { cause: error })
  }
}

/** Opens sealed secrets, with whichever keys they were sealed with. Rejects with SecretUnreadable. */
export type OpenSecret = (sealed: string, name: SecretName) => Promise<string>

/** Opens secrets that are sealed with a key of the endpoint's own: once that key is destroyed, nothing opens them. */
export const openWithVault =
  (keys: Pick<ObjectKeys, 'find'>, kind: string): OpenSecret =>
  async (sealed, name) => {
    const key = await keys.find(kind, name.endpointId)
    if (key instanceof Uint8Array) return openSecret(sealed, name, [key])
    throw new SecretUnreadable(`the key of the webhook endpoint ${name.endpointId} is ${key}`)
  }
