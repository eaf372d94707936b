/**
 * The boxes of an mp4 or mov (ISO/IEC 14496-12), looked at for what a player’s library does not say: whether the bytes that
 * its index names are there, whether it is encrypted, and whether its tables have the room that they declare. Lengths are
 * checked before anything is read by them.
 */
import type { FileHandle } from 'node:fs/promises'
import { readAt } from './file-bytes.ts'
import { truncated, unreadable } from './unusable.ts'

/** Boxes on the top level: a recording in fragments has two each few seconds. */
const BOXES_MAX = 100_000
/** The index of a film of hours has some MiB. */
const INDEX_MAX_BYTES = 67_108_864
const TRACKS_MAX = 64
const LONG_HEADER_BYTES = 16

interface Box {
  type: string
  /** Of its content. */
  start: number
  end: number
}

/** Throws Unusable where the file is cut, encrypted, or no film at all. */
export async function checkBoxes(file: FileHandle, sizeBytes: number): Promise<void> {
  const index = await findIndex(file, sizeBytes)
  const data = await readAt(file, index.start, index.end - index.start)
  const tracks = childrenOf(data, { type: 'moov', start: 0, end: data.length }).filter(({ type }) => type === 'trak')
  if (tracks.length > TRACKS_MAX)
    throw unreadable(`it has ${tracks.length} tracks, and at most ${TRACKS_MAX} are taken`)
  for (const track of tracks) checkTrack(data, track, sizeBytes)
}

/** The place of the index, once every box on the top level was seen to lie within the file. */
async function findIndex(file: FileHandle, sizeBytes: number): Promise<Box> {
  let index: Box | undefined
  let offset = 0
  for (let count = 0; offset < sizeBytes; count++) {
    if (count === BOXES_MAX) throw unreadable(`it has more than ${BOXES_MAX} parts`)
    const header = await readAt(file, offset, Math.min(LONG_HEADER_BYTES, sizeBytes - offset))
    const box = boxAt(header, 0, sizeBytes - offset, offset)
    if (box.end > sizeBytes) throw cut(`its part ${shown(box.type)} should end`, box.end, sizeBytes)
    if (box.type === 'moov') index ??= box
    offset = box.end
  }
  if (!index) throw unreadable('it has no index (moov), so that nothing in it can be found')
  if (index.end - index.start > INDEX_MAX_BYTES) throw unreadable(`its index has more than ${INDEX_MAX_BYTES} bytes`)
  return index
}

/** The box whose header stands at `at`; `room`: bytes from there on; `base` is added to its places. */
function boxAt(data: Buffer, at: number, room: number, base = 0): Box {
  if (room < 8) throw truncatedHeader(base + at)
  const type = data.toString('latin1', at + 4, at + 8)
  const declared = data.readUInt32BE(at)
  const headerBytes = declared === 1 ? LONG_HEADER_BYTES : 8
  if (room < headerBytes) throw truncatedHeader(base + at)
  const length = declared === 0 ? room : declared === 1 ? Number(data.readBigUInt64BE(at + 8)) : declared
  if (length < headerBytes) throw unreadable(`its part ${shown(type)} is shorter than its own header`)
  return { type, start: base + at + headerBytes, end: base + at + length }
}

/** The boxes in a box, all of them within it. Four bytes of zero may end a list in QuickTime. */
function childrenOf(data: Buffer, { start, end }: Box): Box[] {
  const found: Box[] = []
  for (let at = start; end - at >= 8; ) {
    if (data.readUInt32BE(at) === 0) break
    const box = boxAt(data, at, end - at)
    if (box.end > end) throw unreadable(`its part ${shown(box.type)} does not fit into the part around it`)
    found.push(box)
    at = box.end
  }
  return found
}

const childOf = (data: Buffer, parent: Box | undefined, type: string): Box | undefined =>
  parent && childrenOf(data, parent).find((box) => box.type === type)

function checkTrack(data: Buffer, track: Box, sizeBytes: number): void {
  const table = childOf(data, childOf(data, childOf(data, track, 'mdia'), 'minf'), 'stbl')
  if (!table) return
  const part = (type: string) => childOf(data, table, type)
  const description = part('stsd')
  if (description && isEncrypted(data, description)) throw unreadable('it is encrypted')
  const chunks = chunkOffsets(data, part('stco'), part('co64'))
  const sizes = sampleSizes(data, part('stsz'))
  const runs = entriesOf(data, part('stsc'), 12)
  if (chunks.count === 0 || sizes.count === 0 || runs.count === 0) return
  const end = endOfLastSample(data, chunks, sizes, runs)
  if (end > sizeBytes) throw cut('its last sample should end', end, sizeBytes)
}

interface Entries {
  count: number
  /** Place of the first. */
  at: number
}

/** A table behind version, flags and a count, whose entries have this many bytes each. */
function entriesOf(data: Buffer, box: Box | undefined, entryBytes: number, headBytes = 8): Entries {
  if (!box) return { count: 0, at: 0 }
  const room = box.end - box.start - headBytes
  if (room < 0) throw unreadable(`its table ${shown(box.type)} has no head`)
  const count = data.readUInt32BE(box.start + headBytes - 4)
  if (entryBytes > 0 && count > Math.floor(room / entryBytes)) {
    throw unreadable(
      `its table ${shown(box.type)} declares ${count} entries and has room for ${Math.floor(room / entryBytes)}`,
    )
  }
  return { count, at: box.start + headBytes }
}

function chunkOffsets(data: Buffer, short: Box | undefined, long: Box | undefined) {
  const { count, at } = short ? entriesOf(data, short, 4) : entriesOf(data, long, 8)
  const offsetOf = (i: number) => (short ? data.readUInt32BE(at + 4 * i) : Number(data.readBigUInt64BE(at + 8 * i)))
  return { count, offsetOf }
}

function sampleSizes(data: Buffer, box: Box | undefined) {
  if (!box || box.end - box.start < 12) return { count: 0, bytesOf: () => 0, fixedBytes: 0 }
  const fixedBytes = data.readUInt32BE(box.start + 4)
  const { count, at } = entriesOf(data, box, fixedBytes === 0 ? 4 : 0, 12)
  return { count, fixedBytes, bytesOf: (i: number) => (fixedBytes === 0 ? data.readUInt32BE(at + 4 * i) : fixedBytes) }
}

/** Where the samples end that lie in the chunk furthest behind. */
function endOfLastSample(
  data: Buffer,
  chunks: ReturnType<typeof chunkOffsets>,
  sizes: ReturnType<typeof sampleSizes>,
  runs: Entries,
): number {
  let last = 0
  for (let i = 1; i < chunks.count; i++) if (chunks.offsetOf(i) > chunks.offsetOf(last)) last = i
  let first = 0
  for (let i = 0; i < runs.count; i++) {
    const at = runs.at + 12 * i
    const [from, perChunk] = [data.readUInt32BE(at) - 1, data.readUInt32BE(at + 4)]
    const next = i + 1 < runs.count ? data.readUInt32BE(at + 12) - 1 : chunks.count
    if (from > last) break
    if (next <= last) {
      first += Math.max(0, next - from) * perChunk
      continue
    }
    first += (last - from) * perChunk
    return chunks.offsetOf(last) + bytesOfSamples(sizes, first, perChunk)
  }
  return chunks.offsetOf(last)
}

function bytesOfSamples(
  { count, bytesOf, fixedBytes }: ReturnType<typeof sampleSizes>,
  first: number,
  wanted: number,
): number {
  const samples = Math.max(0, Math.min(wanted, count - first))
  if (fixedBytes > 0) return fixedBytes * samples
  let bytes = 0
  for (let i = first; i < first + samples; i++) bytes += bytesOf(i)
  return bytes
}

/** Common encryption puts its own names in place of the codecs’. */
function isEncrypted(data: Buffer, description: Box): boolean {
  const entries = childrenOf(data, { ...description, start: Math.min(description.end, description.start + 8) })
  return entries.some(({ type }) => type === 'encv' || type === 'enca' || type === 'drmi' || type === 'drms')
}

/** Four letters of a file that may hold anything. */
const shown = (type: string): string => (/^[\x20-\x7e]{4}$/.test(type) ? type : 'without a name')
const cut = (what: string, end: number, sizeBytes: number) =>
  truncated(`it is cut: ${what} at byte ${end}, and the file has ${sizeBytes}`)
const truncatedHeader = (at: number) => truncated(`it is cut in the header of a part, at byte ${at}`)
