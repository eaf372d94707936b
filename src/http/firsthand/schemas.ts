/** The schemas that several of firsthand's operations share. */
import { z } from '@hono/zod-openapi'
import { type Camel, camelCase } from '../../runtime/letter-case.ts'
import { keysetPaging, type Paging } from '../paging.ts'
import { boundedText } from '../schemas.ts'

/** The header of a write that may be repeated; what it is made of, the kernel checks. */
export const idempotencyHeader = z.object({ 'idempotency-key': z.string().optional() })

/** An id of ours in an address. What is no id finds nothing. */
export const id = boundedText(100)

/** A word of a list in a query, where the contract leaves it open: an unknown one would hide a typing error. */
export const oneOf = <const Word extends string>(words: readonly Word[]) =>
  z
    .string()
    .refine((text) => words.includes(text as Word), { message: `must be one of ${words.join(', ')}` })
    .transform((text) => text as Word)
    .openapi({ type: 'string' })

/** A page of these, as the answer has it. */
export const pageOf = <S extends z.ZodType>(name: string, item: S) =>
  z
    .object({
      object: z.literal('list'),
      data: z.array(item),
      has_more: z.boolean(),
      next_cursor: z.string().nullable(),
    })
    .openapi(name)

const LIMIT_DEFAULT = 20
const LIMIT_MAX = 100

/** Newest first, by the time of making and by this column, which is unique. */
export function newestFirst<Row extends { created_at: string }, Id extends keyof Row & string>(idColumn: Id) {
  const { query, read, page } = keysetPaging<Row>({
    limitDefault: LIMIT_DEFAULT,
    limitMax: LIMIT_MAX,
    keyOf: (row) => [row.created_at, String(row[idColumn])],
  })
  type Before = Record<'createdAt' | Camel<Id>, string>
  const paging: Paging<Row, Before | undefined, ReturnType<typeof page>> = {
    query,
    read: (asked, of) => {
      const { after, limit } = read(asked, of)
      const [createdAt, id] = after ?? []
      return { limit, after: after && ({ createdAt, [camelCase(idColumn)]: id } as Before) }
    },
    page: (rows, hasMore, { limit }, of) => page(rows, hasMore, { after: undefined, limit }, of),
  }
  return paging
}

/** The answer's body. */
export const pageBody = <Item>(data: Item[], { hasMore: has_more, nextCursor: next_cursor }: PageEnd) => ({
  object: 'list' as const,
  ...{ data, has_more, next_cursor },
})
interface PageEnd {
  hasMore: boolean
  nextCursor: string | null
}
