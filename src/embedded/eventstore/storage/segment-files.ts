/**
 * The files of the log: their names, their headers, and how they are made durable. A file as it was written holds its
 * header and then records without a gap. A scavenged file holds a table of the stretches that were kept, and those.
 *
 * Headers, integers little-endian; the last u32 is a CRC-32 of all before it:
 *   written, 32 bytes:   EVTSLOG1, u64 start, u64 follows where the u8 behind it is 1, zeros, u32 CRC
 *   scavenged, 64 bytes: EVTSLOGS, u64 start, u64 follows, u64 end, u32 stretches, u32 CRC of the table, zeros, u32 CRC
 * The table has a u64 start and a u64 length for each stretch.
 */
import fs from 'node:fs'
import path from 'node:path'
import { crc32 } from 'node:zlib'
import { DamagedLogError, SEGMENT_HEADER_BYTES, type Segment, type SegmentFile } from './segments.ts'

const MAGIC = Buffer.from('EVTSLOG1', 'latin1')
const SCAVENGED_MAGIC = Buffer.from('EVTSLOGS', 'latin1')
const SCAVENGED_HEADER_BYTES = 64
const STRETCH_BYTES = 16
const SEGMENT_NAME = /^log-(\d{16})\.seg$/
/** A file that is being made has this behind its name until it is durable. */
export const UNFINISHED = '.new'

export type Stretch = { start: number; length: number }

export function segmentPath(directory: string, start: number): string {
  return path.join(directory, `log-${String(start).padStart(16, '0')}.seg`)
}

/** Whether a directory has files of a log. */
export function hasSegments(directory: string): boolean {
  return fs.existsSync(directory) && fs.readdirSync(directory).some((name) => SEGMENT_NAME.test(name))
}

/** What is thrown where a directory holds no log. */
export const noLogIn = (directory: string): Error => new Error(`there is no event log in ${directory}`)

/** Throws where there is no such directory, before something is looked for in it. */
export function requireDirectory(directory: string): void {
  if (!fs.existsSync(directory)) throw noLogIn(directory)
}

function putPosition(header: Buffer, position: number, offset: number): void {
  header.writeBigUInt64LE(BigInt(position), offset)
}

const positionIn = (header: Buffer, offset: number): number => Number(header.readBigUInt64LE(offset))

function withChecksum(header: Buffer): Buffer {
  header.writeUInt32LE(crc32(header.subarray(0, header.length - 4)), header.length - 4)
  return header
}

const checksumHolds = (header: Buffer): boolean =>
  crc32(header.subarray(0, header.length - 4)) === header.readUInt32LE(header.length - 4)

function segmentHeader(start: number, follows: number): Buffer {
  const header = Buffer.alloc(SEGMENT_HEADER_BYTES)
  MAGIC.copy(header)
  putPosition(header, start, 8)
  if (follows !== start) {
    putPosition(header, follows, 16)
    header[24] = 1
  }
  return withChecksum(header)
}

/** Makes the directory's entries durable, so that a new file survives a power cut. */
export function syncDirectory(directory: string): void {
  if (process.platform === 'win32') return
  const descriptor = fs.openSync(directory, 'r')
  try {
    fs.fsyncSync(descriptor)
  } finally {
    fs.closeSync(descriptor)
  }
}

/** Gives a file its contents and its name at one moment, durably: a crash leaves all of it or nothing. */
export function createFileDurably(file: string, ...parts: Buffer[]): void {
  const descriptor = fs.openSync(file + UNFINISHED, 'w')
  try {
    for (const part of parts) fs.writeFileSync(descriptor, part)
    fs.fsyncSync(descriptor)
  } finally {
    fs.closeSync(descriptor)
  }
  publishFile(file + UNFINISHED, file)
}

/** Puts a durable file under its name, in place of the one that has it. */
export function publishFile(unfinished: string, file: string): void {
  fs.renameSync(unfinished, file)
  syncDirectory(path.dirname(file))
}

/**
 * Creates the file that begins at `start` and makes it durable. Where it does not follow on from the log before it,
 * `follows` says where that ended; `records` are its first ones.
 */
export function createSegment(
  directory: string,
  start: number,
  follows = start,
  records: Buffer = Buffer.alloc(0),
): Segment {
  const file = segmentPath(directory, start)
  createFileDurably(file, segmentHeader(start, follows), records)
  const first = start + SEGMENT_HEADER_BYTES
  const opened = openFile(file, start, follows)
  return { file: opened, start, first, end: first + records.length, fileOffset: 0 }
}

function openFile(file: string, start: number, follows: number): SegmentFile {
  return { path: file, start, follows, descriptor: fs.openSync(file, 'r'), readers: 0, isRetired: false }
}

/** The header and the table of a scavenged file that covers the log from `start` to `end`. */
export function scavengedHeader(start: number, follows: number, end: number, stretches: readonly Stretch[]): Buffer {
  const table = Buffer.alloc(stretches.length * STRETCH_BYTES)
  for (const [index, stretch] of stretches.entries()) {
    putPosition(table, stretch.start, index * STRETCH_BYTES)
    putPosition(table, stretch.length, index * STRETCH_BYTES + 8)
  }
  const header = Buffer.alloc(SCAVENGED_HEADER_BYTES)
  SCAVENGED_MAGIC.copy(header)
  putPosition(header, start, 8)
  putPosition(header, follows, 16)
  putPosition(header, end, 24)
  header.writeUInt32LE(stretches.length, 32)
  header.writeUInt32LE(crc32(table), 36)
  return Buffer.concat([withChecksum(header), table])
}

/** The segments of a scavenged file, and the end of what it covers; undefined where its header or table does not hold. */
function openScavenged(file: SegmentFile, header: Buffer): { segments: Segment[]; end: number } | undefined {
  if (header.length < SCAVENGED_HEADER_BYTES || !checksumHolds(header)) return undefined
  if (positionIn(header, 8) !== file.start) return undefined
  file.follows = positionIn(header, 16)
  const end = positionIn(header, 24)
  const table = Buffer.alloc(header.readUInt32LE(32) * STRETCH_BYTES)
  fs.readSync(file.descriptor, table, 0, table.length, SCAVENGED_HEADER_BYTES)
  if (crc32(table) !== header.readUInt32LE(36)) return undefined
  let fileOffset = SCAVENGED_HEADER_BYTES + table.length
  const segments: Segment[] = []
  for (let at = 0; at < table.length; at += STRETCH_BYTES) {
    const [start, length] = [positionIn(table, at), positionIn(table, at + 8)]
    segments.push({ file, start, first: start, end: start + length, fileOffset })
    fileOffset += length
  }
  if (fs.fstatSync(file.descriptor).size < fileOffset) return undefined
  // A file of which nothing was kept still says that its positions are accounted for.
  if (segments.length === 0) {
    segments.push({ file, start: file.start, first: file.start, end: file.start, fileOffset })
  }
  return { segments, end }
}

/** Opens a scavenged file that was just made. @throws {DamagedLogError} where it does not hold. */
export function openScavengedFile(file: string, start: number): Segment[] {
  const opened = openFile(file, start, start)
  const scavenged = openScavenged(opened, headerOf(opened.descriptor))
  if (scavenged) return scavenged.segments
  fs.closeSync(opened.descriptor)
  throw new DamagedLogError(start, `the header of ${path.basename(file)} does not hold`)
}

function headerOf(descriptor: number): Buffer {
  const header = Buffer.alloc(SCAVENGED_HEADER_BYTES)
  return header.subarray(0, fs.readSync(descriptor, header, 0, header.length, 0))
}

export type OpenedSegments = {
  segments: Segment[]
  /** The last file, where it is too short for a header: a crash while it was created, or it was cut. */
  headless: { path: string; start: number } | undefined
  /** Files that a merge of scavenged files has made superfluous, and unfinished ones. */
  leftovers: string[]
  /** Up to where the files account for the log. */
  coveredTo: number
}

/**
 * Opens all files of a directory in order; nothing is changed.
 * @throws {DamagedLogError} where a file is missing between others, was cut, or has a header that does not hold.
 */
export function openSegments(directory: string): OpenedSegments {
  const entries = fs.readdirSync(directory)
  const names = entries.filter((name) => SEGMENT_NAME.test(name)).sort()
  const leftovers = entries.filter((name) => name.endsWith(`.seg${UNFINISHED}`))
  const opened: OpenedSegments = { segments: [], headless: undefined, leftovers: [], coveredTo: 0 }
  try {
    for (const [index, name] of names.entries()) {
      const start = Number(name.slice(4, 20))
      // A merged file covers those behind it; they are removed once it has its name.
      if (index > 0 && start < opened.coveredTo) leftovers.push(name)
      else openNext(opened, path.join(directory, name), names[index + 1])
    }
  } catch (error) {
    closeSegments(opened.segments)
    throw error
  }
  opened.leftovers = leftovers.map((name) => path.join(directory, name))
  return opened
}

/** Opens one file and adds its segments. */
function openNext(opened: OpenedSegments, file: string, nextName: string | undefined): void {
  const name = path.basename(file)
  const start = Number(name.slice(4, 20))
  const segmentFile = openFile(file, start, start)
  const size = fs.fstatSync(segmentFile.descriptor).size
  const header = headerOf(segmentFile.descriptor)
  const isScavenged = header.subarray(0, 8).equals(SCAVENGED_MAGIC)
  const scavenged = isScavenged ? openScavenged(segmentFile, header) : undefined
  const written = isScavenged ? undefined : writtenHeader(header, start)
  if (!scavenged && !written) {
    fs.closeSync(segmentFile.descriptor)
    const mayBeHeadless = nextName === undefined && size <= SEGMENT_HEADER_BYTES
    if (!mayBeHeadless) throw new DamagedLogError(start, `the header of ${name} does not hold`)
    opened.headless = { path: file, start }
    return
  }
  if (written) segmentFile.follows = written.follows
  if (segmentFile.follows !== opened.coveredTo) {
    fs.closeSync(segmentFile.descriptor)
    throw new DamagedLogError(opened.coveredTo, `${name} begins at ${start}; a file is missing or was cut`)
  }
  if (scavenged) {
    opened.segments.push(...scavenged.segments)
    opened.coveredTo = scavenged.end
    return
  }
  // A crash may leave allocated zeros behind a file that was closed; it ends where the next one begins, or where that
  // says that the log before it ended.
  const end = Math.min(
    start + size,
    nextName === undefined ? Number.POSITIVE_INFINITY : followedAt(path.dirname(file), nextName),
  )
  opened.segments.push({ file: segmentFile, start, first: start + SEGMENT_HEADER_BYTES, end, fileOffset: 0 })
  opened.coveredTo = end
}

/** What the header of a file as it was written says; undefined where it does not hold. */
function writtenHeader(bytes: Buffer, start: number): { follows: number } | undefined {
  const header = bytes.subarray(0, SEGMENT_HEADER_BYTES)
  if (header.length < SEGMENT_HEADER_BYTES || !header.subarray(0, 8).equals(MAGIC)) return undefined
  if (!checksumHolds(header) || positionIn(header, 8) !== start) return undefined
  return { follows: header[24] === 1 ? positionIn(header, 16) : start }
}

/** Where the log before a file ends, as that file says; its start where its header says nothing. */
function followedAt(directory: string, name: string): number {
  const descriptor = fs.openSync(path.join(directory, name), 'r')
  try {
    const start = Number(name.slice(4, 20))
    const header = headerOf(descriptor)
    if (header.subarray(0, 8).equals(SCAVENGED_MAGIC) && header.length === SCAVENGED_HEADER_BYTES) {
      return checksumHolds(header) ? positionIn(header, 16) : start
    }
    return writtenHeader(header, start)?.follows ?? start
  } finally {
    fs.closeSync(descriptor)
  }
}

/** Closes the files of these segments. */
export function closeSegments(segments: readonly Segment[]): void {
  const files = new Set(segments.map(({ file }) => file))
  for (const { descriptor } of files) fs.closeSync(descriptor)
}

/** Bytes that the files of these segments take. */
export function bytesOnDisk(segments: readonly Segment[]): number {
  const files = new Set(segments.map(({ file }) => file))
  return [...files].reduce((total, { descriptor }) => total + fs.fstatSync(descriptor).size, 0)
}
