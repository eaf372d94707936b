/**
 * How the command line speaks: plain words on a terminal, JSON for scripts, colours only where somebody looks, and one
 * exit code per kind of ending. Expected faults are one sentence and, where there is one, a way on.
 */
import { InvalidArgumentError } from 'commander'
import picocolors from 'picocolors'
import { printLater, screenWidth, widthOf, wrapped } from './screen.ts'

export const EXIT = {
  ok: 0,
  /** Refused, not found, or a check that failed. */
  refused: 1,
  usage: 2,
  /** The service cannot be reached, or something has to end first: to be tried again. */
  unreachable: 3,
  /** Nothing was found to be wrong, and a part of what was asked could not be checked. */
  unchecked: 4,
} as const
export type ExitCode = (typeof EXIT)[keyof typeof EXIT]

/** An ending that the command foresaw. `hint` says what to do about it. */
export class CliError extends Error {
  override name = 'CliError'
  readonly exitCode: ExitCode
  readonly hint: string | undefined
  constructor(exitCode: ExitCode, message: string, hint?: string) {
    super(message)
    this.exitCode = exitCode
    this.hint = hint
  }
}

const wantsColour = (stream: { isTTY?: boolean }): boolean =>
  stream.isTTY === true && !process.env.NO_COLOR && process.env.TERM !== 'dumb'

/** Colours for what goes to standard output; none where that is a pipe or a file. */
export const colours = picocolors.createColors(wantsColour(process.stdout))
/** The same for what goes to standard error. */
export const errorColours = picocolors.createColors(wantsColour(process.stderr))

interface Showing {
  json?: boolean
  /** Lines may be wider than the screen. */
  wide?: boolean
  /** What is longer than the window goes through a pager at the end. */
  pager?: boolean
}

/** A result: the value as JSON, or the text that `human` makes of it. */
export function show(value: unknown, options: Showing, human: () => string): void {
  if (options.json) {
    process.stdout.write(`${JSON.stringify(value, null, 2)}\n`)
    return
  }
  const text = `${options.wide ? human() : wrapped(human(), screenWidth())}\n`
  if (options.pager && process.stdout.isTTY) printLater(text)
  else process.stdout.write(text)
}

/** A remark beside the result, on standard error. */
export const remark = (text: string): void =>
  void process.stderr.write(`${wrapped(text, screenWidth(process.stderr))}\n`)

/** Names and values, one a line, the values aligned. */
export function facts(pairs: readonly (readonly [name: string, value: string])[]): string {
  const width = Math.max(...pairs.map(([name]) => widthOf(name)))
  return pairs.map(([name, value]) => `${colours.dim(name)}${' '.repeat(width - widthOf(name))}  ${value}`).join('\n')
}

/** An option's text, neither empty nor longer than this. */
export const text =
  (name: string, lengthMax: number) =>
  (value: string): string => {
    const trimmed = value.trim()
    if (trimmed === '' || trimmed.length > lengthMax) {
      throw new InvalidArgumentError(`The ${name} must have 1 to ${lengthMax} characters.`)
    }
    return trimmed
  }

export interface Failure {
  exitCode: ExitCode
  /** For scripts. */
  code: string
  message: string
  hint: string | undefined
}

/** True where fetch could not reach the server or was cut off. */
export const isFetchFailure = (error: unknown): boolean =>
  error instanceof TypeError && /fetch failed|terminated/.test(error.message)

/** The message of the innermost error: `connect ECONNREFUSED 127.0.0.1:8080` instead of `fetch failed`. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const inner = error instanceof AggregateError ? error.errors[0] : error.cause
  return inner instanceof Error ? reasonOf(inner) : error.message || error.name
}
