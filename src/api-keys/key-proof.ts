/** Whether a presented key is the one whose hash is kept, in a time that says nothing of how close a guess came. */
import { timingSafeEqual } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { hashKey } from './key-text.ts'

/** Keys of one kind: what their texts name, and what is kept of them. */
export interface KeyKind<Kept> {
  /** The id that a text names, or undefined where it is no key of this kind. */
  idOf(text: string): string | undefined
  find(keyId: string): Kept | undefined
  /** In hex. */
  hashOf(kept: Kept): string
}

/** Compared with where there is no such key, so that a look-up that fails takes the same work as one that succeeds. */
const NO_HASH = '0'.repeat(64)

/** Keys that are remembered to have proved themselves, and for how long after they did. */
const PROVEN_MAX = 10_000
const PROVEN_TTL_MS = 60_000

/**
 * What is kept of the key that a text is, or undefined where it is none. Remembers for a while which hash a text has
 * proved, so that a key that is used all the time is read and hashed once a minute. The hash that is kept is asked for at
 * each request, so a key that is revoked or replaced is refused at once all the same; and a guess is no text that was
 * proved before.
 */
export function createKeyProof<Kept>({ idOf, find, hashOf }: KeyKind<Kept>): (text: string) => Kept | undefined {
  const proven = new LRUCache<string, { keyId: string; keyHash: string }>({ max: PROVEN_MAX, ttl: PROVEN_TTL_MS })
  return (text) => {
    const proof = proven.get(text)
    const keyId = proof?.keyId ?? idOf(text)
    if (keyId === undefined) return undefined
    const kept = find(keyId)
    const keyHash = kept === undefined ? NO_HASH : hashOf(kept)
    if (proof?.keyHash === keyHash) return kept
    const isEqual = timingSafeEqual(Buffer.from(keyHash, 'hex'), Buffer.from(hashKey(text), 'hex'))
    if (!isEqual || kept === undefined) return undefined
    proven.set(text, { keyId, keyHash })
    return kept
  }
}
