/**
 * Noctant's pages. A cursor stands open in the contract: the columns that a list is sorted by, each as a parameter of its
 * own with `before_` before its name, and all of them or none.
 */
import { z } from '@hono/zod-openapi'
import { invalid } from '../errors.ts'
import type { Page, Paging } from '../paging.ts'
import { LIMIT_DEFAULT, limit, timeInput, timeOut, uuid, uuidOut } from '../schemas.ts'
import { count } from './schemas.ts'

/** A column of a cursor: as a query has it, and as an answer has it. */
export interface CursorColumn<In extends z.ZodType = z.ZodType<string | undefined>> {
  asked: In
  shown: z.ZodType
}
export const timeColumn: CursorColumn = { asked: timeInput.optional(), shown: timeOut }
export const idColumn: CursorColumn = { asked: uuid.optional(), shown: uuidOut }

type Columns = Readonly<Record<string, CursorColumn<z.ZodType>>>
type CamelCase<S extends string> = S extends `${infer Head}_${infer Tail}` ? `${Head}${Capitalize<CamelCase<Tail>>}` : S
/** What the rows are read before: `{ createdAt, programAccountId }`. */
type Before<C extends Columns> = {
  [Name in keyof C & string as CamelCase<Name>]: NonNullable<z.output<C[Name]['asked']>>
}

interface CursorPage extends Page<object> {
  next_cursor: Record<string, unknown> | null
}

interface ListOptions<C extends Columns, S extends z.ZodType> {
  /** Names of the answer and of the cursor in the document. */
  answer: string
  cursor: string
  /** The member that holds the items, and what each of them is. */
  items: string
  view: S
  /** What the list is sorted by, newest first; the last one is unique. */
  by: C
  /** Members of the answer before the items. */
  more?: z.ZodRawShape
  limit?: z.ZodType<number | undefined>
}

/** The answer's schema, the paging of the kernel's `list`, and the answer's body without further members. */
export function pages<C extends Columns, S extends z.ZodType>(options: ListOptions<C, S>) {
  const { answer, items, view, by, more = {} } = options
  const names = Object.keys(by)
  const cursor = z
    .object(Object.fromEntries(names.map((name) => [`before_${name}`, by[name]?.shown ?? z.never()])))
    .openapi(options.cursor)
  const schema = z
    .object({ ...more, [items]: z.array(view), count, next_cursor: z.union([cursor, z.null()]).optional() })
    .openapi(answer)
  const asked = Object.fromEntries(names.map((name) => [`before_${name}`, by[name]?.asked ?? z.never()]))
  const paging: Paging<object, Before<C> | undefined, CursorPage> = {
    query: { limit: options.limit ?? limit, ...asked },
    read: (query) => ({ after: beforeOf(names, query) as Before<C> | undefined, limit: sizeOf(query) }),
    page: (rows, hasMore) => ({ rows, next_cursor: hasMore ? cursorAt(names, rows.at(-1)) : null }),
  }
  const body = (shown: readonly z.input<S>[], { next_cursor }: Pick<CursorPage, 'next_cursor'>) =>
    ({ [items]: shown, count: shown.length, next_cursor }) as z.input<typeof schema>
  return { schema, paging, body }
}

const sizeOf = ({ limit: size = LIMIT_DEFAULT }: Record<string, unknown>): number => size as number

function cursorAt(names: readonly string[], row: object | undefined): Record<string, unknown> | null {
  if (!row) return null
  const values = row as Record<string, unknown>
  return Object.fromEntries(names.map((name) => [`before_${name}`, values[name]]))
}

function beforeOf(names: readonly string[], query: Record<string, unknown>): Record<string, unknown> | undefined {
  const missing = names.find((name) => query[`before_${name}`] === undefined)
  if (missing === undefined) return Object.fromEntries(names.map((name) => [camelCase(name), query[`before_${name}`]]))
  if (names.every((name) => query[`before_${name}`] === undefined)) return undefined
  const all = names.map((name) => `before_${name}`).join(', ')
  throw invalid(`query/before_${missing}`, 'required', `A cursor is whole or not there at all: ${all}.`)
}

const camelCase = (name: string): string => name.replaceAll(/_(\w)/g, (_, letter: string) => letter.toUpperCase())
