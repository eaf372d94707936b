/**
 * Where an answer was left off, as text for the next request. A cursor holds no secrets and opens nothing: whatever it
 * says, the next page shows what the key may see, and no more. It fits the question that it was given for alone.
 */
import { createHash } from 'node:crypto'
import { z } from '@hono/zod-openapi'
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

const envelope = z.object({ of: z.string(), at: z.unknown() })

/** Told apart by everything that the question asks. */
const questionId = (kind: Kind, question: object): string =>
  createHash('sha256')
    .update(JSON.stringify([kind, question]))
    .digest('base64url')
    .slice(0, 12)

export function writeCursor<K extends Kind>(kind: K, question: object, at: CursorOf<K>): string {
  const text = JSON.stringify({ of: questionId(kind, question), at }, (_, value: unknown) =>
    typeof value === 'bigint' ? `${value}` : value,
  )
  return Buffer.from(text).toString('base64url')
}

/** Throws a Problem (400) where the text is no cursor, or one of another question. */
export function readCursor<K extends Kind>(
  kind: K,
  question: object,
  text: string | undefined,
): CursorOf<K> | undefined {
  if (text === undefined) return undefined
  const parsed = parse(kind, text)
  if (!parsed) throw invalid('query/cursor', 'invalid_format', 'The cursor is not one that an answer has given.')
  if (parsed.of !== questionId(kind, question)) {
    throw invalid('query/cursor', 'other_question', 'The cursor belongs to another question.')
  }
  return parsed.at
}

function parse<K extends Kind>(kind: K, text: string): { of: string; at: CursorOf<K> } | undefined {
  if (text.length > LENGTH_MAX) return undefined
  try {
    const outer = envelope.safeParse(JSON.parse(Buffer.from(text, 'base64url').toString('utf8')))
    const inner = outer.success ? shapes[kind].safeParse(outer.data.at) : undefined
    return outer.success && inner?.success ? { of: outer.data.of, at: inner.data as CursorOf<K> } : undefined
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}
