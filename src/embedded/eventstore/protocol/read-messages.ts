/** The answers of Read, encoded by hand around the bodies that the log holds already encoded. */
import { type RecordView, recordBody, recordId, recordPosition, uuidText } from '../storage/record.ts'
import { empty, lengthDelimited, unsigned, varintLength, WireReader, writeVarint } from './wire.ts'

/** An event as a reader gets it: where the stored one is a link that was resolved, the link comes with it. */
export type ResolvedRecord = { event: RecordView | undefined; link: RecordView | undefined }

/** How the client wants event ids: as text, which is how they are stored, or as two integers. */
export type UuidForm = 'string' | 'structured'

function bodyInForm(record: RecordView, form: UuidForm): Buffer {
  const body = recordBody(record)
  if (form === 'string') return body
  const id = recordId(record)
  const structured = lengthDelimited(
    1,
    Buffer.concat([int64(1, id.readBigUInt64BE(0)), int64(2, id.readBigUInt64BE(8))]),
  )
  // The stored id is the body's first field and always 40 bytes long.
  return Buffer.concat([lengthDelimited(1, structured), body.subarray(40)])
}

function int64(field: number, value: bigint): Buffer {
  const bytes: number[] = [field * 8]
  let rest = value
  while (rest >= 128n) {
    bytes.push(Number(rest & 0x7fn) | 0x80)
    rest >>= 7n
  }
  bytes.push(Number(rest))
  return Buffer.from(bytes)
}

/**
 * A ReadEvent message inside the field that holds it. The usual case, an event without a link and with its id as text,
 * is written in one buffer and one copy. `retryCount` is for persistent subscriptions, whose message has that field too.
 */
export function encodeReadEvent(resolved: ResolvedRecord, form: UuidForm, retryCount?: number): Buffer {
  const { event, link } = resolved
  const original = (link ?? event)!
  const position = recordPosition(original)
  if (event && !link && form === 'string' && retryCount === undefined) return encodePlainEvent(event, position)
  const parts: Buffer[] = []
  if (event) parts.push(lengthDelimited(1, bodyInForm(event, form)))
  if (link) parts.push(lengthDelimited(2, bodyInForm(link, form)))
  parts.push(unsigned(3, position))
  if (retryCount !== undefined) parts.push(unsigned(5, retryCount))
  return lengthDelimited(1, ...parts)
}

function encodePlainEvent(event: RecordView, position: number): Buffer {
  const body = recordBody(event)
  const inner = 1 + varintLength(body.length) + body.length + 1 + varintLength(position)
  const buffer = Buffer.allocUnsafe(1 + varintLength(inner) + inner)
  buffer[0] = 0x0a
  let at = writeVarint(buffer, 1, inner)
  buffer[at++] = 0x0a
  at = writeVarint(buffer, at, body.length)
  buffer.set(body, at)
  at += body.length
  buffer[at++] = 0x18
  writeVarint(buffer, at, position)
  return buffer
}

export function encodeConfirmation(subscriptionId: Buffer): Buffer {
  return lengthDelimited(2, lengthDelimited(1, Buffer.from(uuidText(subscriptionId))))
}

export function encodeCheckpoint(position: number): Buffer {
  return lengthDelimited(3, unsigned(1, position), unsigned(2, position))
}

export function encodeStreamNotFound(stream: string): Buffer {
  return lengthDelimited(4, lengthDelimited(1, lengthDelimited(3, Buffer.from(stream))))
}

export const CAUGHT_UP = empty(8)
export const FELL_BEHIND = empty(9)

/** The text of a link's data, `revision@stream`, taken apart. */
export function parseLink(data: Buffer): { stream: string; revision: number } | undefined {
  const text = data.toString('utf8')
  const at = text.indexOf('@')
  const revision = Number(text.slice(0, at))
  if (at <= 0 || !Number.isSafeInteger(revision) || revision < 0) return undefined
  return { stream: text.slice(at + 1), revision }
}

export type ReadFrom = 'start' | 'end' | bigint

export type FilterRequest = {
  on: 'stream' | 'type'
  regex: string
  prefixes: string[]
  maxSearchWindow: number | undefined
  checkpointMultiplier: number
}

export type ReadRequest = {
  /** undefined reads $all. */
  stream: string | undefined
  from: ReadFrom
  backwards: boolean
  resolveLinks: boolean
  /** undefined subscribes. */
  count: bigint | undefined
  filter: FilterRequest | undefined
  uuidForm: UuidForm
}

function readStreamOptions(reader: WireReader, request: ReadRequest): void {
  while (reader.next()) {
    if (reader.field === 1) {
      const identifier = reader.message()
      while (identifier.next()) {
        if (identifier.field === 3) request.stream = identifier.string()
        else identifier.skip()
      }
    } else if (reader.field === 2) request.from = reader.bigint()
    else {
      if (reader.field === 3) request.from = 'start'
      else if (reader.field === 4) request.from = 'end'
      reader.skip()
    }
  }
}

function readAllOptions(reader: WireReader, request: ReadRequest): void {
  while (reader.next()) {
    if (reader.field === 1) {
      const position = reader.message()
      request.from = 0n
      while (position.next()) {
        if (position.field === 1) request.from = position.bigint()
        else position.skip()
      }
    } else {
      if (reader.field === 2) request.from = 'start'
      else if (reader.field === 3) request.from = 'end'
      reader.skip()
    }
  }
}

function readFilter(reader: WireReader): FilterRequest {
  const filter: FilterRequest = {
    on: 'type',
    regex: '',
    prefixes: [],
    maxSearchWindow: undefined,
    checkpointMultiplier: 1,
  }
  while (reader.next()) {
    if (reader.field === 1 || reader.field === 2) {
      filter.on = reader.field === 1 ? 'stream' : 'type'
      const expression = reader.message()
      while (expression.next()) {
        if (expression.field === 1) filter.regex = expression.string()
        else if (expression.field === 2) filter.prefixes.push(expression.string())
        else expression.skip()
      }
    } else if (reader.field === 3) filter.maxSearchWindow = reader.number()
    else if (reader.field === 5) filter.checkpointMultiplier = reader.number()
    else reader.skip()
  }
  return filter
}

export function decodeReadRequest(buffer: Buffer): ReadRequest {
  const request: ReadRequest = {
    stream: undefined,
    from: 'start',
    backwards: false,
    resolveLinks: false,
    count: 0n,
    filter: undefined,
    uuidForm: 'structured',
  }
  const outer = new WireReader(buffer)
  while (outer.next()) {
    if (outer.field !== 1) {
      outer.skip()
      continue
    }
    const reader = outer.message()
    while (reader.next()) {
      if (reader.field === 1) readStreamOptions(reader.message(), request)
      else if (reader.field === 2) readAllOptions(reader.message(), request)
      else if (reader.field === 3) request.backwards = reader.number() === 1
      else if (reader.field === 4) request.resolveLinks = reader.number() !== 0
      else if (reader.field === 5) request.count = reader.bigint()
      else if (reader.field === 7) request.filter = readFilter(reader.message())
      else if (reader.field === 9) {
        const form = reader.message()
        while (form.next()) {
          request.uuidForm = form.field === 2 ? 'string' : 'structured'
          form.skip()
        }
      } else {
        if (reader.field === 6) request.count = undefined
        reader.skip()
      }
    }
  }
  return request
}
