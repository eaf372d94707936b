/** Beginnings of ids, as listings show them where room is short: 8 characters and more stand for the one id that begins so. */
import { isUuid } from '../events/uuid.ts'
import type { ReadModels } from '../postgres/database.ts'
import type { Table } from '../projections/projection.ts'
import { uuidOfPrefixed } from '../runtime/ulid.ts'
import { CliError, EXIT } from './terminal.ts'

const BEGINNING = /^([0-9a-f]{8}[0-9a-f-]{0,27}|[a-z]{2,8}_[0-9A-HJKMNP-TV-Z]{1,25})$/
/** More of them say no more. */
const CANDIDATES_MAX = 10

/** Whether a text may be the beginning of a UUID, or of an id with a prefix. */
export const isBeginning = (text: string): boolean => text.length >= 8 && BEGINNING.test(text)

/**
 * The one of these ids that begins so; undefined where none does. Throws CliError (refused) with the candidates where several
 * do.
 */
export function wholeId(beginning: string, ids: Iterable<string>): string | undefined {
  const found = [...new Set(ids)].filter((id) => id.startsWith(beginning))
  if (found.length <= 1) return found[0]
  const shown = found.slice(0, CANDIDATES_MAX)
  const more = found.length > shown.length ? ', and others' : ''
  throw new CliError(
    EXIT.refused,
    `several ids begin with ${beginning}`,
    `Name one of them: ${shown.join(', ')}${more}`,
  )
}

type Place = readonly [table: Table, column: string]

/** Things that commands name by their ids. */
export interface Identified {
  /** In singular: `organization`. */
  kind: string
  /** Where their ids stand: columns that an index finds by a beginning. Loaded where they are looked into. */
  places(): Promise<readonly Place[]>
  /** What lists them: a command, or a page of the console. */
  listing: string
}

/** Ids in a column that begin so, in their order, at most `limit`. */
export async function idsBeginning(
  db: ReadModels,
  [table, column]: Place,
  beginning: string,
  limit: number,
): Promise<string[]> {
  // Wrong usage and help do without Postgres.
  const [{ sql }, { whereOf }] = await Promise.all([import('kysely'), import('../projections/listing.ts')])
  const where = whereOf(table, [{ column, is: 'begins', value: beginning }])
  const query = sql<{
    id: string
  }>`SELECT DISTINCT ${sql.ref(column)}::text AS id FROM ${sql.table(table.name)} ${where}
    ORDER BY 1 LIMIT ${limit}`
  return (await query.execute(db)).rows.map(({ id }) => id)
}

/**
 * The whole id that this text is, or begins. What can be neither is given back as it is, for the command to refuse. Throws CliError
 * (refused) where no id begins so, and with the candidates where several do.
 */
export async function wholeIdOf(
  { db }: { db: ReadModels },
  { kind, places, listing }: Identified,
  named: string,
): Promise<string> {
  // Letters of UUIDs are small in ours; those of other ids say what they are.
  const text = named.includes('_') ? named : named.toLowerCase()
  if (isUuid(text) || uuidOfPrefixed(text) !== undefined) return text
  if (!isBeginning(text)) return named
  const looked = (await places()).map((place) => idsBeginning(db, place, text, CANDIDATES_MAX + 1))
  const found = await Promise.all(looked)
  const whole = wholeId(text, found.flat())
  if (whole !== undefined) return whole
  throw new CliError(EXIT.refused, `no ${kind} has an id that begins with ${named}`, `${listing} shows them.`)
}
