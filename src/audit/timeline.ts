/**
 * Which events concern one thing, in any stream: those of its streams, and those that name it. A thing may be
 * called by a stream's name, by any id, or by the name that an operator knows it by; while the log passes by, the ids
 * that are the thing's own are learnt from the events that made it.
 */
import { type AnyEvent, type Metadata, metadataSchema } from '../events/event.ts'
import { HEARTBEAT, type Registry } from '../events/registry.ts'
import type { Opening } from '../events/sealing.ts'
import type { AuditRules } from './declarations.ts'
import type { RawEvent } from './raw-log.ts'
import { sentenceOf } from './sentences.ts'
import { decodedOf } from './verifier.ts'

/** An event that was found, decoded as far as it can be. */
export interface DescribedEvent {
  raw: RawEvent
  /** What cannot be read has no data. */
  event: AnyEvent
  metadata: Metadata | undefined
  fault: string | undefined
  /** The event in a sentence, or why it cannot be read. */
  sentence: string
}

export interface Timeline {
  /** Whether the event concerns the thing, by what is known so far. */
  concerns(event: RawEvent): boolean
  /** Learns from an event that does. */
  take(described: DescribedEvent): void
  /** What the thing is known by, so far. */
  ids(): ReadonlySet<string>
  /** Streams from which an id was learnt. Reading them again gives the same ids. */
  teachers(): ReadonlySet<string>
}

export function createTimeline(thing: string, rules: AuditRules): Timeline {
  const isStream = /^[a-z]+\.\w+-/.test(thing)
  const ids = new Set([isStream ? idOf(thing) : thing])
  const teachers = new Set<string>()
  const needles = [...ids].map(needleOf)

  function learn(id: string, teacher: string): void {
    if (ids.has(id)) return
    teachers.add(teacher)
    ids.add(id)
    needles.push(needleOf(id))
  }

  /** A stream that was made under the thing's outer name is the thing's. */
  function learnFrom(described: DescribedEvent): void {
    const { raw, event } = described
    const { names = [], owns = [] } = rules.mentionOf(event.type) ?? {}
    const isNamed = names.some((field) => event.data[field] === thing)
    if (isNamed && raw.revision === 0n) learn(idOf(raw.stream), raw.stream)
    if (!ids.has(idOf(raw.stream))) return
    for (const field of owns) {
      const id = event.data[field]
      if (typeof id === 'string') learn(id, raw.stream)
    }
  }

  return {
    ids: () => ids,
    teachers: () => teachers,
    concerns(raw) {
      if (raw.type === HEARTBEAT) return false
      // That somebody has read about a thing is not of the thing's own history: each reading would make it longer.
      const parts = rules.isReading(raw.stream) ? [raw.metadata] : [raw.data, raw.metadata]
      return ids.has(idOf(raw.stream)) || parts.some((part) => mentions(part, needles))
    },
    take(described) {
      if (!isStream || ids.has(idOf(described.raw.stream)) || !described.metadata) learnFrom(described)
    },
  }
}

/** What follows the first `-` of a stream's name. */
export const idOf = (stream: string): string => stream.slice(stream.indexOf('-') + 1)

/** As it stands in JSON. */
export const needleOf = (id: string): Buffer => Buffer.from(JSON.stringify(id).slice(1, -1))

const bufferOf = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)

/** Whether one of them stands in the text as a whole value: within quotes. */
export const mentions = (text: Uint8Array, needles: readonly Buffer[]): boolean =>
  needles.some((needle) => quotes(bufferOf(text), needle))

const QUOTE = 0x22

function quotes(text: Buffer, needle: Buffer): boolean {
  for (let at = text.indexOf(needle); at >= 0; at = text.indexOf(needle, at + 1)) {
    if (text[at - 1] === QUOTE && text[at + needle.length] === QUOTE) return true
  }
  return false
}

export function describeEvent(raw: RawEvent, registry: Registry, opening?: Opening): DescribedEvent {
  const decoded = decodedOf(raw, registry, opening)
  const isRead = typeof decoded !== 'string'
  return {
    raw,
    event: isRead ? decoded : { type: raw.type, data: {} },
    metadata: metadataOf(raw),
    fault: isRead ? undefined : decoded,
    sentence: isRead ? sentenceOf(decoded, registry.sentences) : `cannot be read: ${decoded}`,
  }
}

function metadataOf(raw: RawEvent): Metadata | undefined {
  try {
    return metadataSchema.safeParse(JSON.parse(bufferOf(raw.metadata).toString())).data
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}
