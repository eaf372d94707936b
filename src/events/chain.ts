/**
 * The chain of hashes that each stream is: whatever is changed, dropped or moved in it later no longer fits. There is one
 * implementation, over stored bytes, for whoever writes and for whoever checks.
 */
import { hash as digest } from 'node:crypto'
import type { AnyEvent, Cause } from './event.ts'

/**
 * The link of a stream's hash chain: SHA-256, hex, over the previous link and the exact bytes of the event's type, data
 * and metadata as they are stored, the metadata without its own `hash`.
 */
export function chainHash(
  prevHash: string,
  type: string,
  data: string | Uint8Array,
  metadataWithoutHash: string | Uint8Array,
): string {
  const parts = [prevHash, type, data, metadataWithoutHash]
  if (parts.every((part) => typeof part === 'string')) return digest('sha256', parts.map(framed).join(''))
  const bytes = parts.flatMap((part) => [
    Buffer.from(`${Buffer.byteLength(part)}:`),
    typeof part === 'string' ? Buffer.from(part) : part,
  ])
  return digest('sha256', Buffer.concat(bytes))
}

const framed = (text: string): string => `${Buffer.byteLength(text)}:${text}`

/** Where an event stands. */
export interface Place {
  id: string
  stream: string
  revision: bigint
}

const PLACE_LENGTH = 32

/**
 * SHA-256, its first 128 bits in hex, over an event's id, stream and revision. The event's metadata states it, and the
 * chain is over the metadata: so none of the three can be changed without its showing.
 */
export const locationDigest = ({ id, stream, revision }: Place): string =>
  digest('sha256', `${id.toLowerCase()}\n${stream}\n${revision}`).slice(0, PLACE_LENGTH)

/** An event as it is stored after one with this hash: the texts of its data and its metadata, whose end is its own hash. */
export function chained(prevHash: string, event: AnyEvent, cause: Cause, place: Place): Link {
  const data = JSON.stringify(event.data)
  const unsealed = JSON.stringify({ ...cause, place: locationDigest(place), prevHash })
  const hash = chainHash(prevHash, event.type, data, unsealed)
  return { data, metadata: `${unsealed.slice(0, -1)},"hash":"${hash}"}`, hash }
}

export interface Link {
  data: string
  metadata: string
  hash: string
}
