/**
 * Pages of a list. A paging adds its parameters to the query, says from where and how many rows are read, and makes what
 * leads on to the next page. Keyset cursors of new contexts are sealed: opaque, and good for one caller, list and filter.
 */
import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto'
import { z } from '@hono/zod-openapi'
import type { Principal } from './environment.ts'
import { invalid } from './errors.ts'
import { boundedText } from './schemas.ts'

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

/** What a cursor is bound to. */
export interface ListIdentity {
  tenantId: string
  environment: string
  list: string
  /** Everything else that the query and the path ask for. */
  filters: Readonly<Record<string, unknown>>
  /** Makes and opens cursors, where the context has any. */
  cursors: CursorSealer | undefined
}

interface Asked {
  principal: Principal | undefined
  cursors?: CursorSealer
  params: object
  query: Record<string, unknown>
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
    const identity = { tenantId, environment, list, filters, cursors: request.cursors }
    const asked = paging.read(request.query, identity)
    const found = await rows({ ...request, query, after: asked.after, limit: asked.limit + 1 })
    const page = paging.page(found.rows.slice(0, asked.limit), found.rows.length > asked.limit, asked, identity)
    return { status: 200, body: bodyOf(page, found) }
  }
}

/** A whole number in a query, within bounds; in the document an integer. */
export const wholeNumber = (min: number, max: number) =>
  z
    .string()
    .refine((given) => /^\d{1,9}$/.test(given) && Number(given) >= min && Number(given) <= max, {
      message: `is to be a whole number from ${min} to ${max}`,
    })
    .transform(Number)
    .openapi({ type: 'integer', minimum: min, maximum: max })

const OFFSET_MAX = 100_000_000

/** `limit` and `offset`; rows in the order that the list has. */
export function offsetPaging<Row>({
  limitDefault,
  limitMax,
}: {
  limitDefault: number
  limitMax: number
}): Paging<Row, { offset: number }, Page<Row> & { offset: number; limit: number; hasMore: boolean }> {
  return {
    query: { limit: wholeNumber(1, limitMax).optional(), offset: wholeNumber(0, OFFSET_MAX).optional() },
    read: ({ limit = limitDefault, offset = 0 }) => ({ after: { offset: offset as number }, limit: limit as number }),
    page: (rows, hasMore, { after, limit }) => ({ rows, hasMore, offset: after.offset, limit }),
  }
}

type Key = readonly (string | number)[]

/** `limit` and an opaque `cursor` over the columns that the list is sorted by, the last of them unique. */
export function keysetPaging<Row>(options: {
  limitDefault: number
  limitMax: number
  /** Where a row stands. */
  keyOf: (row: Row) => Key
}): Paging<Row, Key | undefined, Page<Row> & { nextCursor: string | null; hasMore: boolean }> {
  const { limitDefault, limitMax, keyOf } = options
  const sealerOf = ({ cursors, list }: ListIdentity): CursorSealer => {
    if (!cursors) throw new Error(`the context of ${list} has no key for cursors`)
    return cursors
  }
  return {
    query: { limit: wholeNumber(1, limitMax).optional(), cursor: boundedText(CURSOR_LENGTH_MAX).optional() },
    read: ({ limit = limitDefault, cursor }, list) => ({
      limit: limit as number,
      after: cursor === undefined ? undefined : sealerOf(list).open(cursor as string, list),
    }),
    page: (rows, hasMore, _, list) => {
      const last = rows.at(-1)
      return { rows, hasMore, nextCursor: hasMore && last ? sealerOf(list).seal(keyOf(last), list) : null }
    },
  }
}

export interface CursorSealer {
  seal: (key: Key, list: ListIdentity) => string
  /** Throws a Problem (400) where the cursor is not one of this list, as this caller asks for it. */
  open: (cursor: string, list: ListIdentity) => Key
}

const CURSOR_LENGTH_MAX = 1_000
const MAC_BYTES = 16
const keyShape = z.array(z.union([z.string(), z.number()])).max(8)

/** Cursors under keys of the instance, the first of which makes them: a MAC over the key and the list stands before the key. */
export function createCursorSealer(keys: () => readonly Uint8Array[]): CursorSealer {
  const macOf = (secret: Uint8Array, text: string, { tenantId, environment, list, filters }: ListIdentity) =>
    createHmac('sha256', new Uint8Array(hkdfSync('sha256', secret, '', 'opslog list cursors', 32)))
      .update(JSON.stringify([tenantId, environment, list, Object.entries(filters).toSorted(), text]))
      .digest()
      .subarray(0, MAC_BYTES)
  return {
    seal(key, list) {
      const [current] = keys()
      if (!current) throw new Error('there is no key to seal cursors with')
      const content = JSON.stringify(key)
      return Buffer.concat([macOf(current, content, list), Buffer.from(content)]).toString('base64url')
    },
    open(cursor, list) {
      const bytes = Buffer.from(cursor, 'base64url')
      const [mac, content] = [bytes.subarray(0, MAC_BYTES), bytes.subarray(MAC_BYTES).toString()]
      const isOurs = bytes.length > MAC_BYTES && keys().some((key) => timingSafeEqual(mac, macOf(key, content, list)))
      if (isOurs) return keyShape.parse(JSON.parse(content))
      const detail = 'The cursor is not one that an answer to this question has given.'
      throw invalid('query/cursor', 'invalid_format', detail)
    },
  }
}
