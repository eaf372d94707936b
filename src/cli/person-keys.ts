/** The keys of persons, for commands that read or write events: apart from connection.ts, which every command loads. */
import type { Config } from '../config.ts'
import type { PersonKeys } from '../events/sealing.ts'
import type { ReadModels } from '../postgres/database.ts'
import { readSealingKey } from '../vault/secrets-key.ts'
import { createVault, lockedVault } from '../vault/vault.ts'

/** Where the instance's key is not at hand, whatever needs a person's key will say so. */
export function personKeysOf(config: Config, db: ReadModels): PersonKeys {
  const sealingKey = readSealingKey(config)
  if (!sealingKey) {
    return lockedVault(`personal data needs the instance's key: set SECRETS_KEY, or DATA_DIR (now ${config.DATA_DIR})`)
  }
  const log = { error: (_: object, message: string) => void process.stderr.write(`${message}\n`) }
  return createVault({ db, sealingKey, cachedMax: config.PERSON_KEYS_CACHE_MAX, log })
}
