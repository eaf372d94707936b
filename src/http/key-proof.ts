/** Whether a presented key is the one whose hash is kept, in a time that says nothing of how close a guess came. */
import { timingSafeEqual } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { hashKey } from '../commands/key-text.ts'

/** `keyHash`: of the key that the text names, in hex; undefined where there is none. */
export type KeyProof = (text: string, keyHash: string | undefined) => boolean

/** Compared with where there is no such key, so that a look-up that fails takes the same work as one that succeeds. */
const NO_HASH = '0'.repeat(64)

/** Keys that are remembered to have proved themselves, and for how long after they did. */
const PROVEN_MAX = 10_000
const PROVEN_TTL_MS = 60_000

/**
 * Remembers for a while which hash a text has proved, so that a key that is used all the time is hashed once a minute. The
 * hash that is kept is asked for at each request, so a key that is revoked or replaced is refused at once all the same;
 * and a guess is no text that was proved before.
 */
export function createKeyProof(): KeyProof {
  const proven = new LRUCache<string, string>({ max: PROVEN_MAX, ttl: PROVEN_TTL_MS })
  return (text, keyHash) => {
    if (keyHash !== undefined && proven.get(text) === keyHash) return true
    const isEqual = timingSafeEqual(Buffer.from(keyHash ?? NO_HASH, 'hex'), Buffer.from(hashKey(text), 'hex'))
    if (!isEqual || keyHash === undefined) return false
    proven.set(text, keyHash)
    return true
  }
}
