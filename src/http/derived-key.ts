/** Keys for one purpose each, derived from the instance's own (HKDF, RFC 5869). */
import { hkdfSync } from 'node:crypto'
import { KEY_BYTES } from '../events/sealing.ts'

/** What `make` makes of the key for this purpose; once for each key. */
export function perKey<T>(purpose: string, make: (derived: Buffer) => T): (key: Uint8Array) => T {
  const known = new WeakMap<Uint8Array, { of: T }>()
  return (key) => {
    const found = known.get(key)
    if (found) return found.of
    const made = { of: make(Buffer.from(hkdfSync('sha256', key, '', purpose, KEY_BYTES))) }
    known.set(key, made)
    return made.of
  }
}
