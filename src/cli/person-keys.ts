/** The instance's keys and those of persons, for commands that need them: apart from connection.ts, which all load. */
import type { Config } from '../config.ts'
import type { PersonKeys } from '../events/sealing.ts'
import type { ReadModels } from '../postgres/database.ts'
import { createKeyRing, type KeyRing } from '../vault/key-ring.ts'
import { readPreviousKeys, readSealingKey } from '../vault/secrets-key.ts'
import { createVault, lockedVault } from '../vault/vault.ts'

/** The instance's keys; undefined where they are not at hand. */
export function keyRingOf(config: Config): KeyRing | undefined {
  const current = readSealingKey(config)
  return current && createKeyRing({ current, previous: readPreviousKeys(config) })
}

/** Where the instance's key is not at hand, whatever needs a person's key will say so. */
export function personKeysOf(config: Config, db: ReadModels): PersonKeys {
  const sealingKey = keyRingOf(config)
  if (!sealingKey) {
    return lockedVault(`personal data needs the instance's key: set SECRETS_KEY, or DATA_DIR (now ${config.DATA_DIR})`)
  }
  const log = { error: (_: object, message: string) => void process.stderr.write(`${message}\n`) }
  return createVault({ db, sealingKey, cachedMax: config.PERSON_KEYS_CACHE_MAX, log })
}
