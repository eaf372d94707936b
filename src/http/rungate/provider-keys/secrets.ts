/** The secrets of provider keys: sealed, each under a key of its own in the vault, with which it is destroyed. */
import { randomUUID } from 'node:crypto'
import type { SealedSecret } from '../../../commands/rungate/provider-key.ts'
import { providerKeyNotFound } from '../../../commands/rungate/provider-key.ts'
import { PROVIDER_SECRETS } from '../../../processes/rungate/completion.ts'
import { ObjectKeyDestroyed, type ObjectKeys } from '../../../vault/object-keys.ts'
import { sealSecret } from '../../../webhooks/secret.ts'

const SHOWN = { first: 3, last: 4 }
/** A shorter secret would be given away by what is shown of it. */
const MASKED_WHOLE_BELOW = SHOWN.first + SHOWN.last + 1

/** `sk-…wxyz`, or `…` alone. */
const masked = (secret: string): string =>
  secret.length < MASKED_WHOLE_BELOW ? '…' : `${secret.slice(0, SHOWN.first)}…${secret.slice(-SHOWN.last)}`

/** The secret as events hold it. Rejects with provider_key_not_found where the key is being deleted. */
export async function sealProviderSecret(keys: ObjectKeys, keyId: string, secret: string): Promise<SealedSecret> {
  const secretId = randomUUID()
  try {
    const key = await keys.ensure(PROVIDER_SECRETS, keyId)
    return { secretId, sealed: sealSecret(secret, { endpointId: keyId, secretId }, key), masked: masked(secret) }
  } catch (error) {
    throw error instanceof ObjectKeyDestroyed ? providerKeyNotFound() : error
  }
}
