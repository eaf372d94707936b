/** `opslog audit export`: events with their exact bytes, one JSON object a line, for checks elsewhere. */
import { once } from 'node:events'
import { createWriteStream, openSync } from 'node:fs'
import { finished } from 'node:stream/promises'
import { exportLine } from '../audit/export.ts'
import { isAfter } from '../audit/moment.ts'
import { createdAt } from '../audit/raw-log.ts'
import { categoryOf } from '../events/event.ts'
import { withRawLog } from './audit-session.ts'
import { momentOf } from './moment.ts'
import { showProgress } from './progress-bar.ts'
import { CliError, EXIT } from './terminal.ts'

export interface ExportOptions {
  from?: string
  to?: string
  category?: string
  out?: string
}

const PROGRESS_EVENTS = 2_000

export async function exportEvents(options: ExportOptions): Promise<void> {
  const from = options.from === undefined ? undefined : momentOf(options.from)
  const to = options.to === undefined ? undefined : momentOf(options.to)
  const sink = options.out ? createWriteStream(options.out, { fd: openNew(options.out) }) : process.stdout
  await withRawLog(async (log) => {
    const target = (await log.head()) ?? 0n
    const progress = showProgress('export')
    let events = 0
    try {
      for await (const event of from && 'position' in from ? log.readFrom(from.position) : log.readAll()) {
        if (to && isAfter(event, to)) break
        if (from && 'time' in from && createdAt(event) < from.time) continue
        if (options.category && categoryOf(event.stream) !== options.category) continue
        if (!sink.write(exportLine(event))) await once(sink, 'drain')
        events += 1
        if (events % PROGRESS_EVENTS === 0) progress.update({ position: event.position, target, events })
      }
    } finally {
      progress.stop()
    }
    if (sink !== process.stdout) {
      sink.end()
      await finished(sink)
    }
    process.stderr.write(`${events} events exported\n`)
  })
}

/** What is there is never written over: it may be the only record of what the log said. */
function openNew(file: string): number {
  try {
    return openSync(file, 'wx', 0o600)
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === 'EEXIST') throw new CliError(EXIT.refused, `${file} exists already`, 'Name a file that does not.')
    throw new CliError(EXIT.refused, `${file} cannot be written: ${message}`, 'Name another file.')
  }
}
