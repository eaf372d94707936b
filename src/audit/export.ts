/**
 * An event as a line that somebody else can check (scripts/verify-export.mjs): the exact bytes of data and metadata as
 * text, or in base64 where they are not UTF-8, and the event's leaf in the Merkle tree that seals are made over.
 */
import { z } from 'zod'
import { leafOf } from './merkle.ts'
import type { RawEvent } from './raw-log.ts'
import { isSealed } from './seal.ts'

/** An event as a line of an export tells it, and what the line says of its leaf. */
export interface ExportedEvent extends RawEvent {
  statedLeaf: string | null
}

const bytes = z.union([
  z.strictObject({ text: z.string() }).transform(({ text }) => Buffer.from(text, 'utf8')),
  z.strictObject({ base64: z.base64() }).transform(({ base64 }) => Buffer.from(base64, 'base64')),
])
const digits = z.string().regex(/^\d{1,20}$/)
const line = z.object({
  position: digits.transform(BigInt),
  stream: z.string(),
  revision: digits.transform(BigInt),
  id: z.string(),
  type: z.string(),
  contentType: z.string(),
  created: digits,
  data: bytes,
  metadata: bytes,
  leaf: z.string().nullable(),
})

type Bytes = { text: string } | { base64: string }

function bytesOf(raw: Uint8Array): Bytes {
  const buffer = Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength)
  const text = buffer.toString('utf8')
  return Buffer.from(text).equals(buffer) ? { text } : { base64: buffer.toString('base64') }
}

/** One line of NDJSON, with its line feed. `leaf` is null for heartbeats, which no seal covers. */
export function exportLine(event: RawEvent): string {
  const { id, stream, type, contentType, created } = event
  return `${JSON.stringify({
    position: `${event.position}`,
    stream,
    revision: `${event.revision}`,
    id,
    type,
    contentType,
    created,
    data: bytesOf(event.data),
    metadata: bytesOf(event.metadata),
    leaf: isSealed(event) ? leafOf(event).toString('hex') : null,
  })}\n`
}

/** The event of a line. Throws where the text is none that `exportLine` makes. */
export function parseExportLine(text: string): ExportedEvent {
  const { leaf, ...event } = line.parse(JSON.parse(text))
  return { ...event, statedLeaf: leaf }
}
