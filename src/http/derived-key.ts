/** Keys for one purpose each, derived from the instance's own (HKDF, RFC 5869). */
import { hkdfSync } from 'node:crypto'
import { KEY_BYTES } from '../events/sealing.ts'

/** What `make` makes of the key for this purpose; once for each key. */
export function perKey<T>(purpose: string, make: (derived: Buffer) => T): (key: Uint8Array) => T {
  const made = new WeakMap<Uint8Array, { of: T }>()
  return (key) => {
    const known = made.get(key) ?? { of: make(Buffer.from(hkdfSync('sha256', key, '', purpose, KEY_BYTES))) }
    if (!made.has(key)) made.set(key, known)
    return known.of
  }
}
