/**
 * The answers of the event store's Read, taken from their bytes (protobuf; streams.proto of EventStoreDB 23.10). The
 * classes that db-client has generated spend more on an event than parsing its JSON costs, which a rebuild of a million
 * events, and each of the subscriptions that every event passes through, would pay.
 */

/** An event as db-client resolves it, of the parts that are used here. */
export interface StoredEvent {
  id: string
  streamId: string
  revision: bigint
  type: string
  isJson: boolean
  /** Parsed where it is JSON, as text where it claims to be and is not, else as bytes. */
  data: unknown
  /** Parsed; undefined where there is none, as bytes where it is no JSON. */
  metadata: unknown
  created: Date
  position: { commit: bigint; prepare: bigint }
}

/** What an answer says: an event, that the subscription stands, or what is of no matter here. */
export type LogAnswer = StoredEvent | 'confirmed' | undefined

/** Wire types (protobuf.dev/programming-guides/encoding). */
const VARINT = 0
const FIXED64 = 1
const LENGTH_DELIMITED = 2
const FIXED32 = 5

/** Reads fields one after the other; of one that has bytes, `start` and `end` say where they are. */
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

/** A varint of 64 bits. Positions and revisions stay below 2^53 for a long time; beyond, every bit still counts. */
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

/** Moves to the next field, up to `end`. Of a number the value is still to be read, anything else is passed over. */
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

/** Goes into the message that the cursor has just passed over; answers where it ends. */
export function enter(cursor: Cursor): number {
  cursor.at = cursor.start
  return cursor.end
}

/** ReadResp: 1 event, 2 confirmation; checkpoints, caught-up and the like are passed over. */
export function decodeAnswer(bytes: Buffer): LogAnswer {
  const cursor = cursorOver(bytes)
  let answer: LogAnswer
  while (next(cursor, bytes.length)) {
    if (cursor.field === 1) answer = readEvent(cursor, enter(cursor))
    else if (cursor.field === 2) answer = 'confirmed'
    else pass(cursor)
  }
  return answer
}

/** ReadEvent: 1 the event; links are not resolved, so there is no other. */
function readEvent(cursor: Cursor, end: number): StoredEvent | undefined {
  let event: StoredEvent | undefined
  while (next(cursor, end)) {
    if (cursor.field === 1) event = recordedEvent(cursor, enter(cursor))
    else pass(cursor)
  }
  return event
}

/**
 * RecordedEvent: 1 id, 2 stream, 3 revision, 4 prepare and 5 commit position, 6 entries (type, content-type, created in
 * ticks of 100 ns), 7 metadata, 8 data.
 */
function recordedEvent(cursor: Cursor, end: number): StoredEvent {
  const { bytes } = cursor
  const entries: Record<string, string> = {}
  let [id, streamId, revision, prepare, commit] = ['', '', 0n, 0n, 0n]
  let metadata: unknown
  let dataStart = 0
  let dataEnd = 0
  while (next(cursor, end)) {
    switch (cursor.field) {
      case 1:
        id = member(cursor, 2)
        break
      case 2:
        streamId = member(cursor, 3)
        break
      case 3:
        revision = varint64(cursor)
        break
      case 4:
        prepare = varint64(cursor)
        break
      case 5:
        commit = varint64(cursor)
        break
      case 6:
        readEntry(cursor, entries)
        break
      case 7:
        metadata = cursor.end > cursor.start ? parsed(text(cursor), () => copy(bytes, cursor)) : undefined
        break
      case 8:
        dataStart = cursor.start
        dataEnd = cursor.end
        break
      default:
        pass(cursor)
    }
  }
  const isJson = entries['content-type'] === 'application/json'
  const dataText = isJson ? bytes.toString('utf8', dataStart, dataEnd) : ''
  return {
    id,
    streamId,
    revision,
    type: entries.type ?? '',
    isJson,
    data: isJson ? parsed(dataText, () => dataText) : Uint8Array.from(bytes.subarray(dataStart, dataEnd)),
    metadata,
    created: new Date(Math.floor(Number(entries.created ?? 0) / TICKS_PER_MS)),
    position: { commit, prepare },
  }
}

const TICKS_PER_MS = 10_000

const copy = (bytes: Buffer, { start, end }: Cursor) => Uint8Array.from(bytes.subarray(start, end))

function parsed(json: string, otherwise: () => unknown): unknown {
  try {
    return JSON.parse(json)
  } catch {
    return otherwise()
  }
}

/** The text in one field of the message that the cursor has just passed over. */
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
