/** Digests of secrets, compared. */
import { timingSafeEqual } from 'node:crypto'

/** Whether two digests (SHA-256, hex) are the same, in a time that says nothing of how close a guess came. */
export const isSameHash = (kept: string, given: string): boolean =>
  kept.length === given.length && timingSafeEqual(Buffer.from(kept, 'hex'), Buffer.from(given, 'hex'))
