/** The object store of an instance: which one it is follows from the settings. */
import { join } from 'node:path'
import type { ObjectStore } from '../../adapters/object-store/object-store.ts'
import { openObjectStore } from '../../adapters/object-store/open-store.ts'
import type { ContextParts } from '../../context.ts'
import { firsthandSettings } from './settings.ts'

/** Where the links of the disk store lead, behind the API's address. */
export const OBJECTS_PATH = '/firsthand/objects'

/** Throws InvalidConfiguration where the settings of a bucket cannot work. */
export const openObjects = ({ config, settings, keyRing, clock, apiUrl }: ContextParts): Promise<ObjectStore> =>
  openObjectStore(settings(firsthandSettings), {
    directory: join(config.DATA_DIR, 'objects'),
    keys: keyRing.all,
    linkBase: () => `${apiUrl()}${OBJECTS_PATH}`,
    now: clock.now,
  })
