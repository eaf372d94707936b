/** Plots as pages draw them: the time that an address asks for, figures over it, and where they are had as JSON. */
import type { ReadModels } from '../../postgres/database.ts'
import { readSeries, type SeriesRow } from '../../projections/console/series.ts'
import type { Asked, Line, Plot, Plotting, Series } from '../pages/declaration.ts'
import { rangeOf, steps } from './figures.ts'
import { drawn } from './plot.ts'

/** Lines of one plot; values beyond are added up. */
const LINES_MAX = 6
/** How long the figures of one question stand for everybody who asks it. */
const KEPT_MS = 5_000
/** Questions whose figures are kept. */
const KEPT_MAX = 64

export type SeriesCache = Map<string, { lines: Promise<Line[]>; atMs: number }>

/** Whatever a look draws is noted in `plots`, by its name. */
export function createPlotting(
  { db, cache }: { db: ReadModels; cache: SeriesCache },
  asked: Pick<Asked<unknown>, 'path' | 'query' | 'now'>,
): Plotting & { plots: ReadonlyMap<string, Plot> } {
  const { lengthS, stepS } = rangeOf(asked.query)
  const untilS = Math.floor(asked.now.getTime() / 1_000)
  // Steps begin at the same seconds for everybody.
  const fromS = Math.ceil((untilS - lengthS) / stepS) * stepS
  const span = { from: new Date(fromS * 1_000), until: asked.now, stepS }
  const plots = new Map<string, Plot>()

  function series(of: Series): Promise<Line[]> {
    const { table, ...rest } = of
    const key = JSON.stringify([table.name, rest, lengthS])
    const known = cache.get(key)
    const nowMs = performance.now()
    if (known && nowMs - known.atMs < KEPT_MS) return known.lines
    const lines = readSeries(db, of, span).then((rows) => linesOf(of, rows, steps(fromS, untilS, stepS)))
    cache.delete(key)
    cache.set(key, { lines, atMs: nowMs })
    // What failed is asked for again.
    lines.catch(() => cache.delete(key))
    for (const oldest of cache.keys()) {
      if (cache.size <= KEPT_MAX) break
      cache.delete(oldest)
    }
    return lines
  }

  return {
    span,
    plots,
    series,
    draw(plot) {
      plots.set(plot.name, plot)
      return drawn(plot, span, asked)
    },
  }
}

const percent = (share: number): string => `p${Math.round(share * 1_000) / 10}`

/** Steps without rows are none at all of what is counted, and unknown of what is measured. */
function linesOf({ by, measure }: Series, rows: readonly SeriesRow[], at: readonly number[]): Line[] {
  const nothing = measure === undefined || measure.as === 'sum' ? 0 : null
  const pointsOf = (of: readonly SeriesRow[], figure: number) => {
    const known = new Map<number, number | null>()
    for (const { atS, figures } of of) {
      const value = figures[figure] ?? null
      known.set(atS, nothing === null ? value : (known.get(atS) ?? 0) + (value ?? 0))
    }
    return at.map((atS) => [atS, known.has(atS) ? (known.get(atS) ?? nothing) : nothing] as const)
  }
  if (measure && typeof measure.as === 'object') {
    return measure.as.map((share, figure) => ({ label: percent(share), points: pointsOf(rows, figure) }))
  }
  if (by === undefined) return [{ label: 'all', points: pointsOf(rows, 0) }]
  const sizeOf = (of: readonly SeriesRow[]) => of.reduce((sum, { figures }) => sum + Math.abs(figures[0] ?? 0), 0)
  const groups = [...Map.groupBy(rows, ({ value }) => value ?? 'none')].sort((a, b) => sizeOf(b[1]) - sizeOf(a[1]))
  const shown = groups.length > LINES_MAX ? groups.slice(0, LINES_MAX - 1) : groups
  const others = groups.slice(shown.length).flatMap(([, of]) => of)
  const lines = shown.map(([label, of]) => ({ label, points: pointsOf(of, 0) }))
  return others.length === 0 ? lines : [...lines, { label: 'others', points: pointsOf(others, 0) }]
}
