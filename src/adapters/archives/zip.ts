/**
 * Archives (zip) from people whom nobody knows. Nothing that an archive says of itself is believed: names are looked at before anything
 * is read, and sizes are counted on the bytes that come out. Nothing is written under a name of the archive's.
 */
import type { Readable } from 'node:stream'
import { crc32 } from 'node:zlib'
import { type Entry, getFileNameLowLevel, openPromise, type ZipFile } from 'yauzl'

export type ArchiveFault =
  | 'not_a_zip'
  /** A name that leads elsewhere. */
  | 'zip_slip'
  /** A link, or another thing that is no file. */
  | 'zip_symlink'
  | 'zip_encrypted'
  /** Two names that are one where case does not count. */
  | 'zip_duplicate'
  /** More comes out of it than may. */
  | 'zip_bomb'
  | 'path_too_long'

export class ArchiveRefused extends Error {
  override name = 'ArchiveRefused'
  readonly fault: ArchiveFault
  constructor(fault: ArchiveFault, detail: string, options?: ErrorOptions) {
    super(detail, options)
    this.fault = fault
  }
}

export interface ArchiveLimits {
  /** That come out of it, of all files together. */
  unpackedMaxBytes: number
  /** Files and folders. */
  entriesMax: number
  /** Of a file from so many bytes on: how many may come out of one. */
  ratioMax: number
  ratioFromBytes: number
  pathMaxBytes: number
  pathDepthMax: number
}

export interface ArchivedFile {
  /** As it stands in the archive, its parts divided by `/`. */
  path: string
}
export interface CheckedFile extends ArchivedFile {
  sizeBytes: number
  /** The first bytes, as many as there are, of HEAD_BYTES. */
  head: Uint8Array
}

/** Marks of files that anybody knows are shorter. */
const HEAD_BYTES = 16
/** Of the file's mode in Unix, its kind; 0: the archive does not say. */
const KIND_MASK = 0o170000
const KINDS = { file: 0o100000, folder: 0o040000, none: 0 }
const STORED = 0
const DEFLATED = 8

/** Reads every file to its end. Throws ArchiveRefused. */
export async function checkArchive(path: string, limits: ArchiveLimits): Promise<CheckedFile[]> {
  const checked: CheckedFile[] = []
  await eachFile(path, limits, async (file, counted) => {
    let head: Uint8Array | undefined
    let sizeBytes = 0
    for await (const chunk of counted) {
      head ??= chunk.subarray(0, HEAD_BYTES)
      sizeBytes += chunk.byteLength
    }
    // A copy: what it is a part of is a buffer of the decompressor's.
    checked.push({ ...file, sizeBytes, head: Uint8Array.from(head ?? []) })
  })
  return checked
}

/** Hands the bytes of each file over, which are to be read to their end. Throws ArchiveRefused. */
export async function eachFile(
  path: string,
  limits: ArchiveLimits,
  visit: (file: ArchivedFile, bytes: AsyncIterable<Uint8Array>) => Promise<void>,
): Promise<void> {
  const zip = await opened(path)
  const names = createNames(limits)
  const total = { bytes: 0, entries: 0 }
  try {
    if (zip.entryCount > limits.entriesMax) throw tooMany(limits)
    for await (const entry of entriesOf(zip)) {
      total.entries += 1
      if (total.entries > limits.entriesMax) throw tooMany(limits)
      const file = names.take(entry)
      if (file === undefined) continue
      requireReadable(entry)
      await visit({ path: file }, countedBytes(zip, entry, limits, total))
    }
  } finally {
    zip.close()
  }
}

const damaged = (cause?: unknown) => new ArchiveRefused('not_a_zip', 'It is no zip archive, or is damaged.', { cause })
const tooMany = ({ entriesMax }: ArchiveLimits) =>
  new ArchiveRefused('zip_bomb', `It has more than ${entriesMax} files and folders.`)

async function opened(path: string): Promise<ZipFile> {
  try {
    return await openPromise(path, {
      ...{ lazyEntries: true, autoClose: false, decodeStrings: false, validateEntrySizes: false },
    })
  } catch (error) {
    throw isOfFile(error) ? error : damaged(error)
  }
}

/** Whether this machine's disk has failed, and not the archive. */
const isOfFile = (error: unknown): boolean => error instanceof Error && 'syscall' in error

async function* entriesOf(zip: ZipFile): AsyncGenerator<Entry> {
  const entries = zip.eachEntry()
  for (;;) {
    const next = await entries.next().catch((error: unknown) => {
      throw isOfFile(error) ? error : damaged(error)
    })
    if (next.done) return
    yield next.value
  }
}

/** Looks at names: each is taken once. */
function createNames({ pathMaxBytes, pathDepthMax }: ArchiveLimits) {
  const taken = new Set<string>()
  return {
    /** The name; undefined: it is a folder's. */
    take(entry: Entry): string | undefined {
      const { generalPurposeBitFlag, fileNameRaw, extraFields, externalFileAttributes } = entry
      const name = getFileNameLowLevel(generalPurposeBitFlag, fileNameRaw, extraFields, true)
      const isFolder = name.endsWith('/')
      const path = isFolder ? name.slice(0, -1) : name
      const parts = path.split('/')
      if (Buffer.byteLength(name) > pathMaxBytes || parts.length > pathDepthMax) {
        throw new ArchiveRefused('path_too_long', `A path has at most ${pathMaxBytes} bytes and ${pathDepthMax} parts.`)
      }
      if (leadsElsewhere(path, parts)) {
        throw new ArchiveRefused('zip_slip', 'A path leads out of the archive, or is not plain.')
      }
      const kind = (externalFileAttributes >>> 16) & KIND_MASK
      if (kind !== KINDS.none && kind !== KINDS.file && kind !== KINDS.folder) {
        throw new ArchiveRefused('zip_symlink', 'It has a link, or another thing that is no file.')
      }
      const plain = path.normalize('NFC').toLowerCase()
      if (taken.has(plain)) throw new ArchiveRefused('zip_duplicate', 'Two of its files have one name.')
      taken.add(plain)
      return isFolder ? undefined : path
    },
  }
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is to be found
const UNSAFE = /[\u0000-\u001f\u007f\\]|^[a-z]:/i
const leadsElsewhere = (path: string, parts: readonly string[]): boolean =>
  UNSAFE.test(path) || parts.some((part) => part === '' || part === '.' || part === '..')

function requireReadable(entry: Entry): void {
  if (entry.isEncrypted()) throw new ArchiveRefused('zip_encrypted', 'A file of it is encrypted.')
  if (entry.compressionMethod !== STORED && entry.compressionMethod !== DEFLATED) throw damaged()
}

/** The bytes of one file, counted as they come. */
async function* countedBytes(
  zip: ZipFile,
  entry: Entry,
  limits: ArchiveLimits,
  total: { bytes: number },
): AsyncGenerator<Uint8Array> {
  const { compressedSize, uncompressedSize, crc32: wanted } = entry
  const fileMaxBytes = Math.max(limits.ratioFromBytes, limits.ratioMax * compressedSize)
  let sizeBytes = 0
  let checksum = 0
  const stream = await zip.openReadStreamPromise(entry).catch((error: unknown) => {
    throw isOfFile(error) ? error : damaged(error)
  })
  try {
    for await (const chunk of bytesOf(stream)) {
      sizeBytes += chunk.byteLength
      total.bytes += chunk.byteLength
      if (total.bytes > limits.unpackedMaxBytes || sizeBytes > fileMaxBytes) {
        throw new ArchiveRefused(
          'zip_bomb',
          `More comes out of it than the ${limits.unpackedMaxBytes} bytes that may, or than is usual.`,
        )
      }
      checksum = crc32(chunk, checksum)
      yield chunk
    }
  } finally {
    stream.destroy()
  }
  if (sizeBytes !== uncompressedSize || checksum !== wanted) throw damaged()
}

async function* bytesOf(stream: Readable): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of stream) yield chunk as Uint8Array
  } catch (error) {
    throw isOfFile(error) ? error : damaged(error)
  }
}
