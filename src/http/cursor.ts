/**
 * Cursors as sealed text: AES-256-GCM under a key of the instance, bound to who asks and to what. Nobody but us can make
 * one, read what it holds, or take it to another question; every process with the same SECRETS_KEY opens it.
 */
import { hkdfSync } from 'node:crypto'
import { decrypt, encrypt, KEY_BYTES } from '../events/sealing.ts'

export interface CursorCipher {
  /** `bound`: whom and what the cursor is for; the same is to be given to open it. */
  seal(content: string, bound: readonly unknown[]): string
  /** Undefined where the text is no cursor of ours, or one for somebody or something else. */
  open(cursor: string, bound: readonly unknown[]): string | undefined
}

const boundTo = (bound: readonly unknown[]): Buffer => Buffer.from(JSON.stringify(bound))

const derived = (key: Uint8Array): Buffer => Buffer.from(hkdfSync('sha256', key, '', 'opslog cursors', KEY_BYTES))

/** `keys`: the instance's own, from which those of cursors are derived; the first one seals, and any opens. */
export const createCursorCipher = (keys: () => readonly Uint8Array[]): CursorCipher => ({
  seal(content, bound) {
    const [current] = keys()
    if (!current) throw new Error('there is no key to seal cursors with')
    return encrypt(Buffer.from(content), derived(current), boundTo(bound)).toString('base64url')
  },
  open(cursor, bound) {
    const box = Buffer.from(cursor, 'base64url')
    for (const key of keys()) {
      try {
        return decrypt(box, derived(key), boundTo(bound)).toString('utf8')
      } catch {
        // Of another key, or not one that we have given.
      }
    }
    return undefined
  },
})
