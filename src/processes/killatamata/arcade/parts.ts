/** What the arcade works with. */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { createSignedTokens, type SignedTokens } from '../../../adapters/identity/signed-tokens.ts'
import type { ObjectStore } from '../../../adapters/object-store/object-store.ts'
import { openObjectStore } from '../../../adapters/object-store/open-store.ts'
import type { CommandBus } from '../../../commands/handle.ts'
import type { ContextParts } from '../../../context.ts'
import type { ReadModels } from '../../../postgres/database.ts'
import { createQueue, type Queue } from '../../../runtime/keyed-queue.ts'
import { createObjectKeys } from '../../../vault/object-keys.ts'
import { killatamataSettings } from '../settings.ts'
import type { ArcadeSettings } from './settings.ts'

export interface Arcade {
  bus: CommandBus
  db: ReadModels
  objects: ObjectStore
  /** Where uploads lie while they are looked at. */
  directory: string
  /** Of launches. */
  tokens: SignedTokens
  /** Where clients reach the API, without a slash at its end. */
  apiUrl: () => string
  limits: ArcadeSettings
  /** Archives are read one after the other: one keeps a core busy, and the API needs the others. */
  inTurn: Queue
  /** Uploads of this process that are under way. */
  uploads: { underWay: number }
}

/** Keys in memory. */
const CACHE = { cachedMax: 10, ttlMs: 60_000 }
const PRIVATE_DIRECTORY = 0o700

/** Throws InvalidConfiguration where the settings of a bucket cannot work. */
export async function openArcade(parts: ContextParts): Promise<Arcade> {
  const { bus, db, config, clock, keyRing, apiUrl } = parts
  const limits = parts.settings(killatamataSettings)
  const objects = await openObjectStore(limits, {
    directory: join(config.DATA_DIR, 'objects'),
    keys: keyRing.all,
    // Files of the arcade have addresses of their own, and no links.
    linkBase: () => `${apiUrl()}/killatamata/objects`,
    now: clock.now,
  })
  const directory = join(config.DATA_DIR, 'arcade')
  await mkdir(directory, { recursive: true, mode: PRIVATE_DIRECTORY })
  const keys = createObjectKeys(db, keyRing, CACHE)
  const tokens = createSignedTokens(() => keys.ensure('killatamata.launch', 'installation'))
  const own = { inTurn: createQueue(), uploads: { underWay: 0 } }
  return { bus, db, objects, directory, tokens, apiUrl, limits, ...own }
}
