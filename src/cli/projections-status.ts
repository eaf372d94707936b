/** `opslog projections status`: where every projection stands against the log's true head, and how fast it moves. */
import { setTimeout as delay } from 'node:timers/promises'
import { projectionsCheckpoint, readCheckpoint } from '../projections/checkpoint.ts'
import { type ReadModelState, readState } from '../projections/rebuild/status.ts'
import { contexts } from './contexts.ts'
import { repeatedly, untilInterrupted } from './following.ts'
import { duration } from './progress-bar.ts'
import { type ProjectionSession, withProjectionSession } from './projections-session.ts'
import { table } from './table.ts'
import { csvLine, type OutputOptions, printSingly } from './table-output.ts'
import { colours, facts, show } from './terminal.ts'

/** Time over which the rate is measured. */
const SAMPLE_MS = 1_000
/** Events counted beyond the checkpoint; more are shown as "at least" this number. */
const LAG_COUNT_MAX = 100_000

interface Lag {
  events: number
  /** More than were counted. */
  atLeast: boolean
  /** Age of the oldest event that is not in yet; 0 where all are. */
  ms: number
  head: string | null
}

/** Events after a position that concern the context's read models. */
async function measureLag(session: ProjectionSession, context: string, after: bigint | undefined): Promise<Lag> {
  const head = await session.store.head()
  let events = 0
  let oldest: Date | undefined
  for await (const due of session.readHistory(after, [`${context}.`])) {
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

/** Events of the context per second that were taken in between two looks. */
async function measureRate(session: ProjectionSession, context: string, from: bigint | undefined): Promise<number> {
  const startedMs = performance.now()
  await delay(SAMPLE_MS, undefined, { signal: session.signal })
  const now = await readCheckpoint(session.db, projectionsCheckpoint(context))
  const elapsedMs = performance.now() - startedMs
  if (now === undefined || now.position === from) return 0
  let taken = 0
  for await (const batch of session.readHistory(from, [`${context}.`])) {
    const due = batch.filter(({ position }) => position <= now.position)
    taken += due.length
    if (due.length < batch.length) break
  }
  return Math.round(taken / (elapsedMs / 1000))
}

export async function status(options: OutputOptions & { follow?: boolean }): Promise<void> {
  await withProjectionSession(async (session) => {
    if (options.follow) return follow(session, options)
    const report = reportOf(await Promise.all(contexts.map((context) => look(session, context))))
    if (options.csv) {
      process.stdout.write(csvOf(report))
      return
    }
    show(report, options, () => textOf(report, options))
  })
}

const MOVES = ['at', 'context', 'position', 'lag', 'rate', 'parked', 'projector']

/** A row of each context at first, and whenever anything but its rate is another. */
async function follow(session: ProjectionSession, options: OutputOptions): Promise<void> {
  const print = printSingly(options, MOVES)
  const last = new Map<string, string>()
  await untilInterrupted((signal) =>
    repeatedly(signal, async () => {
      const report = reportOf(await Promise.all(contexts.map((context) => look(session, context))))
      for (const value of report.contexts) {
        const { context, position, lag_events, events_per_second, projector } = value
        const parked = report.projections
          .filter(({ name }) => name.startsWith(`${context}.`))
          .reduce((sum, { parked_events }) => sum + parked_events, 0)
        const moved = [context, position ?? 'none', `${lag_events} events`, `${parked}`, projector].join(' ')
        if (last.get(context) === moved) continue
        last.set(context, moved)
        const at = new Date().toISOString()
        const cells = [position ?? 'none', `${lag_events} events behind`, `${events_per_second}/s`, `${parked} parked`]
        print({ at, ...value, parked_events: parked }, [at, context, ...cells, projector])
      }
    }),
  ).catch((error: unknown) => {
    // The session's own signal ends what waits, as Ctrl-C is to end this: well.
    if (!session.signal.aborted) throw error
  })
}

interface Look {
  context: string
  state: ReadModelState
  lag: Lag
  eventsPerSecond: number
}

async function look(session: ProjectionSession, context: (typeof contexts)[number]): Promise<Look> {
  const before = await readCheckpoint(session.db, projectionsCheckpoint(context.name))
  const eventsPerSecond = await measureRate(session, context.name, before?.position)
  const state = await readState(session.db, context)
  const lag = await measureLag(session, context.name, state.checkpoint?.position)
  return { context: context.name, state, lag, eventsPerSecond }
}

const projectorOf = (state: ReadModelState) => (state.pausedAt ? 'paused' : state.led ? 'leading' : 'none')

/** Of each context and, above them, of the one that is furthest behind. */
function reportOf(looks: readonly Look[]) {
  const last = looks.reduce((slowest, each) => (each.lag.events > slowest.lag.events ? each : slowest))
  return {
    position: last.state.checkpoint ? `${last.state.checkpoint.position}` : null,
    head: last.lag.head,
    lag_events: last.lag.events,
    lag_events_at_least: last.lag.atLeast,
    lag_ms: last.lag.ms,
    events_per_second: looks.reduce((sum, { eventsPerSecond }) => sum + eventsPerSecond, 0),
    projector: projectorOf(last.state),
    paused_at: last.state.pausedAt ?? null,
    contexts: looks.map(({ context, state, lag, eventsPerSecond }) => ({
      context,
      position: state.checkpoint ? `${state.checkpoint.position}` : null,
      lag_events: lag.events,
      lag_ms: lag.ms,
      events_per_second: eventsPerSecond,
      projector: projectorOf(state),
      paused_at: state.pausedAt ?? null,
    })),
    projections: looks.flatMap(projectionsOf),
  }
}

const projectionsOf = ({ state, lag }: Look) =>
  state.projections.map((projection) => ({
    name: projection.name,
    version: projection.version ?? null,
    code_version: projection.codeVersion,
    money: projection.onPoison === 'halt',
    position: state.checkpoint ? `${state.checkpoint.position}` : null,
    lag_events: lag.events,
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
  }))
type Report = ReturnType<typeof reportOf>

const HEAD = ['projection', 'version', 'position', 'lag', 'parked', 'built', 'beside it']

function textOf(report: Report, options: OutputOptions): string {
  const lag = `${report.lag_events_at_least ? 'at least ' : ''}${report.lag_events}`
  const rows = report.projections.map((projection) => [
    projection.name,
    versionOf(projection),
    projection.position ?? 'none',
    `${projection.lag_events}`,
    projection.parked_events > 0 ? colours.red(`${projection.parked_events}`) : '0',
    projection.built_at ?? 'never',
    projection.shadows.map(({ kind, position }) => `${kind} at ${position ?? 'the start'}`).join(', '),
  ])
  return `${table(HEAD, rows, options)}\n${facts([
    ['position', report.position ?? 'none'],
    ['head', report.head ?? 'none'],
    ['lag', `${lag} events, ${report.lag_ms} ms (${duration(report.lag_ms)})`],
    ['rate', `${report.events_per_second} events/s`],
    ...report.contexts.map(({ context, projector, paused_at }): [string, string] => [
      `projector of ${context}`,
      paused_at ? colours.yellow(`paused since ${paused_at}`) : projector,
    ]),
  ])}`
}

const versionOf = ({ version, code_version }: Report['projections'][number]): string =>
  version === code_version ? `${version}` : colours.yellow(`${version ?? 'none'}, the code has ${code_version}`)

function csvOf(report: Report): string {
  const { head, lag_ms, events_per_second } = report
  const rows = report.projections.map(
    ({ name, version, code_version, position, lag_events, parked_events, parked_streams }) =>
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
