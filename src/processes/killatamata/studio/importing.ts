/** Storyboards that are made of what an asset holds: a document of version 1 or 2, or any text. */
import type { ObjectStore } from '../../../adapters/object-store/object-store.ts'
import { fromLegacy, isFault, readStoryboard, type Storyboard } from '../../../commands/killatamata/storyboard.ts'
import { fromText } from '../../../commands/killatamata/storyboard-markdown.ts'
import type { Asset } from '../../../commands/killatamata/studio-asset.ts'
import { jsonIn } from '../../../runtime/json-in.ts'
import { readText } from './contents.ts'

/** Of a text that becomes scenes. */
const SOURCE_MAX_BYTES = 4_194_304

const isText = ({ mimeType }: Pick<Asset, 'mimeType'>): boolean => /^text\/|^application\/json$/.test(mimeType)

/** Undefined where nothing in it is a scene. */
export async function importedStoryboard(
  { objects }: { objects: Pick<ObjectStore, 'write' | 'read'> },
  source: Asset,
): Promise<Storyboard | undefined> {
  if (!isText(source) || source.sizeBytes > SOURCE_MAX_BYTES) return undefined
  const text = await readText(objects, source)
  const given = /^\s*[{[]/.test(text) ? jsonIn(text) : undefined
  if (given !== undefined) {
    const read = readStoryboard(given)
    return isFault(read) ? fromLegacy(given) : read
  }
  const made = fromText(text)
  return made.scenes.length === 0 ? undefined : made
}
