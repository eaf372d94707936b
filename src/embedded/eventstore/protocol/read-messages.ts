/** The answers of Read, encoded by hand around the bodies that the log holds already encoded. */
import { type RecordView, recordBody, recordId, recordPosition, uuidText } from '../storage/record.ts'
import { INT64_MAX } from '../storage/stream-metadata.ts'
import { empty, int64, lengthDelimited, unsigned, varintLength, writeVarint } from './wire.ts'

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

/** For clients that announce that they know it: the revision of the stream's last event, behind all others. */
export function encodeLastStreamPosition(revision: number): Buffer {
  return unsigned(6, revision)
}

/** The same of the first revision that can be read, where the answer has no event. */
export function encodeFirstStreamPosition(revision: number): Buffer {
  return unsigned(5, revision)
}

export const CAUGHT_UP = empty(8)
export const FELL_BEHIND = empty(9)

/** The text of a link's data, `revision@stream`, taken apart; undefined where the event is no link after all. */
export function parseLink(data: Buffer): { stream: string; revision: number } | undefined {
  const parts = /^([^@]*)@(.*)$/s.exec(data.toString('utf8'))
  if (!parts || !/^\s*[+-]?\d+\s*$/.test(parts[1]!)) return undefined
  const revision = BigInt(parts[1]!.trim().replace('+', ''))
  if (revision > INT64_MAX || revision < -INT64_MAX) return undefined
  return { stream: parts[2]!, revision: Number(revision) }
}
