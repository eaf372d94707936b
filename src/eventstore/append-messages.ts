/**
 * Encodes the event store's BatchAppend (protobuf; streams.proto of EventStoreDB 23.10), one append to a request, and decodes
 * its answers. This sends exactly the texts that were hashed; db-client would serialize them again, and encode twice.
 */
import { type Cursor, cursorOver, enter, member, next, pass, text, varint64 } from './read-messages.ts'

/** An event in its stored form: both texts are JSON. */
export interface EncodedEvent {
  /** UUID. */
  id: string
  type: string
  data: string
  metadata: string
}

export interface AppendRequest {
  /** Comes back with the answer; see correlationText. */
  correlation: number
  stream: string
  /** undefined: the stream must not exist yet. */
  revision: bigint | undefined
  events: readonly EncodedEvent[]
}

export type AppendAnswer =
  | { correlation: number; kind: 'appended'; revision: bigint; position: bigint }
  /** `reason` is the protocol's name of the failure: WrongExpectedVersion, StreamDeleted, Timeout, … */
  | { correlation: number; kind: 'failed'; reason: string; message: string }

/** A UUID (version 4 in form) that carries a number, unique on the caller's connection. */
const CORRELATION = '6f70736c-6f67-4000-8000-'
export const correlationText = (correlation: number): string =>
  CORRELATION + correlation.toString(16).padStart(CORRELATION_DIGITS, '0')
const CORRELATION_DIGITS = 12

const varintLength = (value: number): number => {
  let length = 1
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) length++
  return length
}

/** Length in bytes of a field with this many bytes of content; all fields here have numbers below 16. */
const fieldLength = (content: number): number => 1 + varintLength(content) + content

/** As text. */
const UUID_LENGTH = 36
const UUID_MESSAGE_LENGTH = fieldLength(UUID_LENGTH)
const JSON_ENTRY = Buffer.from('\x0a\x0ccontent-type\x12\x10application/json')
const TYPE_KEY = Buffer.from('\x0a\x04type')

/** Writes fields one after the other. */
interface Sink {
  bytes: Buffer
  at: number
}

function varint(sink: Sink, value: number): void {
  let rest = value
  for (; rest >= 128; rest = Math.floor(rest / 128)) sink.bytes[sink.at++] = (rest % 128) | 0x80
  sink.bytes[sink.at++] = rest
}

/** Writes a varint of 64 bits. */
function varint64Into(sink: Sink, value: bigint): void {
  let rest = value
  for (; rest >= 128n; rest >>= 7n) sink.bytes[sink.at++] = Number(rest & 0x7fn) | 0x80
  sink.bytes[sink.at++] = Number(rest)
}

function varint64Length(value: bigint): number {
  let length = 1
  for (let rest = value; rest >= 128n; rest >>= 7n) length++
  return length
}

/** Writes a field's tag (wire type 2, with a length) and the length of its content. */
function head(sink: Sink, field: number, length: number): void {
  sink.bytes[sink.at++] = field * 8 + 2
  varint(sink, length)
}

function string(sink: Sink, field: number, value: string, length: number): void {
  head(sink, field, length)
  sink.at += sink.bytes.write(value, sink.at, 'utf8')
}

function raw(sink: Sink, field: number, value: Buffer): void {
  head(sink, field, value.length)
  sink.at += value.copy(sink.bytes, sink.at)
}

function uuid(sink: Sink, field: number, value: string): void {
  head(sink, field, UUID_MESSAGE_LENGTH)
  string(sink, 2, value, UUID_LENGTH)
}

/** A sized event: the lengths of its texts, of its type's map entry and of the whole message. */
function measured(event: EncodedEvent) {
  const type = Buffer.byteLength(event.type)
  const data = Buffer.byteLength(event.data)
  const metadata = Buffer.byteLength(event.metadata)
  const entry = TYPE_KEY.length + fieldLength(type)
  const parts = [UUID_MESSAGE_LENGTH, entry, JSON_ENTRY.length, metadata, data]
  return { event, type, data, metadata, entry, length: parts.reduce((sum, part) => sum + fieldLength(part), 0) }
}

/** BatchAppendReq: 1 correlation id, 2 options, 3 events, 4 whether it is the append's last. */
export function encodeAppend({ correlation, stream, revision, events }: AppendRequest): Buffer {
  const sized = events.map(measured)
  const name = Buffer.byteLength(stream)
  const expected = revision === undefined ? fieldLength(0) : 1 + varint64Length(revision)
  const options = fieldLength(fieldLength(name)) + expected
  const total = sized.reduce((sum, { length }) => sum + fieldLength(length), 0)
  const bytes = Buffer.allocUnsafe(fieldLength(UUID_MESSAGE_LENGTH) + fieldLength(options) + total + 2)
  const sink: Sink = { bytes, at: 0 }
  uuid(sink, 1, correlationText(correlation))
  head(sink, 2, options)
  // Options: 1 stream identifier (3 its name), 2 the revision or 3 no stream. No deadline: it would be a time by this
  // machine's clock, and a clock that is behind would make every append look late.
  head(sink, 1, fieldLength(name))
  string(sink, 3, stream, name)
  if (revision === undefined) head(sink, 3, 0)
  else {
    sink.bytes[sink.at++] = 2 * 8
    varint64Into(sink, revision)
  }
  // ProposedMessage: 1 id, 2 entries of the system's metadata, 3 metadata, 4 data.
  for (const { event, type, data, metadata, entry, length } of sized) {
    head(sink, 3, length)
    uuid(sink, 1, event.id)
    head(sink, 2, entry)
    sink.at += TYPE_KEY.copy(bytes, sink.at)
    string(sink, 2, event.type, type)
    raw(sink, 2, JSON_ENTRY)
    string(sink, 3, event.metadata, metadata)
    string(sink, 4, event.data, data)
  }
  bytes[sink.at++] = 4 * 8
  bytes[sink.at++] = 1
  return bytes
}

/** BatchAppendResp: 1 correlation id, 2 error (google.rpc.Status) or 3 success. */
export function decodeAppendAnswer(bytes: Buffer): AppendAnswer {
  const cursor = cursorOver(bytes)
  let correlation = Number.NaN
  let answer: AppendAnswer = { correlation, kind: 'failed', reason: 'NoResult', message: 'an answer without a result' }
  while (next(cursor, bytes.length)) {
    if (cursor.field === 1) correlation = correlationOf(cursor, enter(cursor))
    else if (cursor.field === 2) answer = failure(cursor, enter(cursor))
    else if (cursor.field === 3) answer = success(cursor, enter(cursor))
    else pass(cursor)
  }
  return { ...answer, correlation }
}

/** Servers send a UUID as text (2) or as two halves (1), of which the second holds the number. */
function correlationOf(cursor: Cursor, end: number): number {
  let correlation = Number.NaN
  while (next(cursor, end)) {
    if (cursor.field === 2) correlation = Number.parseInt(text(cursor).slice(-CORRELATION_DIGITS), 16)
    else if (cursor.field === 1) correlation = Number(numberIn(cursor, 2) & 0xffff_ffff_ffffn)
    else pass(cursor)
  }
  return correlation
}

/** The number in one field of the message that the cursor has just skipped. */
function numberIn(cursor: Cursor, field: number): bigint {
  const end = enter(cursor)
  let value = 0n
  while (next(cursor, end)) {
    if (cursor.field === field) value = varint64(cursor)
    else pass(cursor)
  }
  return value
}

/** Success: 1 the current revision, 3 the position (1 commit). */
function success(cursor: Cursor, end: number): AppendAnswer {
  let [revision, position] = [0n, 0n]
  while (next(cursor, end)) {
    if (cursor.field === 1) revision = varint64(cursor)
    else if (cursor.field === 3) position = numberIn(cursor, 1)
    else pass(cursor)
  }
  return { correlation: 0, kind: 'appended', revision, position }
}

/** Status: 1 code, 2 message, 3 details (1 the name of their type, which ends in the failure's). */
function failure(cursor: Cursor, end: number): AppendAnswer {
  let [message, reason] = ['', '']
  while (next(cursor, end)) {
    if (cursor.field === 2) message = text(cursor)
    else if (cursor.field === 3) reason = member(cursor, 1).split('.').at(-1) ?? ''
    else pass(cursor)
  }
  return { correlation: 0, kind: 'failed', reason, message }
}
