/**
 * Noctant's lists. A cursor stands open in the contract: each column that a list is sorted by is a parameter, with
 * `before_` before its name. A request has all of them or none.
 */
import { z } from '@hono/zod-openapi'
import type { SignedAccess } from '../access.ts'
import { json } from '../answers.ts'
import { invalid } from '../errors.ts'
import type { Operation, RequestOf } from '../operation.ts'
import type { Page, Paging } from '../paging.ts'
import { LIMIT_DEFAULT, limit, timeInput, timeOut, uuid, uuidOut } from '../schemas.ts'
import { list, type NoctantParts, type Operator } from './access.ts'
import type { NoctantCode } from './errors.ts'
import { accountOf, attemptOf, requireUser } from './reading.ts'
import { count, executionScope, externalAccountQuery } from './schemas.ts'

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

/** A page of rows as it is read: before this row, or from the newest on. */
interface Asked<C extends Columns> {
  before: Before<C> | undefined
  limit: number
}

interface ListSpec<C extends Columns, S extends z.ZodType, Row> extends ListOptions<C, S> {
  path: string
  id: string
  tags: readonly string[]
  summary: string
  description: string
  access: SignedAccess
  /** What the document says of the answer. */
  says: string
  /** A row in the answer. */
  show: (row: Row) => z.input<S>
}

type None = z.ZodObject<Record<never, never>>
type ListRequest<P, Q> = RequestOf<NoctantParts, Operator, P, Q, None, None, undefined>

/** A list of the operator's, newest first, a page at a time. */
export function pagedList<
  C extends Columns,
  S extends z.ZodType,
  Row extends object,
  P extends z.ZodObject = None,
  Q extends z.ZodObject = None,
>(
  spec: ListSpec<C, S, Row> & {
    params?: P
    query?: Q
    refuses?: readonly NoctantCode[]
    rows: (request: ListRequest<P, Q>, page: Asked<C>) => Promise<Row[]>
  },
): Operation<NoctantParts> {
  const { answer, cursor, items, view, by, says, show, rows, limit: asked, ...described } = spec
  const { schema, paging, body } = pages({ answer, cursor, items, view, by, ...(asked && { limit: asked }) })
  return list({
    ...described,
    answer: json(schema, says),
    paging: paging as unknown as Paging<Row, Before<C> | undefined, Page<Row> & CursorPage>,
    rows: async (request) => ({
      rows: await rows(request as ListRequest<P, Q>, { before: request.after, limit: request.limit }),
    }),
    page: (page) => body(page.rows.map(show), page),
  })
}

/** A list about one of the operator's users, whom the path names. */
export const userList = <C extends Columns, S extends z.ZodType, Row extends object>({
  rows,
  ...spec
}: ListSpec<C, S, Row> & {
  rows: (db: NoctantParts['db'], user: { operatorId: string; userId: string }, page: Asked<C>) => Promise<Row[]>
}) =>
  pagedList({
    ...spec,
    params: z.object({ global_user_id: uuid }),
    refuses: ['user_not_found'],
    async rows({ db, principal: { operatorId }, params: { global_user_id: userId } }, page: Asked<C>) {
      await requireUser(db, operatorId, userId)
      return rows(db, { operatorId, userId }, page)
    },
  })

const executionQuery = externalAccountQuery.extend({
  execution_scope: executionScope.optional(),
  attempt_id: uuid.optional(),
})

/** A list of what was traded on an account, within the attempt that the query names. `filters`: further parameters. */
export const executionList = <
  C extends Columns,
  S extends z.ZodType,
  Row extends object,
  F extends z.ZodRawShape = Record<never, never>,
>({
  rows,
  filters,
  ...spec
}: ListSpec<C, S, Row> & {
  filters?: F
  rows: (
    db: NoctantParts['db'],
    of: { programAccountId: string; attemptId: string | undefined; query: z.output<z.ZodObject<F>> },
    page: Asked<C>,
  ) => Promise<Row[]>
}) =>
  pagedList({
    ...spec,
    query: executionQuery.extend({ ...filters }),
    refuses: ['account_not_found', 'attempt_not_found'],
    async rows({ db, principal, query }, page: Asked<C>) {
      const asked = query as z.output<typeof executionQuery>
      const account = await accountOf(db, principal, asked.external_account_id)
      const attemptId = await attemptOf(db, account, asked)
      const of = { programAccountId: account.program_account_id, attemptId }
      return rows(db, { ...of, query: query as z.output<z.ZodObject<F>> }, page)
    },
  })

const camelCase = (name: string): string => name.replaceAll(/_(\w)/g, (_, letter: string) => letter.toUpperCase())
