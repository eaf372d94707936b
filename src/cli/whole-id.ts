/** Beginnings of ids, as listings show them where room is short: 8 characters and more stand for the one id that begins so. */
import { CliError, EXIT } from './terminal.ts'

const BEGINNING = /^([0-9a-f]{8}[0-9a-f-]{0,27}|[a-z]{2,8}_[0-9A-HJKMNP-TV-Z]{4,25})$/

/** Whether a text may be the beginning of a UUID, or of an id with a prefix. */
export const isBeginning = (text: string): boolean => text.length >= 8 && BEGINNING.test(text)

/**
 * The one of these ids that begins so; undefined where none does. Throws CliError (refused) with the candidates where several
 * do.
 */
export function wholeId(beginning: string, ids: Iterable<string>): string | undefined {
  const found = [...new Set(ids)].filter((id) => id.startsWith(beginning))
  if (found.length <= 1) return found[0]
  throw new CliError(EXIT.refused, `several ids begin with ${beginning}`, `Name one of them: ${found.join(', ')}`)
}
