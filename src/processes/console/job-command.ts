/**
 * What a job does is what the command line does, run as a process of its own: so that a rebuild takes nothing of the event
 * loop that serves or projects, ends where it is told to in a state to go on from, and is the same whoever asks for it.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { JobEnd, JobFacts } from '../../commands/console/job.ts'

const PROGRAM = fileURLToPath(new URL('../../../scripts/opslog.mjs', import.meta.url))
/** Of what it says beside its report; the first are forgotten. */
const LOG_MAX_BYTES = 16_384
/** Of its report: a comparison lists rows, a verification findings. */
const REPORT_MAX_BYTES = 8_000_000
/** Findings that go on record; all are counted. */
const FINDINGS_MAX = 100
/** How long it has to stop by itself. */
const STOP_MAX_MS = 10_000

export interface JobProgress {
  percent: number
  events: number
  eventsPerSecond: number
}

export interface JobEnvironment {
  /** Variables by which the command line finds what the instance works on. */
  variables: Readonly<Record<string, string | undefined>>
  onProgress: (progress: JobProgress) => void
  /** Stops the work. */
  signal: AbortSignal
}

/** Arguments of the command line; undefined: the job is none of its. */
export function argumentsOf({ kind, projection, stream, category }: JobFacts): string[] | undefined {
  const name = projection ?? ''
  switch (kind) {
    case 'estimate':
      return ['projections', 'rebuild', name, '--dry-run', '--json']
    case 'rebuild':
      return ['projections', 'rebuild', name, '--keep-previous', '--limit', '1', '--json']
    case 'verify':
      return ['projections', 'verify', name, '--limit', '1', '--json']
    case 'rollback':
      return ['projections', 'rollback', name, '--limit', '1', '--json']
    case 'retry':
    case 'skip':
      return ['projections', 'parked', kind, stream ?? '', '--projection', name, '--json']
    case 'verification': {
      const of = stream !== null ? ['--stream', stream] : category !== null ? ['--category', category] : []
      return ['audit', 'verify', ...of, '--json']
    }
    case 'pause':
    case 'resume':
      return undefined
    default:
      return kind satisfies never
  }
}

/** Runs the command. Rejects with the signal's reason where that has stopped it, or where there is no such program. */
export async function runCommand(args: readonly string[], environment: JobEnvironment): Promise<JobEnd> {
  const { variables, onProgress, signal } = environment
  signal.throwIfAborted()
  const child = spawn(process.execPath, [...process.execArgv, PROGRAM, ...args], {
    env: { ...variables, NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const exited = once(child, 'exit') as Promise<[number | null]>
  const stop = () => {
    child.kill('SIGTERM')
    setTimeout(() => child.kill('SIGKILL'), STOP_MAX_MS).unref()
  }
  signal.addEventListener('abort', stop, { once: true })
  const said = createLog()
  const report = collect(child.stdout)
  const listening = (async () => {
    for await (const line of createInterface({ input: child.stderr })) {
      said.add(line)
      const progress = progressIn(line)
      if (progress) onProgress(progress)
    }
  })()
  try {
    const [[code], text] = await Promise.all([exited, report, listening])
    signal.throwIfAborted()
    return endOf(code, text, said.text())
  } finally {
    signal.removeEventListener('abort', stop)
  }
}

/** `rebuild: 40 %, 1200 events, 600/s, 3 s left` */
const PROGRESS = /: (\d+) %, (\d+) events, (\d+)\/s,/

export function progressIn(line: string): JobProgress | undefined {
  const [, percent, events, eventsPerSecond] = PROGRESS.exec(line) ?? []
  if (percent === undefined) return undefined
  return { percent: Number(percent), events: Number(events), eventsPerSecond: Number(eventsPerSecond) }
}

function createLog() {
  const lines: string[] = []
  let bytes = 0
  return {
    add(line: string): void {
      lines.push(line)
      bytes += Buffer.byteLength(line) + 1
      while (bytes > LOG_MAX_BYTES && lines.length > 0) bytes -= Buffer.byteLength(lines.shift() ?? '') + 1
    },
    text: () => lines.join('\n'),
  }
}

/** The report as text; '' where it is longer than any that is of use. */
async function collect(stream: NodeJS.ReadableStream): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes <= REPORT_MAX_BYTES) chunks.push(chunk)
  }
  return bytes > REPORT_MAX_BYTES ? '' : Buffer.concat(chunks).toString('utf8')
}

type Report = Record<string, unknown>

function parsed(text: string): Report | undefined {
  try {
    const value: unknown = JSON.parse(text)
    if (Array.isArray(value)) return { rows: value }
    return typeof value === 'object' && value !== null ? (value as Report) : undefined
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

const nothing = { tables: [], findings: [], findingsTotal: 0, figures: {} }

/** `{"error": {"message": …, "hint": …}}`, as the last line says it; else all that it said. */
function errorIn(log: string, code: number | null): string {
  const last = log.split('\n').findLast((line) => line.trim() !== '') ?? ''
  const { error } = parsed(last) ?? {}
  if (typeof error !== 'object' || error === null) return log || `It ended with ${code ?? 'a signal'}.`
  const { message = '', hint = '' } = error as { message?: string; hint?: string }
  return [`${message.charAt(0).toUpperCase()}${message.slice(1)}.`, hint].join(' ').trim()
}

/** What a command that ended so has done. One with a report has done its work, whatever it has found. */
export function endOf(code: number | null, text: string, log: string): JobEnd {
  const report = parsed(text)
  // What is parked is taken in up to the next fault, which is said with the stream.
  const fault = arrayOf(report?.rows).find((each) => typeof each.fault === 'string')?.fault
  if (typeof fault === 'string') return { outcome: 'refused', error: fault, log, ...nothing }
  if (!report && code !== 0) return { outcome: 'refused', error: errorIn(log, code), log, ...nothing }
  if (!report) return { outcome: 'done', error: null, log, ...nothing }
  const findings = arrayOf(report.findings)
  return {
    ...{ outcome: 'done', error: null, log },
    tables: arrayOf(report.tables).map((each) => ({
      table: String(each.table),
      rowsLive: numberOf(each.rowsLive),
      rowsRebuilt: numberOf(each.rowsRebuilt),
      rowsDiffering: numberOf(each.rowsDiffering),
    })),
    findings: findings.slice(0, FINDINGS_MAX).map((each) => ({
      ...{ kind: String(each.kind), stream: String(each.stream) },
      revision: each.revision === null || each.revision === undefined ? null : String(each.revision),
      ...{ position: String(each.position), type: String(each.type), detail: String(each.detail) },
    })),
    findingsTotal: numberOf(report.findings_total),
    figures: Object.fromEntries(
      Object.entries(report).filter((entry): entry is [string, number] => typeof entry[1] === 'number'),
    ),
  }
}

const arrayOf = (value: unknown): Report[] => (Array.isArray(value) ? (value as Report[]) : [])
const numberOf = (value: unknown): number => (typeof value === 'number' && Number.isSafeInteger(value) ? value : 0)
