/**
 * Text that only this installation can make and read: cursors, and positions beside them. AES-256-GCM under a key that is derived
 * from the instance's own, so every process with the same SECRETS_KEY opens it. A cursor is bound to its caller, its
 * list and its filters: it opens for nobody else and for no other question.
 */
import type { z } from '@hono/zod-openapi'
import { decrypt, encrypt } from '../events/sealing.ts'
import { perKey } from './derived-key.ts'
import { invalid } from './errors.ts'
import { createPositionSealer, type PositionSealer } from './sealed-position.ts'

export interface Sealer extends PositionSealer {
  /** `bound`: whom and what the text is for; opening it takes the same. */
  seal(content: string, bound: readonly unknown[]): string
  /** Undefined where this installation did not make the text, or made it for somebody or something else. */
  open(sealed: string, bound: readonly unknown[]): string | undefined
}

const plain = (_: string, value: unknown) => (typeof value === 'bigint' ? `${value}` : value)
const boundTo = (bound: readonly unknown[]): Buffer => Buffer.from(JSON.stringify(bound, plain))

/** `keys`: the instance's own, of which the first one seals and any opens. */
export function createSealer(keys: () => readonly Uint8Array[]): Sealer {
  const derived = perKey('opslog cursors', (key) => key)
  return {
    ...createPositionSealer(keys),
    seal(content, bound) {
      const [current] = keys()
      if (!current) throw new Error('there is no key to seal cursors with')
      return encrypt(Buffer.from(content), derived(current), boundTo(bound)).toString('base64url')
    },
    open(sealed, bound) {
      const box = Buffer.from(sealed, 'base64url')
      // Other spellings of the same bytes are changed texts.
      if (box.toString('base64url') !== sealed) return undefined
      for (const key of keys()) {
        try {
          return decrypt(box, derived(key), boundTo(bound)).toString('utf8')
        } catch {
          // Sealed with another key, or not by us.
        }
      }
      return undefined
    },
  }
}

/** What a cursor is good for. */
export interface CursorBound {
  /** Who may use it: the tenant, or one of its keys. */
  caller: readonly string[]
  list: string
  /** Everything else that the path and the query ask for. */
  filters: object
}

const boundOf = ({ caller, list, filters }: CursorBound) => [caller, list, Object.entries(filters).toSorted()]

/** A cursor that holds `content`, in which 64-bit integers become text. */
export const sealCursor = (sealer: Sealer, bound: CursorBound, content: unknown): string =>
  sealer.seal(JSON.stringify(content, plain), boundOf(bound))

/** What the cursor holds. Throws a Problem (400) where it is none of this caller, list and filters. */
export function openCursor<S extends z.ZodType>(
  sealer: Sealer,
  bound: CursorBound,
  schema: S,
  cursor: string,
): z.output<S> {
  const content = sealer.open(cursor, boundOf(bound))
  const held = content === undefined ? undefined : schema.safeParse(JSON.parse(content))
  if (held?.success) return held.data
  throw invalid('query/cursor', 'invalid_format', 'No answer to this caller and this question gave this cursor.')
}
