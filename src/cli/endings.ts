/** How a command that failed ends: what is said of it, and its exit code. */
import { CommanderError } from 'commander'
import { CliError, EXIT, type ExitCode, errorColours, type Failure, remark } from './terminal.ts'

/** Says what went wrong on standard error and answers with the exit code. */
export async function explain(error: unknown, json: boolean): Promise<ExitCode> {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return EXIT.ok
    // For people commander has said it already.
    const message = error.message.replace(/^error: /, '')
    if (json) process.stderr.write(`${JSON.stringify({ error: { code: 'usage', message } })}\n`)
    return EXIT.usage
  }
  // Of what a command itself foresaw nothing else needs to be known; the rest of the house takes long to load.
  const failure = error instanceof CliError ? foreseen(error) : (await import('./failures.ts')).failureOf(error)
  if (!failure) {
    process.stderr.write(`${errorColours.red('unexpected:')} ${error instanceof Error ? error.stack : error}\n`)
    return EXIT.refused
  }
  const { exitCode, code, message, hint } = failure
  if (json) process.stderr.write(`${JSON.stringify({ error: { code, message, ...(hint ? { hint } : {}) } })}\n`)
  else remark([`${errorColours.red('error:')} ${message}`, ...(hint ? [errorColours.dim(hint)] : [])].join('\n'))
  return exitCode
}

function foreseen({ exitCode, message, hint }: CliError): Failure {
  return {
    exitCode,
    code: { 0: 'ok', 1: 'refused', 2: 'usage', 3: 'unreachable', 4: 'unchecked' }[exitCode],
    message,
    hint,
  }
}
