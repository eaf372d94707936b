/** Lists for three kinds of readers: a table for people, JSON and CSV (RFC 4180) for scripts. */
import { stripVTControlCharacters } from 'node:util'
import type { Command } from 'commander'
import { screenWidth, wrapped } from './screen.ts'
import { type Column, columnsAt, nameOf, type TableOptions, table } from './table.ts'
import { show } from './terminal.ts'

/** As many of each kind a list shows where there may be any number. */
export const LISTED_MAX = 200

export interface OutputOptions extends TableOptions {
  json?: boolean
  csv?: boolean
  /** False with `--no-pager`; undefined where the command knows no pager. */
  pager?: boolean
}

const namesOf = (value: string): string[] => value.split(',')

/** The options that every listing has. */
export const withOutput = (command: Command): Command =>
  withReport(command).option('--columns <names>', 'these columns in this order, divided by commas', namesOf)

/** The options of what prints several tables, or more than a table. */
export const withReport = (command: Command): Command =>
  withScreen(command.option('--json', 'print JSON').option('--csv', 'print CSV'))

/** How text looks on a screen. */
export const withScreen = (command: Command): Command =>
  command
    .option('--wide', 'all columns, whole, however wide')
    .option('--record', 'one field a line')
    .option('--no-pager', 'print at once what is longer than the window')

/** A cell as CSV has it: quoted where it must be; a formula's first character is not for a spreadsheet to run. */
const csvCell = (cell: string): string => {
  const text = stripVTControlCharacters(cell)
  const safe = /^[=+@\t\r]|^-(?!\d)/.test(text) ? `'${text}` : text
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}

export const csvLine = (cells: readonly string[]): string => `${cells.map(csvCell).join(',')}\r\n`

/**
 * Prints rows under a head, or `value` as JSON. `empty` is the sentence for no rows, `behind` the text below the table.
 * Throws CliError (usage) where `options.columns` has a name that the head has not.
 */
export function list(
  value: unknown,
  options: OutputOptions,
  head: readonly Column[],
  rows: readonly (readonly string[])[],
  empty: string,
  behind = '',
): void {
  const chosen = columnsAt(head, options.columns)
  if (options.csv) {
    const lines = [head.map(nameOf), ...rows].map((row) => csvLine(chosen.map((at) => row[at] ?? '')))
    process.stdout.write(lines.join(''))
    return
  }
  show(value, options, () => (rows.length === 0 ? empty : table(head, rows, options)) + behind)
}

/**
 * Prints rows one by one, as they come: each a line of JSON, of CSV or of cells, or on a screen its cells in as many lines as
 * they take. Throws CliError (usage) where `options.columns` has a name that the head has not.
 */
export function printSingly(options: OutputOptions, head: readonly Column[]): (value: unknown, row: string[]) => void {
  const chosen = columnsAt(head, options.columns)
  const width = screenWidth()
  let isFirst = true
  return (value, row) => {
    const begun = !isFirst
    isFirst = false
    if (options.json) return void process.stdout.write(`${JSON.stringify(value)}\n`)
    const cells = chosen.map((at) => row[at] ?? '')
    if (options.csv) {
      const names = chosen.map((at) => nameOf(head[at]!))
      return void process.stdout.write((begun ? '' : csvLine(names)) + csvLine(cells))
    }
    if (options.record || width === undefined) {
      const text = table(head, [row], options)
      const isTabbed = !options.record && begun
      return void process.stdout.write(`${isTabbed ? text.slice(text.indexOf('\n') + 1) : text}\n`)
    }
    const line = cells.filter(Boolean).join('  ')
    process.stdout.write(`${options.wide ? line : wrapped(line, width)}\n`)
  }
}
