/** `opslog audit as-of --table`: any read model as it was at a moment, built from the log in a schema of its own. */
import { randomBytes } from 'node:crypto'
import { sql } from 'kysely'
import type { Moment } from '../audit/moment.ts'
import { createdAt, type RawLog } from '../audit/raw-log.ts'
import { withoutLeader } from '../postgres/leadership.ts'
import { projectionsCheckpoint } from '../projections/checkpoint.ts'
import type { Projection, Table } from '../projections/projection.ts'
import { dropShadow, openShadow } from '../projections/rebuild/shadow.ts'
import { readShadows } from '../projections/rebuild/status.ts'
import { withRawLog } from './audit-session.ts'
import { projections } from './contexts.ts'
import { showProgress } from './progress-bar.ts'
import { exclusively, type ProjectionSession, withProjectionSession } from './projections-session.ts'
import { list, type OutputOptions } from './table-output.ts'
import { CliError, EXIT } from './terminal.ts'

/** The table of this name, with or without its context: `accounts` is `noctant_accounts`. Throws CliError (usage). */
function tableOf(name: string): { projection: Projection; table: Table } {
  const all = projections.flatMap((projection) => projection.tables.map((table) => ({ projection, table })))
  const found = all.filter(({ table }) => table.name === name || table.name.slice(table.name.indexOf('_') + 1) === name)
  if (found.length === 1) return found[0]!
  const known = all.map(({ table }) => table.name).join(', ')
  throw new CliError(
    EXIT.usage,
    `${found.length === 0 ? 'there is no table' : 'several tables are called'} ${name}`,
    known,
  )
}

/** The last position at or before the moment. */
async function positionAt(log: RawLog, moment: Moment): Promise<bigint | undefined> {
  if ('position' in moment) return moment.position
  let position: bigint | undefined
  for await (const event of log.readAll()) {
    if (createdAt(event) > moment.time) break
    position = event.position
  }
  return position
}

const textOf = (value: unknown): string =>
  value === null || value === undefined ? '' : typeof value === 'object' ? JSON.stringify(value) : String(value)

export async function asOfTable(name: string, at: Moment, options: OutputOptions): Promise<void> {
  const { projection, table } = tableOf(name)
  const target = await withRawLog((log) => positionAt(log, at))
  await withProjectionSession(async (session) => {
    await dropForgotten(session)
    const schema = `${SCHEMA_PREFIX}${randomBytes(6).toString('hex')}`
    await exclusively(session, schema, () => printTable(session, { projection, table, schema, target }, options))
  })
}

const SCHEMA_PREFIX = 'opslog_as_of_'

/** What a killed run has left behind: nobody holds its lock any more. */
async function dropForgotten({ db }: ProjectionSession): Promise<void> {
  const shadows = await readShadows(db)
  for (const { schema } of shadows.filter((shadow) => shadow.schema.startsWith(SCHEMA_PREFIX))) {
    if ((await withoutLeader(db, [schema])).length > 0) await dropShadow(db, schema)
  }
}

interface TableThen {
  projection: Projection
  table: Table
  schema: string
  target: bigint | undefined
}

async function printTable(session: ProjectionSession, then: TableThen, options: OutputOptions): Promise<void> {
  const { projection, table, schema, target } = then
  const progress = showProgress('as of')
  try {
    const shadow = await openShadow({
      ...session,
      projections: [projection],
      checkpoint: projectionsCheckpoint('as_of'),
      schema,
      onProgress: progress.update,
    })
    await shadow.catchUp(target)
    progress.stop()
    const columns = [...Object.keys(table.columns), ...Object.keys(table.generated ?? {})]
    const order = sql.join(table.key.map((column) => sql.id(column)))
    const { rows } = await sql<Record<string, unknown>>`SELECT ${sql.join(columns.map((column) => sql.id(column)))}
      FROM ${sql.id(schema, table.name)} ORDER BY ${order}`.execute(session.db)
    const cells = rows.map((row) => columns.map((column) => textOf(row[column])))
    list(rows, options, columns, cells, `${table.name} was empty`)
  } finally {
    progress.stop()
    await dropShadow(session.db, schema)
  }
}
