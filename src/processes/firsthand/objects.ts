/** The object store of an instance: which one it is follows from the settings. */
import { join } from 'node:path'
import { LINK_MAX_S, type ObjectStore } from '../../adapters/object-store/object-store.ts'
import { openObjectStore } from '../../adapters/object-store/open-store.ts'
import type { Config, Role } from '../../config.ts'
import type { ContextParts } from '../../context.ts'
import type { format } from '../../events/firsthand/vocabulary.ts'
import type { LinkTo } from '../../projections/firsthand/file.ts'
import { newProcessHealth } from '../process.ts'
import { firsthandSettings } from './settings.ts'

type Format = (typeof format.options)[number]

/** Where the links of the disk store lead, behind the API's address. */
export const OBJECTS_PATH = '/firsthand/objects'

/** Roles that store files, read them and remove them. */
export const FILE_ROLES: readonly Role[] = ['api', 'relay', 'scorer']

/** The warning of an instance whose files other processes have to reach; undefined where it needs none. */
export function filesApart({ ROLES: roles, DATA_DIR }: Pick<Config, 'ROLES' | 'DATA_DIR'>): string | undefined {
  const missing = FILE_ROLES.filter((role) => !roles.includes(role))
  if (missing.length === 0 || missing.length === FILE_ROLES.length) return undefined
  return (
    `Files lie in ${join(DATA_DIR, 'objects')}, and the roles ${missing.join(' and ')} run elsewhere: ` +
    'let these processes share that directory, or name a bucket with S3_BUCKET.'
  )
}

const warned = new WeakSet<Config>()

/** Throws InvalidConfiguration where the settings of a bucket cannot work. */
export async function openObjects(parts: ContextParts): Promise<ObjectStore> {
  const { config, settings, keyRing, clock, apiUrl } = parts
  const store = await openObjectStore(settings(firsthandSettings), {
    directory: join(config.DATA_DIR, 'objects'),
    keys: keyRing.all,
    linkBase: () => `${apiUrl()}${OBJECTS_PATH}`,
    now: clock.now,
  })
  const warning = store.kind === 'disk' && !warned.has(config) ? filesApart(config) : undefined
  warned.add(config)
  if (warning !== undefined) parts.dependenciesOf('firsthand-objects', newProcessHealth()).log.warn({}, warning)
  return store
}

/** Endings of file names, where a worker's device named none. */
const ENDINGS: Readonly<Record<Format, string>> = {
  ...{ 'image/png': 'png', 'image/jpeg': 'jpg', 'image/webp': 'webp' },
  ...{ 'audio/mpeg': 'mp3', 'audio/wav': 'wav', 'audio/mp4': 'm4a' },
  ...{ 'video/mp4': 'mp4', 'video/quicktime': 'mov' },
}

/** Makes links to delivered copies that are good for seven days from `madeAt`. Throws where a file has no copy. */
export function fileLinks(objects: Pick<ObjectStore, 'getLink'>, madeAt: Date): LinkTo {
  const expiresAt = new Date(madeAt.getTime() + LINK_MAX_S * 1_000)
  const toldAt = expiresAt.toISOString()
  return ({ file_id, object_key: key, content_type: contentType, original_filename }) => {
    if (key === null) throw new Error(`the approved file ${file_id} has no delivered copy`)
    const filename = original_filename ?? `${file_id}.${ENDINGS[contentType as Format]}`
    return { url: objects.getLink({ key, contentType, filename, expiresAt, madeAt }), expiresAt: toldAt }
  }
}
