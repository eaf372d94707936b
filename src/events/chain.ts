/**
 * The hash chain of each stream: an event that is changed, dropped or moved later no longer fits. Writers and verifiers share
 * this one implementation, over stored bytes.
 */
import { hash as digest } from 'node:crypto'
import type { AnyEvent, Cause } from './event.ts'

/**
 * The link of a stream's hash chain: SHA-256 in hex over the previous link and the stored bytes of type, data and metadata.
 * The metadata counts without its own `hash`.
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
export interface Location {
  id: string
  stream: string
  revision: bigint
}

/** Of SHA-256. */
const DIGEST_LENGTH = 32

/**
 * The first 128 bits in hex of SHA-256 over an event's id, stream and revision. The metadata states this digest and the
 * chain covers the metadata, so a change of any of the three shows.
 */
export const locationDigest = ({ id, stream, revision }: Location): string =>
  digest('sha256', `${id.toLowerCase()}\n${stream}\n${revision}`).slice(0, DIGEST_LENGTH)

/** The stored texts of an event after one with this hash: its data (`json`), and its metadata, which ends with its own hash. */
export function chained(prevHash: string, event: AnyEvent, cause: Cause, location: Location, json?: string): Link {
  const data = json ?? JSON.stringify(event.data)
  const unsealed = JSON.stringify({ ...cause, place: locationDigest(location), prevHash })
  const hash = chainHash(prevHash, event.type, data, unsealed)
  return { data, metadata: `${unsealed.slice(0, -1)},"hash":"${hash}"}`, hash }
}

export interface Link {
  data: string
  metadata: string
  hash: string
}
