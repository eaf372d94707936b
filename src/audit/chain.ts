/**
 * The hash chain of a stream, recomputed from the stored bytes. The rule is the writer's own (chainHash); what is cut
 * off here are the very bytes that the writer has added: `,"hash":"<64 hex digits>"` at the metadata's end.
 */
import { chainHash } from '../events/chain.ts'
import type { Registry } from '../events/registry.ts'
import { membersOf, type RawEvent } from './raw-log.ts'

const SUFFIX = /^,"hash":"([0-9a-f]{64})"\}$/
/** What the hash adds to the end of stored metadata, which is left out of what is hashed. */
const SUFFIX_LENGTH = 75
const CLOSING = Buffer.from('}')

export interface Link {
  hash: string
  prevHash: string
  /** Of the event's id, stream and revision (locationDigest); undefined on events from before there was such a thing. */
  place: string | undefined
  actorKind: unknown
}

/** Whether the event's metadata ends as the writer's does, so that it is, or was once, one of ours. */
export function isChained({ metadata }: Pick<RawEvent, 'metadata'>): boolean {
  const end = Buffer.from(metadata.buffer, metadata.byteOffset, metadata.byteLength).subarray(-SUFFIX_LENGTH)
  return SUFFIX.test(end.toString('latin1'))
}

/** An event of another program: it stands where none of its type of ours would, and is not chained as ours are. */
export const isOthers = (event: Pick<RawEvent, 'type' | 'stream' | 'metadata'>, registry: Registry): boolean =>
  registry.isForeign(event) && !isChained(event)

/**
 * The link that an event states, once its own hash has been found to fit its bytes; otherwise a sentence about what
 * does not fit.
 */
export function linkOf(event: RawEvent): Link | string {
  const metadata = Buffer.from(event.metadata.buffer, event.metadata.byteOffset, event.metadata.byteLength)
  const end = metadata.length - SUFFIX_LENGTH
  const suffix = end < 1 ? null : SUFFIX.exec(metadata.toString('latin1', end))
  if (!suffix) return 'the metadata does not end in a hash'
  const hash = suffix[1]!
  const { prevHash, place, actor } = membersOf(metadata) as Record<string, unknown> & {
    actor?: { kind?: unknown } | null
  }
  if (typeof prevHash !== 'string') return 'the metadata names no previous hash'
  const unsealed = Buffer.concat([metadata.subarray(0, end), CLOSING])
  const computed = chainHash(prevHash, event.type, event.data, unsealed)
  const stated = { prevHash, place: typeof place === 'string' ? place : undefined, actorKind: actor?.kind }
  return computed === hash ? { hash, ...stated } : 'type, data or metadata are not those that were hashed'
}
