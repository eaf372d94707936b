/**
 * Decodes the answers of the event store's Read from their bytes (protobuf; streams.proto of EventStoreDB 23.10). This buys
 * reading time for each event of a rebuild or subscription: the generated classes take longer than parsing its JSON.
 */

/** An event as it is stored, byte for byte. */
export interface RawEvent {
  id: string
  stream: string
  revision: bigint
  /** Commit position. */
  position: bigint
  type: string
  contentType: string
  /** When it was recorded, in ticks of 100 ns since 1970, decimal: as the protocol gives it. */
  created: string
  data: Uint8Array
  metadata: Uint8Array
}

/** An event with its texts parsed: the parts of db-client's resolved event that are used here. */
export interface StoredEvent {
  id: string
  streamId: string
  revision: bigint
  type: string
  isJson: boolean
  /** Parsed where it is JSON; text where its type says JSON and it is not; otherwise bytes. */
  data: unknown
  /** Parsed; undefined where there is none; bytes where it is not JSON. */
  metadata: unknown
  created: Date
  position: { commit: bigint; prepare: bigint }
}

/** What an answer says: an event, that the subscription stands, or something that does not matter here. */
export type LogAnswer = StoredEvent | 'confirmed' | undefined

/** Wire types (protobuf.dev/programming-guides/encoding). */
const VARINT = 0
const FIXED64 = 1
const LENGTH_DELIMITED = 2
const FIXED32 = 5

/** Reads one field after the other; `start` and `end` delimit the bytes of the present one. */
export interface Cursor {
  bytes: Buffer
  at: number
  field: number
  wireType: number
  start: number
  end: number
}

export const cursorOver = (bytes: Buffer, at = 0): Cursor => ({ bytes, at, field: 0, wireType: 0, start: 0, end: 0 })

const truncated = () => new RangeError('an answer of the event store ends inside a field')

/** Exact to 2^53 - 1, far beyond any length or tag. */
function varint(cursor: Cursor): number {
  const { bytes } = cursor
  let byte = bytes[cursor.at++]
  if (byte === undefined) throw truncated()
  let value = byte & 0x7f
  for (let factor = 128; byte >= 128; factor *= 128) {
    byte = bytes[cursor.at++]
    if (byte === undefined) throw truncated()
    value += (byte & 0x7f) * factor
  }
  return value
}

/** A varint of 64 bits. Positions and revisions stay below 2^53 for a long time; larger ones are exact as well. */
export function varint64(cursor: Cursor): bigint {
  const { at } = cursor
  const value = varint(cursor)
  if (value <= Number.MAX_SAFE_INTEGER) return BigInt(value)
  let exact = 0n
  for (let index = at, shift = 0n; index < cursor.at; index++, shift += 7n) {
    exact |= BigInt(cursor.bytes[index]! & 0x7f) << shift
  }
  return BigInt.asUintN(64, exact)
}

/** Moves to the next field before `end`. The caller reads the value of a varint; the cursor skips any other field. */
export function next(cursor: Cursor, end: number): boolean {
  if (cursor.at >= end) return false
  const tag = varint(cursor)
  cursor.field = tag >>> 3
  cursor.wireType = tag & 7
  if (cursor.wireType === VARINT) return true
  if (cursor.wireType === FIXED64) cursor.at += 8
  else if (cursor.wireType === FIXED32) cursor.at += 4
  else if (cursor.wireType === LENGTH_DELIMITED) {
    const length = varint(cursor)
    cursor.start = cursor.at
    cursor.at += length
    cursor.end = cursor.at
  } else throw new RangeError(`an answer of the event store has a field of wire type ${cursor.wireType}`)
  if (cursor.at > end) throw truncated()
  return true
}

export const pass = (cursor: Cursor): void => {
  if (cursor.wireType === VARINT) varint(cursor)
}

export const text = ({ bytes, start, end }: Cursor): string => bytes.toString('utf8', start, end)

/** Enters the message that the cursor has just skipped; answers where it ends. */
export function enter(cursor: Cursor): number {
  cursor.at = cursor.start
  return cursor.end
}

/** ReadResp: 1 event, 2 confirmation; checkpoints, caught-up and other answers do not matter. */
function decode<Event>(bytes: Buffer, read: (cursor: Cursor, end: number) => Event): Event | 'confirmed' | undefined {
  const cursor = cursorOver(bytes)
  let answer: Event | 'confirmed' | undefined
  while (next(cursor, bytes.length)) {
    if (cursor.field === 1) answer = readEvent(cursor, enter(cursor), read)
    else if (cursor.field === 2) answer = 'confirmed'
    else pass(cursor)
  }
  return answer
}

/** ReadEvent: 1 the event; links are not resolved, so there is no other. */
function readEvent<Event>(
  cursor: Cursor,
  end: number,
  read: (cursor: Cursor, end: number) => Event,
): Event | undefined {
  let event: Event | undefined
  while (next(cursor, end)) {
    if (cursor.field === 1) event = read(cursor, enter(cursor))
    else pass(cursor)
  }
  return event
}

export const decodeAnswer = (bytes: Buffer): LogAnswer =>
  decode(bytes, (cursor, end) => storedEvent(recordedEvent(cursor, end)))

/** The event of an answer; undefined where it has none. */
export function decodeRawAnswer(bytes: Buffer): RawEvent | undefined {
  const answer = decode(bytes, (cursor, end) => rawEvent(recordedEvent(cursor, end)))
  return answer === 'confirmed' ? undefined : answer
}

type RecordedEvent = RawEvent & { prepare: bigint; data: Buffer; metadata: Buffer }

const NOTHING = Buffer.alloc(0)

/**
 * RecordedEvent: 1 id, 2 stream, 3 revision, 4 prepare and 5 commit position, 6 entries (type, content-type, created in
 * ticks of 100 ns), 7 metadata, 8 data.
 */
function recordedEvent(cursor: Cursor, end: number): RecordedEvent {
  const entries: Record<string, string> = {}
  let [id, stream, revision, prepare, position] = ['', '', 0n, 0n, 0n]
  let data: Buffer = NOTHING
  let metadata: Buffer = NOTHING
  while (next(cursor, end)) {
    const { field } = cursor
    if (field === 1) id = member(cursor, 2)
    else if (field === 2) stream = member(cursor, 3)
    else if (field === 3) revision = varint64(cursor)
    else if (field === 4) prepare = varint64(cursor)
    else if (field === 5) position = varint64(cursor)
    else if (field === 6) readEntry(cursor, entries)
    else if (field === 7) metadata = cursor.bytes.subarray(cursor.start, cursor.end)
    else if (field === 8) data = cursor.bytes.subarray(cursor.start, cursor.end)
    else pass(cursor)
  }
  const { type = '', 'content-type': contentType = '', created = '0' } = entries
  return { id, stream, revision, prepare, position, type, contentType, created, data, metadata }
}

const rawEvent = ({ prepare: _, ...event }: RecordedEvent): RawEvent => event

function storedEvent({ data, metadata, created, prepare, position, ...event }: RecordedEvent): StoredEvent {
  const isJson = event.contentType === 'application/json'
  return {
    id: event.id,
    streamId: event.stream,
    revision: event.revision,
    type: event.type,
    isJson,
    data: isJson ? parsed(data, (text) => text) : Uint8Array.from(data),
    metadata: metadata.length > 0 ? parsed(metadata, () => Uint8Array.from(metadata)) : undefined,
    created: new Date(Math.floor(Number(created) / TICKS_PER_MS)),
    position: { commit: position, prepare },
  }
}

/** Of .NET, whose times the store speaks. */
const TICKS_PER_MS = 10_000

function parsed(json: Buffer, otherwise: (text: string) => unknown): unknown {
  const text = json.toString('utf8')
  try {
    return JSON.parse(text)
  } catch {
    return otherwise(text)
  }
}

/** The text in one field of the message that the cursor has just skipped. */
export function member(cursor: Cursor, field: number): string {
  const end = enter(cursor)
  let value = ''
  while (next(cursor, end)) {
    if (cursor.field === field && cursor.wireType === LENGTH_DELIMITED) value = text(cursor)
    else pass(cursor)
  }
  return value
}

/** A map's entry: 1 key, 2 value. */
function readEntry(cursor: Cursor, entries: Record<string, string>): void {
  const end = enter(cursor)
  let key = ''
  let value = ''
  while (next(cursor, end)) {
    if (cursor.field === 1) key = text(cursor)
    else if (cursor.field === 2) value = text(cursor)
    else pass(cursor)
  }
  entries[key] = value
}
