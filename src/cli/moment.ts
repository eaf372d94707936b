/** Moments as options of commands name them. */
import { type Moment, parseMoment } from '../audit/moment.ts'
import { CliError, EXIT } from './terminal.ts'

/** A time (RFC 3339) or a commit position. Throws CliError (usage). */
export function momentOf(text: string): Moment {
  const moment = parseMoment(text)
  if (moment) return moment
  throw new CliError(
    EXIT.usage,
    `${text} is neither a time nor a position`,
    'For example 2026-03-01T09:30:00Z or 4711.',
  )
}
