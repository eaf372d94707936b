/** Secrets that links and browsers' cookies hold: 256 random bits each. Only hashes are kept. */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'

/** 43 characters that need no escaping in an address or a cookie. */
export const newSecret = (): string => randomBytes(32).toString('base64url')

/** What a secret looks like; anything else is not looked up at all. */
export const isSecret = (text: string): boolean => /^[A-Za-z0-9_-]{43}$/.test(text)

/** SHA-256, hex. The secret is random, so that nothing slower is needed. */
export const hashSecret = (secret: string): string => createHash('sha256').update(secret).digest('hex')

/** Whether somebody has sent what was wanted, in a time that does not tell how much of it is right. */
export const isSameSecret = (wanted: string, given: string): boolean => {
  const [own, other] = [Buffer.from(wanted), Buffer.from(given)]
  return own.length === other.length && timingSafeEqual(own, other)
}
