/**
 * Links of the disk store: `<payload>.<mac>`. The payload says what the link allows, and its HMAC-SHA-256 that it is ours:
 * no part of a path ever comes from a client.
 */
import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto'
import type { Download, Upload } from './object-store.ts'

/** What a link allows. */
export type Grant = ({ method: 'PUT' } & Upload) | ({ method: 'GET' } & Download)

export interface LinkTexts {
  write(grant: Grant): string
  /** Undefined where the text is none of ours. It may have expired. */
  read(text: string): Grant | undefined
}

/** Of AES-256-GCM. */
const KEY_BYTES = 32
const PURPOSE = 'opslog object links'
/** Names are bounded, so every link of ours is shorter. */
const TEXT_MAX = 8_192

/** `keys`: the instance's own, of which the first signs and any is good. */
export function createLinkTexts(keys: () => readonly Uint8Array[]): LinkTexts {
  const derived = new WeakMap<Uint8Array, Buffer>()
  const macOf = (key: Uint8Array, payload: string): Buffer => {
    const known = derived.get(key) ?? Buffer.from(hkdfSync('sha256', key, '', PURPOSE, KEY_BYTES))
    derived.set(key, known)
    return createHmac('sha256', known).update(payload).digest()
  }
  return {
    write(grant) {
      const [current] = keys()
      if (!current) throw new Error('there is no key to sign links with')
      const payload = Buffer.from(JSON.stringify(partsOf(grant))).toString('base64url')
      return `${payload}.${macOf(current, payload).toString('base64url')}`
    },
    read(text) {
      const [payload = '', mac = '', ...more] = text.length > TEXT_MAX ? [] : text.split('.')
      const given = Buffer.from(mac, 'base64url')
      // Another spelling of the same bytes is a changed link.
      if (more.length > 0 || given.toString('base64url') !== mac) return undefined
      const isOurs = keys().some((key) => {
        const own = macOf(key, payload)
        return own.length === given.length && timingSafeEqual(own, given)
      })
      return isOurs ? grantOf(JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'))) : undefined
    },
  }
}

type Parts = [method: 'PUT' | 'GET', key: string, contentType: string, expiresAtMs: number, last: number | string]

const partsOf = (grant: Grant): Parts => {
  const { method, key, contentType, expiresAt } = grant
  return [method, key, contentType, expiresAt.getTime(), method === 'PUT' ? grant.sizeBytes : grant.filename]
}

function grantOf([method, key, contentType, expiresAtMs, last]: Parts): Grant {
  const of = { key, contentType, expiresAt: new Date(expiresAtMs) }
  return method === 'PUT' ? { method, ...of, sizeBytes: Number(last) } : { method, ...of, filename: String(last) }
}
