/** Errors that escape everything end the process, which loses nothing; db-client's known strays do not. */
import type { Logger } from 'pino'
import { escapedFromClient } from '../eventstore/failure.ts'

/** `ending`: what is said of an error on standard error, and the exit code. It ends within `flushMaxMs`, for the log's last lines. */
export function guardProcess(
  log: Logger,
  flushMaxMs: number,
  ending: (error: unknown) => { text: string; code: number },
): void {
  const onStray = (error: unknown) => {
    if (escapedFromClient(error)) return log.warn({ err: error }, 'stray error of the event store client')
    log.fatal({ err: error }, 'unexpected error; the process ends')
    const { text, code } = ending(error)
    process.stderr.write(text)
    log.flush(() => process.exit(code))
    // A log on a full disk is never flushed.
    setTimeout(() => process.exit(code), flushMaxMs)
  }
  process.on('uncaughtException', onStray)
  process.on('unhandledRejection', onStray)
}
