/** What the bytes of a file are, whatever its name or its sender says. */
import { fileTypeFromBuffer, fileTypeFromFile } from 'file-type'
import type { Source } from './file-bytes.ts'
import type { FileType } from './inspection.ts'

/** The names that the library has for the types that are taken. */
const NAMES: Readonly<Record<string, FileType>> = {
  'image/png': 'image/png',
  'image/apng': 'image/png',
  'image/jpeg': 'image/jpeg',
  'image/webp': 'image/webp',
  'audio/mpeg': 'audio/mpeg',
  'audio/wav': 'audio/wav',
  'audio/vnd.wave': 'audio/wav',
  'audio/x-m4a': 'audio/mp4',
  'audio/mp4': 'audio/mp4',
  'video/mp4': 'video/mp4',
  'video/x-m4v': 'video/mp4',
  'video/quicktime': 'video/quicktime',
}

export interface Sniffed {
  type: FileType | null
  /** What people call it: `a PDF`, or that nobody knows. */
  name: string
}

export async function sniff(source: Source): Promise<Sniffed> {
  const looking = typeof source === 'string' ? fileTypeFromFile(source) : fileTypeFromBuffer(source)
  const found = await looking.catch(ifUnreadable)
  if (!found) return { type: null, name: 'of no type that is known' }
  return { type: NAMES[found.mime] ?? null, name: `those of ${found.mime}` }
}

/** The library gives up on some broken files with an error of its own; those of the file system go up. */
function ifUnreadable(error: unknown): undefined {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') throw error
  return undefined
}

/** The media type of a file's bytes, for types of any kind; undefined where they have no mark, as texts have none. */
export async function markedTypeOf(path: string): Promise<string | undefined> {
  return (await fileTypeFromFile(path).catch(ifUnreadable))?.mime
}
