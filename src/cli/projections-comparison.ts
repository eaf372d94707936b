/** How a comparison of rebuilt with live tables is shown: counts per table, then every differing column of the rows found. */
import { type Comparison, rowsDiffering } from '../projections/rebuild/compare.ts'
import { duration } from './progress-bar.ts'
import { table } from './table.ts'
import { csvLine, type OutputOptions } from './table-output.ts'
import { colours, show } from './terminal.ts'

/** Prints what was found; `done` is what became of it, `run` what it took. */
export function showComparison(
  comparison: Comparison,
  options: OutputOptions,
  done: string,
  run?: { events: number; elapsedMs: number },
): void {
  const total = rowsDiffering(comparison)
  if (options.csv) {
    const rows = comparison.differences.flatMap(({ table, key, kind, columns }) =>
      columns.map(({ column, live, rebuilt }) => [
        table,
        Object.values(key).join(' '),
        kind,
        column,
        live ?? '',
        rebuilt ?? '',
      ]),
    )
    process.stdout.write([['table', 'key', 'kind', 'column', 'live', 'rebuilt'], ...rows].map(csvLine).join(''))
    return
  }
  const value = {
    outcome: done,
    position: comparison.position === undefined ? null : `${comparison.position}`,
    rows_differing: total,
    tables: comparison.tables,
    differences: comparison.differences,
    ...(run ? { events: run.events, duration_ms: Math.round(run.elapsedMs) } : {}),
  }
  show(value, options, () => comparisonText(comparison, options, done, run))
}

function comparisonText(
  comparison: Comparison,
  options: OutputOptions,
  done: string,
  run: { events: number; elapsedMs: number } | undefined,
): string {
  const total = rowsDiffering(comparison)
  const tables = comparison.tables.map(({ projection, table, rowsLive, rowsRebuilt, rowsDiffering }) => [
    projection,
    table,
    `${rowsLive}`,
    `${rowsRebuilt}`,
    rowsDiffering > 0 ? colours.red(`${rowsDiffering}`) : '0',
  ])
  const differences = comparison.differences.flatMap((found) =>
    found.columns.map(({ column, live, rebuilt }) => [
      found.table,
      Object.values(found.key).join(' '),
      found.kind,
      column,
      live ?? 'null',
      rebuilt ?? 'null',
    ]),
  )
  const pace = run ? `, ${run.events} events in ${duration(run.elapsedMs)}` : ''
  const verdict = total === 0 ? colours.green('no row differs') : colours.red(`${total} rows differ`)
  return [
    table(['projection', 'table', 'rows live', 'rows rebuilt', 'differ'], tables, options),
    ...(differences.length > 0
      ? [table(['table', 'key', 'kind', 'column', 'live', 'rebuilt'], differences, options)]
      : []),
    ...(total > comparison.differences.length
      ? [`${comparison.differences.length} of them are shown; --limit shows more`]
      : []),
    `${done} at position ${comparison.position ?? 'none'}: ${verdict}${pace}`,
  ].join('\n')
}
