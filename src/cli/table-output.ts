/** Lists for three kinds of readers: a table for people, JSON and CSV (RFC 4180) for scripts. */
import { show, table } from './terminal.ts'

/** As many of each kind a list shows where there may be any number. */
export const LISTED_MAX = 200

export interface OutputOptions {
  json?: boolean
  csv?: boolean
}

/** A cell as CSV has it: quoted where it must be; a formula's first character is not for a spreadsheet to run. */
const csvCell = (text: string): string => {
  const safe = /^[=+@\t\r]|^-(?!\d)/.test(text) ? `'${text}` : text
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}

export const csvLine = (cells: readonly string[]): string => `${cells.map(csvCell).join(',')}\r\n`

/** Prints rows under a head, or `value` as JSON. `empty` is the sentence for no rows. */
export function list(
  value: unknown,
  options: OutputOptions,
  head: readonly string[],
  rows: readonly (readonly string[])[],
  empty: string,
): void {
  if (options.csv) {
    process.stdout.write([head, ...rows].map(csvLine).join(''))
    return
  }
  show(value, options, () => (rows.length === 0 ? empty : table(head, rows)))
}
