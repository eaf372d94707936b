/**
 * The append messages, decoded by hand: the payloads stay views of the received message until they are
 * copied into the log, and no intermediate objects are built.
 */
import type { ExpectedRevision } from '../storage/append-rules.ts'
import { type ProposedEvent, uuidText } from '../storage/record.ts'
import { invalidArgument, requiredMetadataMissing } from './errors.ts'
import { readUuid } from './uuid.ts'
import { WireReader } from './wire.ts'

export type AppendOptions = {
  /** undefined where the message names none. */
  stream: string | undefined
  expected: ExpectedRevision
  /** The same as it was asked for, which Append repeats in its refusals. */
  asked: ExpectedRevision
  deadlineMs: number | undefined
  /** Why no append can have these options. */
  refusal: string | undefined
}
export type AppendMessage = { options?: AppendOptions; event?: ProposedEvent }
export type BatchAppendMessage = {
  /** The correlation id's message as it came, to be sent back; `key` is its text, empty where it has none. */
  correlationId: Buffer | undefined
  key: string
  options: AppendOptions | undefined
  events: ProposedEvent[]
  isFinal: boolean
  /** Why the append cannot be understood; the call goes on, since it carries the appends of others too. */
  failure: string | undefined
}

const NO_BYTES = Buffer.alloc(0)
/** What the log can hold; with two less of a stream's name, so that its metastream has room. */
const NAME_BYTES_MAX = 65_535
const TYPE_BYTES_MAX = 65_535
/** The last second of the year 9999. */
const LAST_SECOND = 253_402_300_799n

function readStreamIdentifier(reader: WireReader): string {
  let name = ''
  while (reader.next()) {
    if (reader.field === 3) name = reader.string()
    else reader.skip()
  }
  return name
}

/** A Timestamp or a Duration, which are laid out alike, in milliseconds. */
function readMilliseconds(reader: WireReader): number {
  let seconds = 0n
  let nanoseconds = 0
  while (reader.next()) {
    if (reader.field === 1) seconds = BigInt.asIntN(64, reader.bigint())
    else if (reader.field === 2) nanoseconds = Number(BigInt.asIntN(32, reader.bigint()))
    else reader.skip()
  }
  if (seconds > LAST_SECOND) throw invalidArgument('the deadline is later than any that can be')
  return Number(seconds) * 1000 + Math.floor(nanoseconds / 1_000_000)
}

/**
 * Both append calls number the fields of their options alike; only the batched one has a deadline, as a point in time or
 * as what is left of it. What is wrong with the options is said in `refusal`, since the answer names the stream.
 */
function readOptions(reader: WireReader): AppendOptions {
  const options: AppendOptions = {
    stream: undefined,
    expected: 'any',
    asked: 'any',
    deadlineMs: undefined,
    refusal: undefined,
  }
  let hasExpected = false
  try {
    while (reader.next()) {
      if (reader.field >= 2 && reader.field <= 5) hasExpected = true
      if (reader.field === 1) options.stream = readStreamIdentifier(reader.message())
      else if (reader.field === 2) options.asked = reader.bigint()
      else if (reader.field === 6) options.deadlineMs = readMilliseconds(reader.message())
      else if (reader.field === 7) options.deadlineMs = Date.now() + readMilliseconds(reader.message()) - 1
      else {
        if (reader.field === 3) options.asked = 'no_stream'
        else if (reader.field === 4) options.asked = 'any'
        else if (reader.field === 5) options.asked = 'stream_exists'
        reader.skip()
      }
    }
    options.expected = typeof options.asked === 'bigint' ? revisionOrNone(options.asked) : options.asked
    if (!hasExpected) throw invalidArgument('the expected revision is missing')
    if (!options.stream || options.stream === '$$') {
      throw invalidArgument(`'${options.stream ?? ''}' is not the name of a stream that can be written`)
    }
    if (Buffer.byteLength(options.stream) > NAME_BYTES_MAX) throw invalidArgument('the name of the stream is too long')
  } catch (error) {
    options.refusal = error instanceof Error ? error.message : String(error)
  }
  return options
}

/** The largest number, which is -1 in signed ones, expects that there is no stream. */
export function revisionOrNone(revision: bigint): ExpectedRevision {
  return revision === 18_446_744_073_709_551_615n ? 'no_stream' : revision
}

function readProposedMessage(reader: WireReader): ProposedEvent {
  let id: Buffer | undefined
  let type: string | undefined
  let contentType: string | undefined
  let data: Buffer = NO_BYTES
  let customMetadata: Buffer = NO_BYTES
  while (reader.next()) {
    if (reader.field === 1) id = readUuid(reader.message())
    else if (reader.field === 3) customMetadata = reader.bytes()
    else if (reader.field === 4) data = reader.bytes()
    else if (reader.field === 2) {
      const entry = reader.message()
      let key = ''
      let value = ''
      while (entry.next()) {
        if (entry.field === 1) key = entry.string()
        else if (entry.field === 2) value = entry.string()
        else entry.skip()
      }
      if (key === 'type') type = value
      else if (key === 'content-type') contentType = value
    } else reader.skip()
  }
  if (!id) throw invalidArgument('the id of an event is missing')
  if (!type || contentType === undefined) throw requiredMetadataMissing(['type', 'content-type'])
  if (!id.some((byte) => byte !== 0)) throw invalidArgument('the id of an event is all zeros')
  if (Buffer.byteLength(type) > TYPE_BYTES_MAX) throw invalidArgument('the type of an event is too long')
  return { id, type, json: contentType === 'application/json', data, customMetadata }
}

export function decodeAppend(buffer: Buffer): AppendMessage {
  const reader = new WireReader(buffer)
  const message: AppendMessage = {}
  while (reader.next()) {
    if (reader.field === 1) message.options = readOptions(reader.message())
    else if (reader.field === 2) message.event = readProposedMessage(reader.message())
    else reader.skip()
  }
  return message
}

/** What cannot be understood of one append is its `failure`; the call goes on, as it carries the appends of others too. */
export function decodeBatchAppend(buffer: Buffer): BatchAppendMessage {
  const reader = new WireReader(buffer)
  const message: BatchAppendMessage = {
    correlationId: undefined,
    key: '',
    options: undefined,
    events: [],
    isFinal: false,
    failure: undefined,
  }
  while (reader.next()) {
    if (reader.field === 4) message.isFinal = reader.number() !== 0
    else if (reader.field <= 3) readPart(reader, message)
    else reader.skip()
  }
  if (message.key === '') message.failure ??= 'the correlation id is missing'
  return message
}

function readPart(reader: WireReader, message: BatchAppendMessage): void {
  const { field } = reader
  const part = reader.bytes()
  try {
    if (field === 1) {
      message.correlationId = part
      message.key = uuidText(readUuid(new WireReader(part)))
    } else if (field === 2) {
      message.options = readOptions(new WireReader(part))
      message.failure ??= message.options.refusal
    } else message.events.push(readProposedMessage(new WireReader(part)))
  } catch (error) {
    message.failure ??= error instanceof Error ? error.message : String(error)
  }
}
