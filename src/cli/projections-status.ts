/** `opslog projections status`: where every projection stands against the log's true head, and how fast it moves. */
import { setTimeout as delay } from 'node:timers/promises'
import { HEARTBEAT } from '../events/registry.ts'
import { readCheckpoint } from '../projections/checkpoint.ts'
import { prefixesOf } from '../projections/projection.ts'
import { type ReadModelState, readState } from '../projections/rebuild/status.ts'
import { projections } from './contexts.ts'
import { duration } from './progress-bar.ts'
import { type ProjectionSession, withProjectionSession } from './projections-session.ts'
import { csvLine, type OutputOptions } from './table-output.ts'
import { colours, facts, show, table } from './terminal.ts'

/** Time over which the rate is measured. */
const SAMPLE_MS = 1_000
/** Events counted beyond the checkpoint; more are "at least so many". */
const LAG_COUNT_MAX = 100_000

interface Lag {
  events: number
  /** More than were counted. */
  atLeast: boolean
  /** Age of the oldest event that is not in yet; 0 where all are. */
  ms: number
  head: string | null
}

/** Events between two positions that concern the read models. */
async function measureLag(session: ProjectionSession, after: bigint | undefined): Promise<Lag> {
  const prefixes = prefixesOf(projections)
  const head = await session.store.head()
  let events = 0
  let oldest: Date | undefined
  for await (const batch of session.readHistory(after)) {
    const due = batch.filter(({ type }) => type !== HEARTBEAT && prefixes.some((prefix) => type.startsWith(prefix)))
    oldest ??= due[0]?.recordedAt
    events += due.length
    if (events >= LAG_COUNT_MAX) break
  }
  return {
    events,
    atLeast: events >= LAG_COUNT_MAX,
    ms: oldest ? Math.max(0, Date.now() - oldest.getTime()) : 0,
    head: head ? `${head.position}` : null,
  }
}

/** Events per second that were taken in between two looks. */
async function measureRate(session: ProjectionSession, from: bigint | undefined): Promise<number> {
  const startedMs = performance.now()
  await delay(SAMPLE_MS, undefined, { signal: session.signal })
  const now = await readCheckpoint(session.db)
  const elapsedMs = performance.now() - startedMs
  if (now === undefined || now.position === from) return 0
  let taken = 0
  for await (const batch of session.readHistory(from)) {
    const due = batch.filter(({ position }) => position <= now.position)
    taken += due.filter(({ type }) => type !== HEARTBEAT).length
    if (due.length < batch.length) break
  }
  return Math.round(taken / (elapsedMs / 1000))
}

export async function status(options: OutputOptions): Promise<void> {
  await withProjectionSession(async (session) => {
    const before = await readCheckpoint(session.db)
    const eventsPerSecond = await measureRate(session, before?.position)
    const state = await readState(session.db, projections)
    const lag = await measureLag(session, state.checkpoint?.position)
    const report = reportOf(state, lag, eventsPerSecond)
    if (options.csv) {
      process.stdout.write(csvOf(report))
      return
    }
    show(report, options, () => textOf(report))
  })
}

const reportOf = (state: ReadModelState, lag: Lag, eventsPerSecond: number) => ({
  position: state.checkpoint ? `${state.checkpoint.position}` : null,
  head: lag.head,
  lag_events: lag.events,
  lag_events_at_least: lag.atLeast,
  lag_ms: lag.ms,
  events_per_second: eventsPerSecond,
  projector: state.pausedAt ? 'paused' : state.led ? 'leading' : 'none',
  paused_at: state.pausedAt ?? null,
  projections: state.projections.map((projection) => ({
    name: projection.name,
    version: projection.version ?? null,
    code_version: projection.codeVersion,
    money: projection.money,
    built_at: projection.builtAt ?? null,
    tables: projection.tables,
    parked_events: projection.parkedEvents,
    parked_streams: projection.parkedStreams,
    shadows: state.shadows
      .filter(({ projections }) => projections.some(({ name }) => name === projection.name))
      .map(({ schema, kind, checkpoint }) => ({
        schema,
        kind,
        position: checkpoint ? `${checkpoint.position}` : null,
      })),
  })),
})
type Report = ReturnType<typeof reportOf>

const HEAD = ['projection', 'version', 'position', 'lag', 'parked', 'built', 'beside it']

function textOf(report: Report): string {
  const lag = `${report.lag_events_at_least ? 'at least ' : ''}${report.lag_events}`
  const rows = report.projections.map((projection) => [
    projection.name,
    versionOf(projection),
    report.position ?? 'none',
    lag,
    projection.parked_events > 0 ? colours.red(`${projection.parked_events}`) : '0',
    projection.built_at ?? 'never',
    projection.shadows.map(({ kind, position }) => `${kind} at ${position ?? 'the start'}`).join(', '),
  ])
  return `${table(HEAD, rows)}\n${facts([
    ['position', report.position ?? 'none'],
    ['head', report.head ?? 'none'],
    ['lag', `${lag} events, ${report.lag_ms} ms (${duration(report.lag_ms)})`],
    ['rate', `${report.events_per_second} events/s`],
    ['projector', report.paused_at ? colours.yellow(`paused since ${report.paused_at}`) : report.projector],
  ])}`
}

const versionOf = ({ version, code_version }: Report['projections'][number]): string =>
  version === code_version ? `${version}` : colours.yellow(`${version ?? 'none'}, the code has ${code_version}`)

function csvOf(report: Report): string {
  const { position, head, lag_events, lag_ms, events_per_second } = report
  const rows = report.projections.map(({ name, version, code_version, parked_events, parked_streams }) =>
    [
      name,
      version,
      code_version,
      position,
      head,
      lag_events,
      lag_ms,
      events_per_second,
      parked_events,
      parked_streams,
    ].map((value) => String(value ?? '')),
  )
  const columns =
    'name,version,code_version,position,head,lag_events,lag_ms,events_per_second,parked_events,parked_streams'
  return [columns.split(','), ...rows].map(csvLine).join('')
}
