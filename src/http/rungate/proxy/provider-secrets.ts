/** Secrets of provider keys in the memory of this process, each opened once: calls go on while Postgres is away. */
import { PROVIDER_SECRETS } from '../../../processes/rungate/completion.ts'
import type { ProviderKeyRow } from '../../../projections/rungate/provider-key.ts'
import { createLru } from '../../../runtime/lru.ts'
import type { ObjectKeys } from '../../../vault/object-keys.ts'
import { openWithVault } from '../../../webhooks/secret.ts'

export interface OpenedSecrets {
  /** At once where it was opened before. Rejects where it cannot be opened. */
  open(key: ProviderKeyRow): string | Promise<string>
  /** Opens them ahead of their use; what cannot be opened now is opened later. */
  openAhead(keys: readonly ProviderKeyRow[]): Promise<void>
}

export const SECRETS_MAX = 20_000

export function createOpenedSecrets(keys: Pick<ObjectKeys, 'find'>): OpenedSecrets {
  const unseal = openWithVault(keys, PROVIDER_SECRETS)
  // By the secret, not by its key: a rotated key has another one.
  const opened = createLru<string, string>(SECRETS_MAX)

  const open = ({ key_id: endpointId, secret_id: secretId, sealed }: ProviderKeyRow): string | Promise<string> => {
    const known = opened.get(secretId)
    if (known !== undefined) return known
    if (sealed === null) return Promise.reject(new Error('the key was deleted'))
    return unseal(sealed, { endpointId, secretId }).then((secret) => {
      opened.set(secretId, secret)
      return secret
    })
  }
  return {
    open,
    async openAhead(ahead) {
      for (const key of ahead) await Promise.resolve(open(key)).catch(() => undefined)
    },
  }
}
