/** How an instance is doing, on one screen: what /readyz and /metrics say, the disk, the last seal, and what to do. */
import { statfsSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { z } from 'zod'
import { version } from '../runtime/version.ts'
import { configuration, findServices, runningServices } from './connection.ts'
import { untilInterrupted } from './following.ts'
import { duration } from './progress-bar.ts'
import { colours, EXIT, type ExitCode, facts, isFetchFailure, reasonOf, show } from './terminal.ts'

export interface StatusOptions {
  url?: string
  watch?: boolean
  json?: boolean
}

const readinessSchema = z.object({
  status: z.enum(['ready', 'degraded', 'not_ready']),
  dependencies: z.record(z.string(), z.looseObject({ up: z.boolean() })),
})

const ANSWER_MAX_MS = 5_000
/** Between the two looks that a rate is taken from, and between two pictures of `--watch`. */
const SAMPLE_MS = 1_000
const WATCH_INTERVAL_MS = 1_000
/** Parts on one screen; those that are well are counted where there are more. */
const PARTS_MAX = 12

/** Where the runbook (docs/runbook.md) says what to do about a part that is down. */
const remedies: readonly (readonly [part: RegExp, section: string])[] = [
  [/^event_store$/, '/readyz: event_store is down'],
  [/^postgres$/, '/readyz: postgres is down'],
  [/^command_stream$/, '/readyz is degraded by command_stream'],
  [/^person_keys$/, 'The vault of personal keys'],
  [/^event_log$/, '/readyz is degraded by event_log'],
  [/^parked_events$/, '/readyz is degraded by parked_events'],
  [/^projector\./, '/readyz: a projector is down'],
]
/** Names of the figures that count what was given up begin so. */
const DEAD_LETTERS = 'opslog_dead_letter_'
const OTHER_REMEDY = 'opslog_processes_halted is above 0, opslog_leaders_missing is above 0'

type Part = { name: string; up: boolean; state: string; lagMs: number | undefined; detail: string }

interface Report {
  status: 'ready' | 'degraded' | 'not_ready' | 'unreachable'
  url: string
  version: string
  uptimeMs: number | undefined
  parts: Part[]
  eventsPerSecond: number | undefined
  position: string | undefined
  parkedStreams: number | undefined
  /** What contexts have given up, each kind with its number. */
  deadLetters: readonly (readonly [kind: string, count: number])[]
  diskFreeBytes: number | undefined
  lastSealAt: string | null | undefined
  /** Why there is no answer. */
  error: string | undefined
}

const exitCodes: Record<Report['status'], ExitCode> = {
  ready: EXIT.ok,
  degraded: EXIT.refused,
  not_ready: EXIT.unreachable,
  unreachable: EXIT.unreachable,
}

export async function status(options: StatusOptions): Promise<void> {
  if (options.watch) return untilInterrupted((signal) => watch(options, signal))
  const report = await reportOf(options)
  show(jsonOf(report), options, () => textOf(report))
  process.exitCode = exitCodes[report.status]
}

async function watch(options: StatusOptions, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const report = await reportOf(options)
    if (process.stdout.isTTY) process.stdout.write('\x1b[H\x1b[2J')
    if (options.json) process.stdout.write(`${JSON.stringify(jsonOf(report))}\n`)
    else show(undefined, {}, () => textOf(report))
    await delay(WATCH_INTERVAL_MS, undefined, { signal })
  }
}

async function ask(url: string): Promise<Response> {
  return fetch(url, { signal: AbortSignal.timeout(ANSWER_MAX_MS) })
}

/** Where the instance shows its health. Throws CliError (unreachable) where none runs. */
function healthUrl({ url }: StatusOptions): string {
  if (url !== undefined) return url.replace(/\/+$/, '')
  const { health, api } = runningServices(configuration().DATA_DIR)
  return health?.url ?? api?.url ?? ''
}

async function reportOf(options: StatusOptions): Promise<Report> {
  const url = healthUrl(options)
  const nothing = {
    ...{ url, version: version(), uptimeMs: undefined, parts: [], eventsPerSecond: undefined, position: undefined },
    ...{ parkedStreams: undefined, deadLetters: [] },
    ...{ diskFreeBytes: diskFree(options), lastSealAt: undefined },
  }
  try {
    const { status, dependencies } = readinessSchema.parse(await (await ask(`${url}/readyz`)).json())
    const before = await figuresOf(url)
    await delay(SAMPLE_MS)
    const figures = await figuresOf(url)
    const startedS = figures.get('process_start_time_seconds')
    // A process that writes none itself knows what others write by their checkpoints; one without Postgres, its own.
    const taken =
      difference(figures, before, 'opslog_read_model_events') ?? difference(figures, before, 'opslog_projector_events')
    const positions = Object.values(dependencies).flatMap(({ position }) =>
      position ? [BigInt(String(position))] : [],
    )
    return {
      ...nothing,
      status,
      uptimeMs: startedS === undefined ? undefined : Date.now() - startedS * 1_000,
      parts: Object.entries(dependencies).map(([name, found]) => partOf(name, found)),
      eventsPerSecond: taken === undefined ? undefined : Math.round(taken / (SAMPLE_MS / 1_000)),
      position: positions.length === 0 ? undefined : `${positions.reduce((a, b) => (a > b ? a : b))}`,
      parkedStreams: figures.get('opslog_projector_parked_streams'),
      deadLetters: [...figures].flatMap(([name, count]) =>
        name.startsWith(DEAD_LETTERS) ? [[name.slice(DEAD_LETTERS.length), count] as const] : [],
      ),
      lastSealAt: options.url === undefined ? await lastSeal() : undefined,
      error: undefined,
    }
  } catch (error) {
    if (!isFetchFailure(error) && !isTimeout(error)) throw error
    return { ...nothing, status: 'unreachable', error: `${url}: ${reasonOf(error)}` }
  }
}

const isTimeout = (error: unknown): boolean => error instanceof Error && error.name === 'TimeoutError'

function partOf(name: string, found: { up: boolean; [detail: string]: unknown }): Part {
  const { up, state, kind, lag_ms: lagMs, error } = found
  return {
    name,
    up,
    state: String(state ?? kind ?? ''),
    lagMs: typeof lagMs === 'number' ? lagMs : undefined,
    detail: error === undefined ? '' : String(error),
  }
}

/** Figures of Prometheus's text by name, those of several labels added up. */
async function figuresOf(url: string): Promise<Map<string, number>> {
  const answer = await ask(`${url}/metrics`)
  const figures = new Map<string, number>()
  for (const line of (await answer.text()).split('\n')) {
    const [, name, value] = /^([a-z_]+)(?:\{[^}]*\})? ([-+\d.e]+)$/i.exec(line) ?? []
    if (name !== undefined) figures.set(name, (figures.get(name) ?? 0) + Number(value))
  }
  return figures
}

function difference(now: Map<string, number>, before: Map<string, number>, name: string): number | undefined {
  const [a, b] = [now.get(name), before.get(name)]
  return a === undefined || b === undefined ? undefined : a - b
}

function diskFree({ url }: StatusOptions): number | undefined {
  const { DATA_DIR } = configuration()
  if (url !== undefined || !findServices(DATA_DIR)) return undefined
  const { bavail, bsize } = statfsSync(DATA_DIR)
  return bavail * bsize
}

/** When the log was sealed last; null: never. */
async function lastSeal(): Promise<string | null> {
  const [{ readSeals }, { withRawLog }] = await Promise.all([import('../audit/seal.ts'), import('./audit-session.ts')])
  const seals = await withRawLog(readSeals)
  return seals.at(-1)?.occurredAt ?? null
}

const jsonOf = (report: Report) => ({
  status: report.status,
  url: report.url,
  version: report.version,
  uptime_ms: report.uptimeMs ?? null,
  position: report.position ?? null,
  events_per_second: report.eventsPerSecond ?? null,
  parts: report.parts.map(({ lagMs, ...part }) => ({ ...part, lag_ms: lagMs ?? null })),
  parked_streams: report.parkedStreams ?? null,
  ...Object.fromEntries(report.deadLetters.map(([kind, count]) => [`dead_letter_${kind}`, count])),
  disk_free_bytes: report.diskFreeBytes ?? null,
  last_seal_at: report.lastSealAt ?? null,
  error: report.error ?? null,
})

const inColour: Record<Report['status'], string> = {
  ready: colours.green('all is well'),
  degraded: colours.yellow('degraded'),
  not_ready: colours.red('down'),
  unreachable: colours.red('cannot be reached'),
}

function textOf(report: Report): string {
  const known = (value: number | undefined) => (value === undefined ? 'unknown' : `${value}`)
  const givenUp = report.deadLetters.map(([kind, count]) => `${count} ${kind}`).join(', ')
  const pairs: [string, string][] = [
    ['opslog', `${report.version}, ${inColour[report.status]}`],
    ['at', `${report.url}${report.uptimeMs === undefined ? '' : `, up ${duration(report.uptimeMs)}`}`],
  ]
  if (report.error) return facts([...pairs, ['because', report.error]])
  pairs.push(
    ['position', `${report.position ?? 'none'}, ${known(report.eventsPerSecond)} events/s taken in`],
    ['set aside', `${known(report.parkedStreams)} parked streams`],
    ['given up', `${givenUp || 'unknown'}: opslog dead-letters list`],
  )
  if (report.diskFreeBytes !== undefined) pairs.push(['disk', `${Math.round(report.diskFreeBytes / 1e9)} GB free`])
  if (report.lastSealAt !== undefined) pairs.push(['last seal', report.lastSealAt ?? 'never'])
  return [facts(pairs), ...partLines(report.parts), ...remedyLines(report.parts)].join('\n')
}

/** What is down first, as many as a screen has room for, the rest as a number. */
function partLines(parts: readonly Part[]): string[] {
  const shown = parts.toSorted((a, b) => Number(a.up) - Number(b.up)).slice(0, PARTS_MAX)
  const nameWidth = Math.max(0, ...shown.map(({ name }) => name.length))
  const lines = shown.map(({ name, up, state, lagMs, detail }) => {
    const lag = lagMs === undefined ? '' : `${Math.round(lagMs)} ms behind`
    const mark = up ? colours.green('up  ') : colours.red('DOWN')
    return `${mark}  ${name.padEnd(nameWidth)}  ${[state, lag, detail].filter(Boolean).join(', ')}`
  })
  const more = parts.length - shown.length
  return more > 0 ? [...lines, colours.dim(`and ${more} more; --json lists all`)] : lines
}

/** Sections of the runbook about what is down, each once. */
function remedyLines(parts: readonly Part[]): string[] {
  const down = parts.filter(({ up }) => !up)
  const sections = down.map(({ name }) => remedies.find(([part]) => part.test(name))?.[1] ?? OTHER_REMEDY)
  return [...new Set(sections)].map((section) => `${colours.dim('docs/runbook.md:')} ${section}`)
}
