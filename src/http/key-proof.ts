/** Whether a presented key is the one whose hash is kept, in a time that says nothing of how close a guess came. */
import { timingSafeEqual } from 'node:crypto'
import { hashKey } from '../commands/key-text.ts'

/** Compared with where there is no such key, so that a look-up that fails takes the same work as one that succeeds. */
const NO_HASH = '0'.repeat(64)

/** `keyHash`: of the key that the text names, in hex; undefined where there is none. */
export function provesKey(text: string, keyHash: string | undefined): boolean {
  const isEqual = timingSafeEqual(Buffer.from(keyHash ?? NO_HASH, 'hex'), Buffer.from(hashKey(text), 'hex'))
  return isEqual && keyHash !== undefined
}
