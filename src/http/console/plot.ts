/**
 * Plots drawn by the server, as SVG without a style of its own: lines are told apart by colour and by their strokes, figures
 * stand beside as text, and each plot is a table too. A browser draws it at any width: only lines are stretched.
 */
import { html } from 'hono/html'
import type { Asked, Line, Markup, Plot, Plotting } from '../pages/declaration.ts'
import { withQuery } from '../pages/markup.ts'
import { figuresOf, RANGES, rangeOf } from './figures.ts'

type Span = Plotting['span']
type Look = Pick<Asked<unknown>, 'path' | 'query'>

/** Of the drawing, in its own units. */
const PLANE = { width: 600, height: 160 }
/** Different strokes that the style sheet has. */
const STROKES = 6
/** Rows of a plot's table; the figures of all steps are in its JSON. */
const ROWS_MAX = 24

/** The least of 1, 2, 2.5 and 5 times a power of ten that is not below the value. */
function roundUp(value: number): number {
  if (value <= 0) return 1
  const power = 10 ** Math.floor(Math.log10(value))
  const times = [1, 2, 2.5, 5, 10].find((each) => each * power >= value * (1 - 1e-9)) ?? 10
  return times * power
}

/** `1234.567` → `1235`, `0.001234` → `0.00123`. */
export const short = (value: number): string =>
  Math.abs(value) >= 1_000 ? String(Math.round(value)) : String(Number(value.toPrecision(3)))

const numbersOf = (lines: readonly Line[]): number[] =>
  lines.flatMap(({ points, as }) => (as === 'mark' ? [] : points.flatMap(([, value]) => value ?? [])))

/** The lowest and the highest value of the plane. */
function boundsOf({ lines, isFitted = false }: Plot): { low: number; high: number } {
  const values = numbersOf(lines)
  const [least, most] = [Math.min(...values, Number.POSITIVE_INFINITY), Math.max(...values, 0)]
  if (!isFitted || values.length === 0) return { low: Math.min(0, least), high: roundUp(most) }
  const [highest, room] = [Math.max(...values), 0.05]
  const height = Math.max(highest - least, Math.abs(highest) / 1_000, 1e-9)
  return { low: least - height * room, high: highest + height * room }
}

interface Scale {
  x: (atS: number) => string
  y: (value: number) => string
}

function scaleOf(plot: Plot, { from, until }: Span): Scale {
  const { low, high } = boundsOf(plot)
  const [startS, lengthS] = [from.getTime() / 1_000, Math.max(1, (until.getTime() - from.getTime()) / 1_000)]
  return {
    x: (atS) => Math.min(PLANE.width, Math.max(0, ((atS - startS) / lengthS) * PLANE.width)).toFixed(1),
    y: (value) => (PLANE.height - ((value - low) / (high - low)) * PLANE.height).toFixed(1),
  }
}

/** The line's path; it begins anew behind a gap, and a point that stands alone is a dot. */
function pathOf({ points, as }: Line, { x, y }: Scale): string {
  if (as === 'mark') return points.map(([atS]) => `M${x(atS)} 0V${PLANE.height}`).join('')
  if (as === 'level') {
    const level = points[0]?.[1]
    return level === null || level === undefined ? '' : `M0 ${y(level)}H${PLANE.width}`
  }
  let path = ''
  let isDrawing = false
  for (const [at, [atS, value]] of points.entries()) {
    if (value === null) {
      isDrawing = false
      continue
    }
    const isLast = (points[at + 1]?.[1] ?? null) === null
    if (!isDrawing) path += `M${x(atS)} ${y(value)}${isLast ? 'h.1' : ''}`
    else path += as === 'step' ? `H${x(atS)}V${y(value)}` : `L${x(atS)} ${y(value)}`
    isDrawing = true
  }
  const last = points.at(-1)?.[1]
  return as === 'step' && last !== null && last !== undefined ? `${path}H${PLANE.width}` : path
}

const classOf = (at: number, { as }: Line): string => (as === 'mark' ? 'line marks' : `line line-${at % STROKES}`)

const lastOf = ({ points, as }: Line): string => {
  if (as === 'mark') return String(points.length)
  const value = points.findLast(([, each]) => each !== null)?.[1]
  return value === null || value === undefined ? 'none' : short(value)
}

const clockOf = (date: Date, isLong: boolean): string =>
  isLong ? date.toISOString().slice(0, 16).replace('T', ' ') : date.toISOString().slice(11, 19)

const isLong = ({ from, until }: Span): boolean => until.getTime() - from.getTime() > 86_400_000

/** The plane with its axes, and what the lines are. */
export function planeOf(plot: Plot, span: Span): Markup {
  const scale = scaleOf(plot, span)
  const { low, high } = boundsOf(plot)
  const said = plot.lines.map((line) => `${line.label} ${lastOf(line)}`).join(', ')
  const middle = PLANE.height / 2
  return html`<div class="plane"><p class="scale"><span>${short(high)}</span><span>${short((low + high) / 2)}</span><span>${short(low)}</span></p>
<svg viewBox="0 0 ${PLANE.width} ${PLANE.height}" preserveAspectRatio="none" role="img" aria-label="${plot.title}, ${plot.unit}: ${said}"><path class="grid" d="M0 0H${PLANE.width}M0 ${middle}H${PLANE.width}M0 ${PLANE.height}H${PLANE.width}"/>${plot.lines.map(
    (line, at) => html`<path class="${classOf(at, line)}" d="${pathOf(line, scale)}"/>`,
  )}</svg>
<p class="clock"><span>${clockOf(span.from, isLong(span))}</span><span>${clockOf(span.until, isLong(span))} UTC</span></p></div>
<ul class="legend">${plot.lines.map(
    (line, at) =>
      html`<li><svg class="swatch" viewBox="0 0 28 8" width="28" height="8" aria-hidden="true"><path class="${classOf(at, line)}" d="${line.as === 'mark' ? 'M14 0V8' : 'M0 4H28'}"/></svg> ${line.label} <b>${lastOf(line)}</b></li>`,
  )}</ul>
`
}

/** Evenly from all steps, the newest first. */
function tableOf(plot: Plot, span: Span): Markup {
  const [at = [], ...columns] = figuresOf(plot)
  const every = Math.max(1, Math.ceil(at.length / ROWS_MAX))
  const shown = at.map((_, index) => index).filter((index) => (at.length - 1 - index) % every === 0)
  const cell = (value: number | null | undefined) => (value === null || value === undefined ? '' : short(value))
  return html`<div class="scroll" role="region" aria-label="${plot.title}, as a table" tabindex="0"><table><thead><tr><th scope="col">Time, UTC</th>${plot.lines.map(
    ({ label }) => html`<th scope="col" class="figure">${label}</th>`,
  )}</tr></thead><tbody>${shown
    .toReversed()
    .map(
      (index) =>
        html`<tr><th scope="row">${clockOf(new Date((at[index] ?? 0) * 1_000), isLong(span))}</th>${columns.map(
          (values) => html`<td class="figure">${cell(values[index])}</td>`,
        )}</tr>`,
    )}</tbody></table></div>`
}

const rangesOf = (plot: Plot, asked: Look): Markup => {
  const now = rangeOf(asked.query).name
  return html`<p class="ranges" role="group" aria-label="${plot.title}: how long">${RANGES.map(({ name, says }) =>
    name === now
      ? html`<strong aria-current="true">${says}</strong> `
      : html`<a href="${withQuery(asked, { range: name })}">${says}</a> `,
  )}</p>`
}

/** `plane`: in place of the plot's own, where it changes while one looks. */
export function drawn(plot: Plot, span: Span, asked: Look, plane: Markup = planeOf(plot, span)): Markup {
  return html`<figure class="plot"><figcaption>${plot.title}, ${plot.unit}</figcaption>
${plane}${rangesOf(plot, asked)}<details><summary>As a table</summary>
<p><small>${plot.says}</small> <a href="${withQuery(asked, { plot: plot.name })}">JSON</a></p>${tableOf(plot, span)}</details></figure>
`
}
