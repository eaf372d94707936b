/** Whether a presented key is the one whose hash is kept, in a time that says nothing of how close a guess came. */
import { timingSafeEqual } from 'node:crypto'
import { createLru } from '../runtime/lru.ts'
import { hashKey } from './key-text.ts'

/** Keys of one kind: what their texts name, and what is kept of them. */
export interface KeyKind<Kept> {
  /** What of a presented text is hashed; undefined where it is no key of this kind. Default: the text as it is. */
  formOf?(text: string): string | undefined
  /** The id that such a form names, or undefined where it is not a key of this kind. */
  idOf(form: string): string | undefined
  find(keyId: string): Kept | undefined
  /** In hex. */
  hashOf(kept: Kept): string
}

/** Compared with where the key is unknown, so that a failing check takes as much work as a succeeding one. */
const NO_HASH = '0'.repeat(64)

/** Keys that are remembered to have proved themselves, and for how long after they did. */
const PROVEN_MAX = 10_000
const PROVEN_TTL_MS = 60_000

/**
 * What is kept of the key that a text is, or undefined where it is none. The check remembers for a minute which hash a
 * text has proved, so a busy key is read and hashed once a minute. It compares with the kept hash at each request, so a
 * revoked or replaced key is refused at once.
 */
export function createKeyProof<Kept>(kind: KeyKind<Kept>): (text: string) => Kept | undefined {
  const { formOf = (text) => text, idOf, find, hashOf } = kind
  const proven = createLru<string, Record<'form' | 'keyId' | 'keyHash', string>>(PROVEN_MAX, { ttlMs: PROVEN_TTL_MS })
  return (text) => {
    const proof = proven.get(text)
    const form = proof?.form ?? formOf(text)
    const keyId = proof?.keyId ?? (form === undefined ? undefined : idOf(form))
    if (form === undefined || keyId === undefined) return undefined
    const kept = find(keyId)
    const keyHash = kept === undefined ? NO_HASH : hashOf(kept)
    if (proof?.keyHash === keyHash) return kept
    const isEqual = timingSafeEqual(Buffer.from(keyHash, 'hex'), Buffer.from(hashKey(form), 'hex'))
    if (!isEqual || kept === undefined) return undefined
    proven.set(text, { form, keyId, keyHash })
    return kept
  }
}
