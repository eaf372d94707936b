/**
 * Pages of a list. A paging adds its parameters to the query and says from where and how many rows are read. It makes what
 * leads on to the next page. Keyset cursors of new contexts are sealed: opaque, and good for one caller, list and filter.
 */
import { z } from '@hono/zod-openapi'
import type { Counted } from '../runtime/counted.ts'
import { type CursorBound, openCursor, type Sealer, sealCursor } from './cursor.ts'
import type { Principal } from './environment.ts'
import { boundedText, wholeNumber } from './schemas.ts'

/** A page out of rows that were read one beyond it. */
export interface Page<Row> {
  rows: Row[]
}

/** `After` is what the rows are read from, `PageOf` what the answer is made of. */
export interface Paging<Row, After, PageOf extends Page<Row>> {
  /** The parameters that it adds to the query. */
  query: z.ZodRawShape
  /** What a query asks for. Throws a Problem where it does not fit together. */
  read: (query: Record<string, unknown>, list: ListIdentity) => { after: After; limit: number }
  page: (rows: Row[], hasMore: boolean, asked: { after: After; limit: number }, list: ListIdentity) => PageOf
}

/** What a cursor is bound to, and what makes and opens it. */
export interface ListIdentity extends CursorBound {
  sealer: Sealer
}

interface Asked {
  principal: Principal | undefined
  sealer: Sealer
  params: object
  query: Record<string, unknown>
  counted?: Counted
}

/** The handler of a list: reads the rows, cuts the page, and answers with it. */
export function answered<Row, After, PageOf extends Page<Row>, Found extends { rows: readonly Row[] }>(
  list: string,
  paging: Paging<Row, After, PageOf>,
  rows: (request: object) => Promise<Found>,
  bodyOf: (page: PageOf, found: Found) => unknown,
) {
  const own = Object.keys(paging.query)
  return async (request: Asked) => {
    const query = { ...request.query }
    for (const name of own) delete query[name]
    const filters = { ...request.params, ...query }
    const { tenantId = '', environment = '' } = request.principal ?? {}
    const identity = { caller: [tenantId, environment], list, filters, sealer: request.sealer }
    const asked = paging.read(request.query, identity)
    const found = await rows({ ...request, query, after: asked.after, limit: asked.limit + 1 })
    const answer = () => {
      const page = paging.page(found.rows.slice(0, asked.limit), found.rows.length > asked.limit, asked, identity)
      return { status: 200, body: bodyOf(page, found) }
    }
    return request.counted ? request.counted(answer) : answer()
  }
}

/** Beyond it Postgres would only count. */
const OFFSET_MAX = 100_000_000
const bounded = (min: number, max: number) => wholeNumber(min, max).openapi({ minimum: min, maximum: max })

/** `limit` and `offset`; rows in the order that the list has. */
export function offsetPaging<Row>({
  limitDefault,
  limitMax,
}: {
  limitDefault: number
  limitMax: number
}): Paging<Row, { offset: number }, Page<Row> & { offset: number; limit: number; hasMore: boolean }> {
  return {
    query: { limit: bounded(1, limitMax).optional(), offset: bounded(0, OFFSET_MAX).optional() },
    read: ({ limit = limitDefault, offset = 0 }) => ({ after: { offset: offset as number }, limit: limit as number }),
    page: (rows, hasMore, { after, limit }) => ({ rows, hasMore, offset: after.offset, limit }),
  }
}

type Key = readonly (string | number)[]

/** Longer than any cursor that was made here. */
const CURSOR_LENGTH_MAX = 1_000
const keyShape = z.array(z.union([z.string(), z.number()])).max(8)

/** `limit` and an opaque `cursor` over the columns that the list is sorted by, the last of them unique. */
export function keysetPaging<Row>(options: {
  limitDefault: number
  limitMax: number
  /** Where a row stands. */
  keyOf: (row: Row) => Key
}): Paging<Row, Key | undefined, Page<Row> & { nextCursor: string | null; hasMore: boolean }> {
  const { limitDefault, limitMax, keyOf } = options
  return {
    query: { limit: bounded(1, limitMax).optional(), cursor: boundedText(CURSOR_LENGTH_MAX).optional() },
    read: ({ limit = limitDefault, cursor }, list) => ({
      limit: limit as number,
      after: cursor === undefined ? undefined : openCursor(list.sealer, list, keyShape, cursor as string),
    }),
    page: (rows, hasMore, _, list) => {
      const last = rows.at(-1)
      return { rows, hasMore, nextCursor: hasMore && last ? sealCursor(list.sealer, list, keyOf(last)) : null }
    },
  }
}
