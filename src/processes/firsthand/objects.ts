/** The object store of an instance: which one it is follows from the settings. */
import { join } from 'node:path'
import { LINK_MAX_S, type ObjectStore } from '../../adapters/object-store/object-store.ts'
import { openObjectStore } from '../../adapters/object-store/open-store.ts'
import type { ContextParts } from '../../context.ts'
import type { format } from '../../events/firsthand/vocabulary.ts'
import type { LinkTo } from '../../projections/firsthand/file.ts'
import { firsthandSettings } from './settings.ts'

type Format = (typeof format.options)[number]

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

/** Endings of file names, where a worker's device named none. */
const ENDINGS: Readonly<Record<Format, string>> = {
  ...{ 'image/png': 'png', 'image/jpeg': 'jpg', 'image/webp': 'webp' },
  ...{ 'audio/mpeg': 'mp3', 'audio/wav': 'wav', 'audio/mp4': 'm4a' },
  ...{ 'video/mp4': 'mp4', 'video/quicktime': 'mov' },
}

/** Makes links to delivered copies that are good for seven days from `now`. Throws where a file has no copy. */
export function fileLinks(objects: Pick<ObjectStore, 'getLink'>, now: Date): LinkTo {
  const expiresAt = new Date(now.getTime() + LINK_MAX_S * 1_000)
  return ({ file_id, object_key: key, content_type: contentType, original_filename }) => {
    if (key === null) throw new Error(`the approved file ${file_id} has no delivered copy`)
    const filename = original_filename ?? `${file_id}.${ENDINGS[contentType as Format]}`
    return { url: objects.getLink({ key, contentType, filename, expiresAt }), expiresAt: expiresAt.toISOString() }
  }
}
