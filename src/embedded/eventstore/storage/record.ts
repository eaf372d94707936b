/**
 * The log's record: one event with its checksum. The body is the protocol's own RecordedEvent message, encoded once
 * when the event is appended, so that a read copies bytes instead of building objects. A fixed header in front holds
 * what the node itself needs (stream, type, revision, time), so that no read has to decode the body.
 *
 * Layout, integers little-endian:
 *   0  u32 length of the whole record        4  u32 CRC-32 of bytes 8 to length - 4
 *   8  u32 records of the same append that follow
 *  12  u8  flags                            13  u8  format version
 *  14  u16 stream name length               16  u32 stream name offset
 *  20  u32 type offset                      24  u16 type length           26  u16 zero
 *  28  u64 created, Unix milliseconds       36  u64 revision
 *  44  u64 position of this record          52  u64 position up to which the log was known to be on disk
 *  60  16 bytes event id                    76  body                     last 4: u32 length again, to walk backwards
 */
import { crc32 } from 'node:zlib'
import { varintLength, WireReader, writeVarint, writeVarintBig } from '../protocol/wire.ts'

export const RECORD_HEADER_BYTES = 76
const TRAILER_BYTES = 4
export const MINIMUM_RECORD_BYTES = RECORD_HEADER_BYTES + TRAILER_BYTES
const FORMAT_VERSION = 1

export const FLAG_ID_INDEXED = 1
export const FLAG_TOMBSTONE = 2
export const FLAG_JSON = 4

/** The revision that the protocol gives to a tombstone: the largest signed 64-bit integer. */
export const TOMBSTONE_REVISION = 9_223_372_036_854_775_807n

/** An event as a client proposes it. */
export type ProposedEvent = {
  /** 16 bytes. */
  id: Buffer
  type: string
  json: boolean
  data: Uint8Array
  customMetadata: Uint8Array
}

/** What the store adds to a proposed event. `revision` is the count of events before it in its stream. */
export type Placement = {
  position: number
  revision: number
  createdMs: number
  flags: number
  following: number
  committedTo: number
}

/** A record in a buffer that was read or just written; reading its fields costs no copy. */
export type RecordView = { buffer: Buffer; offset: number; length: number }

/** A stream's name in bytes, computed once per append. */
export function encodedName(name: string): Buffer {
  return Buffer.from(name, 'utf8')
}

const CONTENT_TYPE_JSON = metadataEntry('content-type', Buffer.from('application/json'))
const CONTENT_TYPE_BINARY = metadataEntry('content-type', Buffer.from('application/octet-stream'))
const CREATED_KEY = metadataKey('created')
const TYPE_KEY = metadataKey('type')

function metadataKey(key: string): Buffer {
  return Buffer.concat([Buffer.from([0x0a, key.length]), Buffer.from(key, 'latin1')])
}

function metadataEntry(key: string, value: Buffer): Buffer {
  const inner = Buffer.concat([metadataKey(key), Buffer.from([0x12, value.length]), value])
  return Buffer.concat([Buffer.from([0x32, inner.length]), inner])
}

function writeUnsigned64(buffer: Buffer, offset: number, value: number): void {
  buffer.writeUInt32LE(value % 0x1_0000_0000, offset)
  buffer.writeUInt32LE(Math.floor(value / 0x1_0000_0000), offset + 4)
}

function readUnsigned64(buffer: Buffer, offset: number): number {
  return buffer.readUInt32LE(offset + 4) * 0x1_0000_0000 + buffer.readUInt32LE(offset)
}

const HEX: string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

/** The 36-character text of 16 bytes. */
export function uuidText(bytes: Uint8Array, offset = 0): string {
  let text = ''
  for (let index = 0; index < 16; index++) {
    if (index === 4 || index === 6 || index === 8 || index === 10) text += '-'
    text += HEX[bytes[offset + index]!]
  }
  return text
}

type Sizes = { entry: number; identifier: number; created: number; body: number }

function sizesOf(event: ProposedEvent, nameLength: number, typeLength: number, placement: Placement): Sizes {
  const entry = TYPE_KEY.length + 1 + varintLength(typeLength) + typeLength
  const identifier = 1 + varintLength(nameLength) + nameLength
  const created = CREATED_KEY.length + 2 + String(placement.createdMs).length + 4
  const positionLength = 1 + varintLength(placement.position)
  const revisionLength = placement.flags & FLAG_TOMBSTONE ? 10 : 1 + varintLength(placement.revision)
  let body = 40 + 1 + varintLength(identifier) + identifier + 1 + varintLength(entry) + entry
  body +=
    (event.json ? CONTENT_TYPE_JSON : CONTENT_TYPE_BINARY).length + 2 + created + revisionLength + positionLength * 2
  if (event.customMetadata.length > 0) {
    body += 1 + varintLength(event.customMetadata.length) + event.customMetadata.length
  }
  if (event.data.length > 0) body += 1 + varintLength(event.data.length) + event.data.length
  return { entry, identifier, created, body }
}

/** Bytes that the record of this event will take at this place. */
export function recordLength(event: ProposedEvent, name: Buffer, placement: Placement): number {
  return MINIMUM_RECORD_BYTES + sizesOf(event, name.length, Buffer.byteLength(event.type), placement).body
}

/** Writes the record at `start` and returns the offset behind it. */
export function encodeRecord(
  target: Buffer,
  start: number,
  event: ProposedEvent,
  name: Buffer,
  placement: Placement,
): number {
  const typeLength = Buffer.byteLength(event.type)
  const sizes = sizesOf(event, name.length, typeLength, placement)
  const length = MINIMUM_RECORD_BYTES + sizes.body
  let at = start + RECORD_HEADER_BYTES
  target[at++] = 0x0a
  target[at++] = 38
  target[at++] = 0x12
  target[at++] = 36
  at += target.write(uuidText(event.id), at, 36, 'latin1')
  target[at++] = 0x12
  at = writeVarint(target, at, sizes.identifier)
  target[at++] = 0x1a
  at = writeVarint(target, at, name.length)
  const nameOffset = at - start
  target.set(name, at)
  at += name.length
  target[at++] = 0x32
  at = writeVarint(target, at, sizes.entry)
  target.set(TYPE_KEY, at)
  at += TYPE_KEY.length
  target[at++] = 0x12
  at = writeVarint(target, at, typeLength)
  const typeOffset = at - start
  at += target.write(event.type, at, typeLength, 'utf8')
  at = writeMetadataAndPayload(target, at, event, placement, sizes)
  writeHeader(target, start, length, placement, event)
  target.writeUInt16LE(name.length, start + 14)
  target.writeUInt32LE(nameOffset, start + 16)
  target.writeUInt32LE(typeOffset, start + 20)
  target.writeUInt16LE(typeLength, start + 24)
  target.writeUInt16LE(0, start + 26)
  target.writeUInt32LE(length, at)
  target.writeUInt32LE(crc32(target.subarray(start + 8, start + length - TRAILER_BYTES)), start + 4)
  return start + length
}

function writeMetadataAndPayload(
  target: Buffer,
  start: number,
  event: ProposedEvent,
  placement: Placement,
  sizes: Sizes,
): number {
  let at = start
  const contentType = event.json ? CONTENT_TYPE_JSON : CONTENT_TYPE_BINARY
  target.set(contentType, at)
  at += contentType.length
  target[at++] = 0x32
  target[at++] = sizes.created
  target.set(CREATED_KEY, at)
  at += CREATED_KEY.length
  // The protocol gives the time in ticks of 100 ns since 1970.
  const ticks = `${placement.createdMs}0000`
  target[at++] = 0x12
  target[at++] = ticks.length
  at += target.write(ticks, at, ticks.length, 'latin1')
  target[at++] = 0x18
  at =
    placement.flags & FLAG_TOMBSTONE
      ? writeVarintBig(target, at, TOMBSTONE_REVISION)
      : writeVarint(target, at, placement.revision)
  target[at++] = 0x20
  at = writeVarint(target, at, placement.position)
  target[at++] = 0x28
  at = writeVarint(target, at, placement.position)
  if (event.customMetadata.length > 0) {
    target[at++] = 0x3a
    at = writeVarint(target, at, event.customMetadata.length)
    target.set(event.customMetadata, at)
    at += event.customMetadata.length
  }
  if (event.data.length > 0) {
    target[at++] = 0x42
    at = writeVarint(target, at, event.data.length)
    target.set(event.data, at)
    at += event.data.length
  }
  return at
}

function writeHeader(target: Buffer, start: number, length: number, placement: Placement, event: ProposedEvent): void {
  target.writeUInt32LE(length, start)
  target.writeUInt32LE(placement.following, start + 8)
  target[start + 12] = placement.flags | (event.json ? FLAG_JSON : 0)
  target[start + 13] = FORMAT_VERSION
  writeUnsigned64(target, start + 28, placement.createdMs)
  writeUnsigned64(target, start + 36, placement.revision)
  writeUnsigned64(target, start + 44, placement.position)
  writeUnsigned64(target, start + 52, placement.committedTo)
  target.set(event.id, start + 60)
}

/**
 * Whether a whole, undamaged record of the log position `position` starts at `offset`: its length is inside the
 * buffer, it names its own position, and its checksum holds.
 */
export function isIntact(buffer: Buffer, offset: number, position: number): boolean {
  if (offset + MINIMUM_RECORD_BYTES > buffer.length) return false
  const length = buffer.readUInt32LE(offset)
  if (length < MINIMUM_RECORD_BYTES || offset + length > buffer.length) return false
  if (readUnsigned64(buffer, offset + 44) !== position) return false
  if (buffer.readUInt32LE(offset + length - TRAILER_BYTES) !== length) return false
  return crc32(buffer.subarray(offset + 8, offset + length - TRAILER_BYTES)) === buffer.readUInt32LE(offset + 4)
}

export const recordPosition = (record: RecordView): number => readUnsigned64(record.buffer, record.offset + 44)
export const recordRevision = (record: RecordView): number => readUnsigned64(record.buffer, record.offset + 36)
export const recordCreatedMs = (record: RecordView): number => readUnsigned64(record.buffer, record.offset + 28)
export const recordCommittedTo = (record: RecordView): number => readUnsigned64(record.buffer, record.offset + 52)
export const recordFollowing = (record: RecordView): number => record.buffer.readUInt32LE(record.offset + 8)
export const recordFlags = (record: RecordView): number => record.buffer[record.offset + 12]!
export const recordId = (record: RecordView): Buffer =>
  record.buffer.subarray(record.offset + 60, record.offset + 60 + 16)

/** The stream's name, in bytes. */
export function recordNameBytes(record: RecordView): Buffer {
  const start = record.offset + record.buffer.readUInt32LE(record.offset + 16)
  return record.buffer.subarray(start, start + record.buffer.readUInt16LE(record.offset + 14))
}

/** The event's type, in bytes. */
export function recordTypeBytes(record: RecordView): Buffer {
  const start = record.offset + record.buffer.readUInt32LE(record.offset + 20)
  return record.buffer.subarray(start, start + record.buffer.readUInt16LE(record.offset + 24))
}

/** The event as the protocol's RecordedEvent message. */
export function recordBody(record: RecordView): Buffer {
  return record.buffer.subarray(record.offset + RECORD_HEADER_BYTES, record.offset + record.length - TRAILER_BYTES)
}

/** The event's data, in bytes; decodes the body, so only for the few events that the node itself understands. */
export function recordData(record: RecordView): Buffer {
  const reader = new WireReader(recordBody(record))
  while (reader.next()) {
    if (reader.field === 8 && reader.wireType === 2) return reader.bytes()
    reader.skip()
  }
  return Buffer.alloc(0)
}
