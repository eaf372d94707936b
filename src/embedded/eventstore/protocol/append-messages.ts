/**
 * The append messages, decoded and encoded by hand: the payloads stay views of the received message until they are
 * copied into the log, and no intermediate objects are built.
 */
import type { ExpectedRevision } from '../storage/append-rules.ts'
import type { WriteOutcome } from '../storage/group.ts'
import { type ProposedEvent, uuidText } from '../storage/record.ts'
import { invalidArgument, requiredMetadataMissing } from './errors.ts'
import { empty, lengthDelimited, unsigned, WireReader, writeVarintBig } from './wire.ts'

export type AppendOptions = { stream: string; expected: ExpectedRevision; deadlineMs: number | undefined }
export type AppendMessage = { options?: AppendOptions; event?: ProposedEvent }
export type BatchAppendMessage = {
  /** The correlation id's message as it came, to be sent back; `key` is its text. */
  correlationId: Buffer
  key: string
  options: AppendOptions | undefined
  events: ProposedEvent[]
  isFinal: boolean
  /** Why the append cannot be understood; the call goes on, since it carries the appends of others too. */
  failure: string | undefined
}

const NO_BYTES = Buffer.alloc(0)

/** The 16 bytes of a UUID message, given as text or as two integers. */
export function readUuid(reader: WireReader): Buffer {
  while (reader.next()) {
    if (reader.field === 2) return parseUuid(reader.string())
    if (reader.field === 1) {
      const parts = reader.message()
      let most = 0n
      let least = 0n
      while (parts.next()) {
        if (parts.field === 1) most = parts.bigint()
        else if (parts.field === 2) least = parts.bigint()
        else parts.skip()
      }
      const bytes = Buffer.alloc(16)
      bytes.writeBigUInt64BE(most, 0)
      bytes.writeBigUInt64BE(least, 8)
      return bytes
    }
    reader.skip()
  }
  throw invalidArgument('a UUID is missing')
}

/** @throws INVALID_ARGUMENT where the text is not a UUID. */
export function parseUuid(text: string): Buffer {
  const bytes = Buffer.from(text.replaceAll('-', ''), 'hex')
  if (bytes.length !== 16 || (text.length !== 36 && text.length !== 32)) {
    throw invalidArgument(`'${text.slice(0, 64)}' is not a UUID`)
  }
  return bytes
}

function readStreamIdentifier(reader: WireReader): string {
  let name = ''
  while (reader.next()) {
    if (reader.field === 3) name = reader.string()
    else reader.skip()
  }
  return name
}

function readTimestampMs(reader: WireReader): number {
  let seconds = 0
  let nanoseconds = 0
  while (reader.next()) {
    if (reader.field === 1) seconds = reader.number()
    else if (reader.field === 2) nanoseconds = reader.number()
    else reader.skip()
  }
  return seconds * 1000 + Math.floor(nanoseconds / 1_000_000)
}

/** Both append calls number the fields of their options alike; only the batched one has a deadline. */
function readOptions(reader: WireReader): AppendOptions {
  const options: AppendOptions = { stream: '', expected: 'any', deadlineMs: undefined }
  let hasExpected = false
  while (reader.next()) {
    if (reader.field >= 2 && reader.field <= 5) hasExpected = true
    if (reader.field === 1) options.stream = readStreamIdentifier(reader.message())
    else if (reader.field === 2) options.expected = reader.bigint()
    else if (reader.field === 6) options.deadlineMs = readTimestampMs(reader.message())
    else {
      if (reader.field === 3) options.expected = 'no_stream'
      else if (reader.field === 4) options.expected = 'any'
      else if (reader.field === 5) options.expected = 'stream_exists'
      reader.skip()
    }
  }
  if (!hasExpected) throw invalidArgument('the expected revision is missing')
  if (options.stream === '' || options.stream === '$$' || options.stream === '$all') {
    throw invalidArgument(`'${options.stream}' is not the name of a stream that can be written`)
  }
  if (options.stream.length > 16_000) throw invalidArgument('the name of the stream is too long')
  return options
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
  if (Buffer.byteLength(type) > 65_000) throw invalidArgument('the type of an event is too long')
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

/** @throws INVALID_ARGUMENT where not even the correlation id can be read, so that nobody could be answered. */
export function decodeBatchAppend(buffer: Buffer): BatchAppendMessage {
  const reader = new WireReader(buffer)
  const message: BatchAppendMessage = {
    correlationId: NO_BYTES,
    key: '',
    options: undefined,
    events: [],
    isFinal: false,
    failure: undefined,
  }
  while (reader.next()) {
    if (reader.field === 1) {
      message.correlationId = reader.bytes()
      message.key = uuidText(readUuid(new WireReader(message.correlationId)))
    } else if (reader.field === 4) message.isFinal = reader.number() !== 0
    else if (reader.field === 2 || reader.field === 3) readPart(reader, message)
    else reader.skip()
  }
  if (message.key === '') throw invalidArgument('the correlation id is missing')
  return message
}

function readPart(reader: WireReader, message: BatchAppendMessage): void {
  const field = reader.field
  const part = reader.message()
  try {
    if (field === 2) message.options = readOptions(part)
    else message.events.push(readProposedMessage(part))
  } catch (error) {
    message.failure = error instanceof Error ? error.message : String(error)
  }
}

/** A 64-bit field that comes from the client and may need all its bits. */
function unsignedBig(field: number, value: bigint): Buffer {
  const buffer = Buffer.alloc(11)
  buffer[0] = field * 8
  return buffer.subarray(0, writeVarintBig(buffer, 1, value))
}

function positionMessage(position: number): Buffer {
  return Buffer.concat([unsigned(1, position), unsigned(2, position)])
}

/** Success is laid out alike in both calls: revision or no stream, position or no position. */
function successMessage(outcome: { revision: number; position: number | undefined }): Buffer {
  return Buffer.concat([
    outcome.revision >= 0 ? unsigned(1, outcome.revision) : empty(2),
    outcome.position === undefined ? empty(4) : lengthDelimited(3, positionMessage(outcome.position)),
  ])
}

/** The answer to Append. Only success and a wrong expected version are messages; the rest are gRPC errors. */
export function encodeAppendAnswer(
  outcome: Extract<WriteOutcome, { kind: 'written' | 'wrong-expected-version' }>,
  expected: ExpectedRevision,
): Buffer {
  if (outcome.kind === 'written') return lengthDelimited(1, successMessage(outcome))
  const current = outcome.current >= 0 ? unsigned(6, outcome.current) : empty(7)
  return lengthDelimited(2, current, expectedFields(expected, 8))
}

/** The oneof of the expected revision: four consecutive fields in this order, beginning at `first`. */
function expectedFields(expected: ExpectedRevision, first: number): Buffer {
  if (expected === 'any') return empty(first + 1)
  if (expected === 'stream_exists') return empty(first + 2)
  if (expected === 'no_stream') return empty(first + 3)
  return unsignedBig(first, expected)
}

const PERMISSION_DENIED = 7
const DEADLINE_EXCEEDED = 4
const ALREADY_EXISTS = 6
const INVALID_ARGUMENT = 3
const UNAVAILABLE = 14

/** Why one append of a batch call failed: a google.rpc.Status with a detail message of the protocol. */
export type BatchFailure =
  | { kind: 'wrong-expected-version'; current: number }
  | { kind: 'deleted' }
  | { kind: 'deadline-exceeded' }
  | { kind: 'too-large'; maxAppendBytes: number }
  | { kind: 'bad-request'; message: string }
  | { kind: 'unavailable'; message: string }

function statusMessage(code: number, message: string, type: string, detail: Buffer): Buffer {
  const any = Buffer.concat([
    lengthDelimited(1, Buffer.from(`type.googleapis.com/event_store.client.${type}`)),
    lengthDelimited(2, detail),
  ])
  return Buffer.concat([unsigned(1, code), lengthDelimited(2, Buffer.from(message)), lengthDelimited(3, any)])
}

function failureMessage(failure: BatchFailure, options: AppendOptions | undefined): Buffer {
  switch (failure.kind) {
    case 'wrong-expected-version': {
      const current = failure.current >= 0 ? unsigned(1, failure.current) : empty(2)
      const detail = Buffer.concat([current, expectedFields(options?.expected ?? 'any', 3)])
      return statusMessage(ALREADY_EXISTS, 'Wrong expected version.', 'WrongExpectedVersion', detail)
    }
    case 'deleted': {
      const identifier = lengthDelimited(1, lengthDelimited(3, Buffer.from(options?.stream ?? '')))
      return statusMessage(PERMISSION_DENIED, 'The stream is deleted.', 'StreamDeleted', identifier)
    }
    case 'deadline-exceeded':
      return statusMessage(DEADLINE_EXCEEDED, 'The deadline passed before the append was written.', 'Timeout', NO_BYTES)
    case 'too-large':
      return statusMessage(
        INVALID_ARGUMENT,
        `The append is larger than ${failure.maxAppendBytes} bytes.`,
        'MaximumAppendSizeExceeded',
        unsigned(1, failure.maxAppendBytes),
      )
    case 'bad-request':
      return statusMessage(
        INVALID_ARGUMENT,
        failure.message,
        'BadRequest',
        lengthDelimited(1, Buffer.from(failure.message)),
      )
    case 'unavailable':
      // The protocol has no detail of its own for this. Of one that they do not know clients show the message; of a
      // timeout they would show that alone.
      return Buffer.concat([
        unsigned(1, UNAVAILABLE),
        lengthDelimited(2, Buffer.from(failure.message)),
        lengthDelimited(3, lengthDelimited(1, Buffer.from('type.googleapis.com/google.rpc.RetryInfo'))),
      ])
  }
}

/** One answer on a batch append call. */
export function encodeBatchAnswer(
  correlationId: Buffer,
  options: AppendOptions | undefined,
  outcome: Extract<WriteOutcome, { kind: 'written' }> | BatchFailure,
): Buffer {
  const parts = [lengthDelimited(1, correlationId)]
  if (outcome.kind === 'written') parts.push(lengthDelimited(3, successMessage(outcome)))
  else parts.push(lengthDelimited(2, failureMessage(outcome, options)))
  if (options) {
    parts.push(lengthDelimited(4, lengthDelimited(3, Buffer.from(options.stream))))
    if (options.expected === 'no_stream') parts.push(empty(6))
    else if (options.expected === 'any') parts.push(empty(7))
    else if (options.expected === 'stream_exists') parts.push(empty(8))
    else parts.push(unsignedBig(5, options.expected))
  }
  return Buffer.concat(parts)
}
