/**
 * A list of things as a page: every view of it is an address. Filters and the order are parameters of the query, a page
 * begins behind a row, and what is shown can be had as CSV and JSON.
 */
import { html } from 'hono/html'
import { type Filter, type Listed, listRows, type Place, placeOf } from '../../projections/listing.ts'
import type { RowOf, Table } from '../../projections/projection.ts'
import { invalid } from '../errors.ts'
import type { Asked, Markup, Shown } from './declaration.ts'
import { empty, heading, inWords, live, shownInList, withQuery } from './markup.ts'
import { momentOf } from './moment.ts'
import { type Column, table } from './table.ts'
import { fits, ownFilter, pathOfThing, type ThingsOf, typeOf, type WithDatabase } from './things.ts'

export interface ListColumn<Row> {
  /** Of the table; it names the row's member in the API too. */
  name: string
  label?: string
  isFigure?: boolean
  show?: (row: Row) => Markup | string
}

export interface ListFilter {
  /** Of the table; it is the parameter's name as well. */
  name: string
  label?: string
  /** `begins`: for texts. UUIDs are found by their beginnings in any case. */
  is?: 'equal' | 'begins'
  choices?: readonly string[]
}

export interface ListOf<T extends Table> extends ThingsOf<T> {
  columns: readonly ListColumn<RowOf<T>>[]
  filters?: readonly ListFilter[]
  /** Further columns that it can be sorted by. None of them may be null. */
  sorts?: readonly (keyof RowOf<T> & string)[]
  /** Where a row leads, under `/console`; default: to the thing. Undefined for one that leads nowhere. */
  hrefOf?: (row: RowOf<T>) => string | undefined
  empty: { says: string; command?: string }
  /** The same by the API and on the command line. */
  asRequest?: { path?: string; command?: string }
}

const BEGINNING = /^[0-9a-f-]{1,36}$/i
/** Rows of a page that one can choose among. */
export const LIMITS = [25, 50, 100, 200] as const
/** Two screens of a desk. */
const LIMIT_DEFAULT = 50

/** How many rows the address asks for; the usual number where it names none of them. */
export const limitOf = (query: URLSearchParams): (typeof LIMITS)[number] =>
  LIMITS.find((each) => String(each) === query.get('limit')) ?? LIMIT_DEFAULT

interface Reading {
  filters: Filter[]
  sort: { column: string; isDescending: boolean }
  limit: number
  from: { place: Place; isBefore: boolean } | undefined
}

/** The view of a list. */
export function listView<T extends Table>(list: ListOf<T>): (asked: Asked<WithDatabase>) => Promise<Shown> {
  return async (asked) => {
    const reading = readingOf(list, asked)
    const found = await listRows(asked.parts.db, list.table, reading)
    // Only the newest page changes by itself.
    const isFirst = reading.from === undefined
    const rows = async () => rowsMarkup(list, asked, reading, found)
    const shown = await rows()
    return {
      content: html`${filterForm(list, asked)}${isFirst ? live(asked, 'rows', shown) : shown}${pager(list, asked, reading, found)}
<p class="tools"><a class="button" href="${withQuery(asked, { format: 'csv' })}">CSV</a>
<a class="button" href="${withQuery(asked, { format: 'json' })}">JSON</a></p>
${list.asRequest ? requestMarkup(asked, list.asRequest) : ''}`,
      parts: { rows },
      sheet: {
        columns: list.columns.map(({ name }) => name),
        rows: found.rows.map((row) => list.columns.map(({ name }) => (row as Record<string, unknown>)[name])),
      },
    }
  }
}

function readingOf<T extends Table>(list: ListOf<T>, asked: Asked<WithDatabase>): Reading {
  const { query } = asked
  const filters = ownFilter(list, asked)
  for (const { name, is = 'equal' } of list.filters ?? []) {
    const value = query.get(name)?.trim()
    if (!value) continue
    const type = typeOf(list.table, name)
    if (!(type === 'uuid' ? BEGINNING.test(value) : fits(type, value)))
      throw invalid(`query/${name}`, 'invalid_format', `${inWords(name)} cannot be “${value}”.`)
    filters.push({ column: name, is: type === 'uuid' ? 'begins' : is, value })
  }
  for (const [name, is] of [
    ['from', 'from'],
    ['to', 'until'],
  ] as const) {
    const value = query.get(name)?.trim()
    if (value) filters.push({ column: list.at, is, value: momentOf(value, `query/${name}`) })
  }
  const by = query.get('sort')
  const column = by !== null && sortable(list).includes(by) ? by : list.at
  return {
    filters,
    sort: { column, isDescending: query.get('order') !== 'asc' },
    limit: limitOf(query),
    from: fromOf(list, query, column),
  }
}

const sortable = <T extends Table>({ at, sorts = [] }: ListOf<T>): readonly string[] => [at, ...sorts]

function fromOf<T extends Table>(list: ListOf<T>, query: URLSearchParams, column: string): Reading['from'] {
  const isBefore = query.has('before')
  const text = query.get('before') ?? query.get('after')
  if (text === null) return undefined
  const place = placeIn(text)
  const names = [column, ...list.table.key.filter((name) => name !== column)]
  const isGood = place?.length === names.length && names.every((name, at) => fits(typeOf(list.table, name), place[at]!))
  if (!place || !isGood) throw invalid('query/after', 'invalid_format', 'The address was not made by this list.')
  return { place, isBefore }
}

function placeIn(text: string): string[] | undefined {
  try {
    const place: unknown = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'))
    return Array.isArray(place) && place.every((each) => typeof each === 'string') ? place : undefined
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

const placeText = (place: Place): string => Buffer.from(JSON.stringify(place)).toString('base64url')

function rowsMarkup<T extends Table>(
  list: ListOf<T>,
  asked: Asked<WithDatabase>,
  { sort, filters }: Reading,
  { rows }: Listed<RowOf<T>>,
): Markup {
  if (rows.length === 0) {
    const isFiltered = filters.length > ownFilter(list, asked).length
    if (isFiltered) return empty(`No ${list.kinds} fit these filters.`)
    return empty(list.empty.says, list.empty.command)
  }
  const columns = list.columns.map((column): Column<RowOf<T>> => {
    const { name, label = heading(name), isFigure = typeOf(list.table, name) === 'numeric' } = column
    const show = column.show ?? ((row: RowOf<T>) => shownInList(name, (row as Record<string, unknown>)[name]))
    return {
      name,
      label,
      isFigure,
      show,
      ...(sortable(list).includes(name) ? { sort: sortOf(asked, sort, name) } : {}),
    }
  })
  return table(heading(list.kinds), columns, rows, (row) => {
    const path = list.hrefOf ? list.hrefOf(row) : pathOfThing(list, row)
    return path === undefined ? undefined : `/console${path}`
  })
}

function sortOf(asked: Asked<WithDatabase>, now: Reading['sort'], name: string): NonNullable<Column<unknown>['sort']> {
  const isNow = now.column === name
  const order = isNow && now.isDescending ? 'asc' : 'desc'
  return {
    href: withQuery(asked, { sort: name, order, before: undefined, after: undefined }),
    now: !isNow ? 'none' : now.isDescending ? 'descending' : 'ascending',
  }
}

function filterForm<T extends Table>({ filters = [], at }: ListOf<T>, asked: Asked<WithDatabase>): Markup {
  const { query } = asked
  const value = (name: string) => query.get(name) ?? ''
  const kept = ['sort', 'order', 'limit'].filter((name) => query.has(name))
  return html`<form class="filters" method="get" action="/console${asked.path}">
${kept.map((name) => html`<input type="hidden" name="${name}" value="${value(name)}">`)}
${filters.map(({ name, label = heading(name), choices }) =>
  choices === undefined
    ? html`<label>${label} <input name="${name}" value="${value(name)}" size="14" autocomplete="off"></label>`
    : html`<label>${label} <select name="${name}"><option value="">any</option>${choices.map(
        (each) => html`<option value="${each}"${each === value(name) ? html` selected` : ''}>${inWords(each)}</option>`,
      )}</select></label>`,
)}
<label>${heading(at)} from <input name="from" value="${value('from')}" size="16" placeholder="2026-01-31 09:00" autocomplete="off"></label>
<label>to <input name="to" value="${value('to')}" size="16" placeholder="2026-01-31 17:00" autocomplete="off"></label>
<button>Filter</button> <a class="button" href="/console${asked.path}">Clear</a>
</form>
`
}

function pager<T extends Table>(
  list: ListOf<T>,
  asked: Asked<WithDatabase>,
  { sort, limit }: Reading,
  { rows, hasBefore, hasBehind }: Listed<RowOf<T>>,
): Markup {
  const place = (row: RowOf<T> | undefined) =>
    row && placeText(placeOf(list.table, row as Record<string, unknown>, sort.column))
  const isByTime = sort.column === list.at && sort.isDescending
  const [first, last] = [place(rows[0]), place(rows.at(-1))]
  return html`<nav class="pager" aria-label="Pages">
${step(isByTime ? 'Newer' : 'Previous', hasBefore && first ? withQuery(asked, { before: first, after: undefined }) : undefined)}
<span>${LIMITS.map((each) =>
    each === limit
      ? html`<strong aria-current="true">${each}</strong> `
      : html`<a href="${withQuery(asked, { limit: String(each), before: undefined, after: undefined })}">${each}</a> `,
  )} a page</span>
${step(isByTime ? 'Older' : 'Next', hasBehind && last ? withQuery(asked, { after: last, before: undefined }) : undefined)}
</nav>
`
}

/** It stands in its place whether or not it leads anywhere. */
export const step = (says: string, href: string | undefined): Markup =>
  href === undefined
    ? html`<button type="button" disabled>${says}</button>`
    : html`<a class="button" href="${href}">${says}</a>`

/** The same by the API and on the command line; never with a key. */
export function requestMarkup(
  { caller }: Asked<unknown>,
  { path, command }: { path?: string; command?: string },
): Markup {
  const { origin } = new URL(caller.url)
  return html`<details class="request"><summary>As a request</summary>
${path === undefined ? '' : html`<pre tabindex="0">curl -H "Authorization: Bearer $KEY" '${origin}${path}'</pre>`}
${command === undefined ? '' : html`<pre tabindex="0">${command}</pre>`}
</details>
`
}
