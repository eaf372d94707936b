/**
 * Where an answer was left off, as text for the next request: sealed, so that it says what we have put into it, and
 * bound to the key and to the question that it was given for.
 */
import { z } from '@hono/zod-openapi'
import type { CursorCipher } from '../cursor.ts'
import { invalid } from '../errors.ts'

const position = z
  .string()
  .regex(/^\d{1,19}$/)
  .transform(BigInt)
const streams = z.array(z.string().min(1).max(512)).max(100)

const shapes = {
  history: z.object({
    after: position.optional(),
    until: position,
    teachers: streams,
    /** Events on the pages before. */
    found: z.int().nonnegative(),
  }),
  trace: z.object({
    pass: z.int().min(0).max(10),
    names: z.int().nonnegative(),
    after: position.optional(),
    until: position,
    found: z.array(position).max(10_000),
  }),
  state: z.object({ after: position.optional(), until: position, teachers: streams, categories: streams }),
  verification: z.object({
    after: position.optional(),
    revision: position,
    until: position,
    tree: z.object({ count: position, subtrees: z.array(z.string().regex(/^[0-9a-f]{64}$/)).max(64) }).optional(),
    found: z.int().nonnegative(),
  }),
}
type Kind = keyof typeof shapes
export type CursorOf<K extends Kind> = z.output<(typeof shapes)[K]>

/** Short enough for a header line (16 KiB) with all that stands beside it. */
const LENGTH_MAX = 12_000

/** The part of a request that a cursor is bound to beside its question. */
export interface Asking {
  cursorCipher: CursorCipher
  principal: { keyId: string }
}

export function writeCursor<K extends Kind>(
  { cursorCipher, principal }: Asking,
  kind: K,
  question: object,
  at: CursorOf<K>,
): string {
  const text = JSON.stringify(at, (_, value: unknown) => (typeof value === 'bigint' ? `${value}` : value))
  return cursorCipher.seal(text, [principal.keyId, kind, question])
}

/** Throws a Problem (400) where the text is no cursor that this key was given for this question. */
export function readCursor<K extends Kind>(
  { cursorCipher, principal }: Asking,
  kind: K,
  question: object,
  text: string | undefined,
): CursorOf<K> | undefined {
  if (text === undefined) return undefined
  const isShort = text.length <= LENGTH_MAX
  const content = isShort ? cursorCipher.open(text, [principal.keyId, kind, question]) : undefined
  const at = content === undefined ? undefined : shapes[kind].safeParse(JSON.parse(content))
  if (at?.success) return at.data as CursorOf<K>
  throw invalid('query/cursor', 'invalid_format', 'The cursor is not one that this key was given for this question.')
}
