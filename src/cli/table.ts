/**
 * Tables that fit the screen. In a pipe a row is a line of whole cells with tabs between them. On a screen ids become short
 * first, then free text is cut, then columns go by rank; where not even two columns fit, each row is a record.
 */
import { stripVTControlCharacters } from 'node:util'
import Table from 'cli-table3'
import { screenWidth, widthOf, wrapped } from './screen.ts'
import { CliError, colours, EXIT, facts } from './terminal.ts'

/** A column's name, or more about it. */
export type Column = string | { name: string; rank?: number; least?: number }

export interface TableOptions {
  /** Names of the columns to show, in this order. */
  columns?: readonly string[]
  /** All columns, whole, however wide. */
  wide?: boolean
  /** One field a line. */
  record?: boolean
}

interface Shown {
  name: string
  /** Columns of the highest rank go first. */
  rank: number
  /** Columns of the terminal below which the cells are not cut; undefined: as the cells ask for. */
  least: number | undefined
  cells: readonly string[]
}

/** Lines and blanks on both sides of a cell. */
const FRAME_OF_CELL = 3
const ID_LENGTH_MIN = 8
const TEXT_LEAST = 12
const HEAD_LEAST = 6

const IDS = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|\b[a-z]{2,8}_[0-9A-HJKMNP-TV-Z]{26}\b/g
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/
const NUMBER = /^-?[\d.,]+( [A-Z]{3})?$/

/** Rows under a head of as many cells. Throws CliError (usage) where `options.columns` has a name that the head has not. */
export function table(
  head: readonly Column[],
  rows: readonly (readonly string[])[],
  options: TableOptions = {},
): string {
  const chosen = chosenColumns(head, rows, options.columns)
  const width = screenWidth()
  if (options.record) return records(chosen, width)
  if (width === undefined) return tabbed(chosen)
  return options.wide ? draw(chosen).text : fitted(chosen, width)
}

export const nameOf = (column: Column): string => (typeof column === 'string' ? column : column.name)
const keyOf = (name: string): string => name.trim().toLowerCase().replaceAll(' ', '_')

/** Positions in the head of the columns asked for; all where none is. Throws CliError (usage). */
export function columnsAt(head: readonly Column[], asked: readonly string[] | undefined): number[] {
  const keys = head.map((column) => keyOf(nameOf(column)))
  if (asked === undefined) return [...keys.keys()]
  return asked.map((name) => {
    const at = keys.indexOf(keyOf(name))
    if (at >= 0) return at
    throw new CliError(EXIT.usage, `there is no column ${name}`, `There are: ${keys.filter(Boolean).join(', ')}`)
  })
}

const chosenColumns = (
  head: readonly Column[],
  rows: readonly (readonly string[])[],
  asked: readonly string[] | undefined,
): Shown[] =>
  columnsAt(head, asked).map((at, place) => {
    const column = head[at]!
    const { rank = place, least = undefined } = typeof column === 'string' ? {} : column
    return { name: nameOf(column), rank: asked ? place : rank, least, cells: rows.map((row) => row[at] ?? '') }
  })

const rowsOf = (columns: readonly Shown[]): string[][] =>
  (columns[0]?.cells ?? []).map((_, row) => columns.map(({ cells }) => cells[row] ?? ''))

const tabbed = (columns: readonly Shown[]): string =>
  [columns.map(({ name }) => name), ...rowsOf(columns)]
    .map((row) => row.map((cell) => stripVTControlCharacters(cell).replaceAll(/[\t\r\n]+/g, ' ')).join('\t'))
    .join('\n')

const records = (columns: readonly Shown[], width: number | undefined): string =>
  rowsOf(columns)
    .map((row) => facts(columns.map(({ name }, at) => [name || 'text', row[at]!.replaceAll('\n', ', ')])))
    .map((record) => wrapped(record, width))
    .join('\n\n')

/** The drawn table, and how wide the cells of its columns are. */
function draw(columns: readonly Shown[], widths?: readonly number[]): { text: string; widths: number[] } {
  const drawn = new Table({
    head: columns.map(({ name }) => colours.bold(name)),
    style: { head: [], border: [], compact: true },
    ...(widths && { colWidths: widths.map((width) => width + FRAME_OF_CELL - 1) }),
  })
  drawn.push(...rowsOf(columns))
  const text = drawn.toString()
  return { text, widths: drawn.options.colWidths.map((width) => (width ?? 0) - FRAME_OF_CELL + 1) }
}

const frameOf = (columns: readonly unknown[]): number => columns.length * FRAME_OF_CELL + 1
const sum = (numbers: readonly number[]): number => numbers.reduce((total, each) => total + each, 0)

function fitted(columns: readonly Shown[], width: number): string {
  const whole = draw(columns)
  if (frameOf(columns) + sum(whole.widths) <= width) return whole.text
  const short = columns.map((column) => ({ ...column, cells: shortCells(column.cells) }))
  const byRank = short.toSorted((a, b) => a.rank - b.rank)
  for (let count = short.length; count >= Math.min(2, short.length); count -= 1) {
    const kept = new Set(byRank.slice(0, count))
    const shown = short.filter((column) => kept.has(column))
    const widths = squeezed(shown, width - frameOf(shown))
    if (widths) return draw(shown, widths).text + hiddenNote(short.length - count, width)
  }
  return records(columns, width)
}

function hiddenNote(count: number, width: number): string {
  if (count === 0) return ''
  return `\n${colours.dim(wrapped(`${count} column${count === 1 ? '' : 's'} hidden; --wide shows all`, width))}`
}

/** Widths of the cells that add up to `room` at most, the widest cut first; undefined where there is no room for all. */
function squeezed(columns: readonly Shown[], room: number): number[] | undefined {
  const { widths } = draw(columns)
  const least = columns.map((column, at) => Math.min(widths[at]!, leastOf(column, widths[at]!)))
  if (sum(least) > room) return undefined
  const within = (cap: number) => widths.map((width, at) => Math.max(least[at]!, Math.min(width, cap)))
  let cap = Math.max(...widths)
  while (sum(within(cap)) > room) cap -= 1
  return within(cap)
}

/** Ids, times, numbers and short words stay whole: cut ones would say something else. */
function leastOf({ name, cells, least }: Shown, natural: number): number {
  if (least !== undefined) return least
  const head = Math.min(widthOf(name), HEAD_LEAST)
  const widest = Math.max(0, ...cells.map((cell) => Math.max(...cell.split('\n').map(widthOf))))
  const isText = natural > TEXT_LEAST && !cells.every(isWhole)
  return Math.max(head, isText ? TEXT_LEAST : widest)
}

const isWhole = (cell: string): boolean => {
  const text = stripVTControlCharacters(cell)
  return text === '' || NUMBER.test(text) || /^[0-9a-f-]{8,35}$/.test(text) || /^[\d-]*\s?\d\d:\d\d:\d\d$/.test(text)
}

/** Cells with short ids, as long as it takes for no two to be alike, and with times to the second, without today's date. */
function shortCells(cells: readonly string[]): string[] {
  const shorten = idShortener(cells)
  const today = new Date().toISOString().slice(0, 10)
  return cells.map((cell) => (TIME.test(cell) ? shortTime(cell, today) : shorten(cell)))
}

export function shortTime(time: string, today: string): string {
  const [date, clock = ''] = time.split('T')
  return date === today ? clock.slice(0, 8) : `${date} ${clock.slice(0, 8)}`
}

/** Makes the ids in a text short: 8 characters, more where two of these texts would have the same. */
export function idShortener(texts: readonly string[]): (text: string) => string {
  const ids = [...new Set(texts.flatMap((text) => text.match(IDS) ?? []))]
  const longest = Math.max(0, ...ids.map(({ length }) => length))
  let length = ID_LENGTH_MIN
  while (length < longest && new Set(ids.map((id) => id.slice(0, length))).size < ids.length) length += 1
  return (text) => text.replaceAll(IDS, (id) => id.slice(0, length))
}
