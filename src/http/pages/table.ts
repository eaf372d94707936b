/** Tables of pages: they scroll by themselves in a named region, and turn into cards where the window is narrow. */
import { html } from 'hono/html'
import type { Markup } from './declaration.ts'

export interface Column<Row> {
  /** The row's member that it shows, as the API names it. */
  name: string
  label: string
  /** Figures stand at the right. */
  isFigure?: boolean
  /** The list can be sorted by it: where its heading leads, and how it is sorted now. */
  sort?: { href: string; now: 'ascending' | 'descending' | 'none' }
  show: (row: Row) => Markup | string
}

/** `name`: what the table holds, for those who do not see it. `href`: where a row leads. */
export function table<Row>(
  name: string,
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  href?: (row: Row) => string | undefined,
): Markup {
  return html`<div class="scroll" role="region" aria-label="${name}" tabindex="0"><table class="cards">
<thead><tr>${columns.map(heading)}</tr></thead>
<tbody>${rows.map((row) => rowOf(columns, row, href?.(row)))}</tbody></table></div>`
}

const heading = <Row>({ label, isFigure, sort }: Column<Row>) => {
  const kind = isFigure ? html` class="figure"` : ''
  if (!sort) return html`<th scope="col"${kind}>${label}</th>`
  return html`<th scope="col" aria-sort="${sort.now}"${kind}><a href="${sort.href}">${label}</a></th>`
}

/** A row's first cell leads to what the row is, unless it leads somewhere already. */
const leading = (content: Markup, href: string | undefined): Markup =>
  href === undefined || String(content).includes('<a ') ? content : html`<a href="${href}">${content}</a>`

/** One row, as a table of these columns has it. */
export const rowOf = <Row>(columns: readonly Column<Row>[], row: Row, href: string | undefined): Markup =>
  html`<tr${href === undefined ? '' : html` data-href="${href}"`}>${columns.map(
    ({ name, label, isFigure, show }, index) => {
      const content = index === 0 ? leading(show(row), href) : show(row)
      return html`<td data-label="${label}" data-column="${name}"${isFigure ? html` class="figure"` : ''}>${content}</td>`
    },
  )}</tr>`

/** A column of decimal texts. */
export const figure = <Row>(
  name: string,
  label: string,
  value: (row: Row) => string | number | null | undefined,
): Column<Row> => ({ name, label, isFigure: true, show: (row) => html`${value(row) ?? ''}` })

/** The table of what a thing has, or a sentence where it has none. */
export const rowsTable = <Row>(
  name: string,
  rows: readonly Row[],
  emptySays: string,
  columns: readonly Column<Row>[],
  href?: (row: Row) => string | undefined,
): Markup => (rows.length === 0 ? html`<p class="empty">${emptySays}</p>` : table(name, columns, rows, href))
