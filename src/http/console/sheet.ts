/** What a list shows, for spreadsheets and programs. */
import type { Sheet } from '../pages/declaration.ts'

/** A cell that a spreadsheet would take for a formula is preceded by an apostrophe; so nobody's name runs there. */
const FORMULA = /^[=+\-@\t\r](?!\d+(\.\d+)?$)/

const textOf = (value: unknown): string =>
  value === null || value === undefined ? '' : typeof value === 'object' ? JSON.stringify(value) : String(value)

function cell(value: unknown): string {
  const text = textOf(value)
  const safe = FORMULA.test(text) ? `'${text}` : text
  return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}

/** RFC 4180, with a heading. */
export const csvOf = ({ columns, rows }: Sheet): string =>
  [columns, ...rows].map((row) => `${row.map(cell).join(',')}\r\n`).join('')

export const jsonOf = ({ columns, rows }: Sheet): string =>
  `${JSON.stringify(
    rows.map((row) => Object.fromEntries(columns.map((name, at) => [name, row[at] ?? null]))),
    null,
    2,
  )}\n`
