/**
 * Where an answer was left off, as text for the next request: sealed, so that it says what we have put into it, and
 * bound to the key and to the question that it was given for.
 */
import { z } from '@hono/zod-openapi'
import { openCursor, type Sealer, sealCursor } from '../cursor.ts'

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

/** Short enough for a header line (16 KiB) with everything else in it. */
const LENGTH_MAX = 12_000

/** What a cursor is bound to, in addition to its question. */
export interface Asking {
  sealer: Sealer
  principal: { keyId: string }
}

const boundOf = ({ principal }: Asking, kind: Kind, question: object) => ({
  caller: [principal.keyId],
  list: kind,
  filters: question,
})

export const writeCursor = <K extends Kind>(asking: Asking, kind: K, question: object, at: CursorOf<K>): string =>
  sealCursor(asking.sealer, boundOf(asking, kind, question), at)

/** Throws a Problem (400) where the text is no cursor that this key was given for this question. */
export function readCursor<K extends Kind>(
  asking: Asking,
  kind: K,
  question: object,
  text: string | undefined,
): CursorOf<K> | undefined {
  if (text === undefined) return undefined
  const cursor = text.length <= LENGTH_MAX ? text : ''
  return openCursor(asking.sealer, boundOf(asking, kind, question), shapes[kind], cursor) as CursorOf<K>
}
