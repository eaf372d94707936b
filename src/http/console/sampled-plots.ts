/** Plots of what this process has sampled. Their planes change while somebody looks. */
import { html } from 'hono/html'
import type { Asked, Markup, Plot, Viewer } from '../pages/declaration.ts'
import { live } from '../pages/markup.ts'
import type { ConsoleParts } from './access.ts'
import { drawn, planeOf } from './plot.ts'

type Look = Asked<ConsoleParts>

const says = 'Sampled by the process that answers, each second; it keeps 15 minutes of seconds and a day of minutes.'

const plotsOf = {
  lag: ({ parts, plotting }: Look): Plot => ({
    ...{ name: 'lag', title: 'Read models behind the log', unit: 'ms', says },
    lines: parts.samples.lines('lag', plotting.span, 'highest'),
  }),
  events: ({ parts, plotting }: Look): Plot => ({
    ...{ name: 'events', title: 'Events taken in', unit: 'a second' },
    says: `${says} The count is that of the checkpoints, whichever process writes the read models.`,
    lines: parts.samples.lines('events', plotting.span, 'average'),
  }),
  requests: ({ parts, plotting }: Look): Plot => ({
    ...{ name: 'requests', title: 'Requests', unit: 'a second', says },
    lines: parts.samples.lines('requests', plotting.span, 'average'),
  }),
  times: ({ parts, plotting }: Look): Plot => ({
    ...{ name: 'times', title: 'Requests took', unit: 'ms' },
    says: `${says} Between the bounds of the figures at /metrics, times are taken to lie evenly.`,
    lines: parts.samples.lines('took', plotting.span, 'highest'),
  }),
}
export type SampledPlot = keyof typeof plotsOf

/** Below pages of other contexts, for administrators. */
const BELOW: Readonly<Record<string, readonly SampledPlot[]>> = { '/events': ['events'] }

export const plotsBelow = (path: string, { audience }: Viewer): readonly SampledPlot[] =>
  audience === 'administrator' ? (BELOW[path] ?? []) : []

const partName = (name: SampledPlot): string => `plot-${name}`

const planeIn = (asked: Look, name: SampledPlot): Markup => planeOf(plotsOf[name](asked), asked.plotting.span)

/** What they change to, for the parts of a page. */
export const plotParts = (asked: Look, names: readonly SampledPlot[]): Readonly<Record<string, () => Markup>> =>
  Object.fromEntries(names.map((name) => [partName(name), () => planeIn(asked, name)]))

export function sampledPlots(asked: Look, names: readonly SampledPlot[]): Markup {
  const { span, draw } = asked.plotting
  return html`<div class="plots">${names.map((name) => {
    const plot = plotsOf[name](asked)
    draw(plot)
    return drawn(plot, span, asked, live(asked, partName(name), planeOf(plot, span)))
  })}</div>`
}
