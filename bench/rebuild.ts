/**
 * The rebuild suite: the account list, rebuilt as `opslog projections rebuild` does it (history read, decoded, handled,
 * filled into a shadow with its indexes, compared with the live tables, exchanged), against what bounds it on either
 * side: the official client reading the same events and doing nothing with them, and Postgres taking the same rows in
 * upserts from two connections.
 */
import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { EventStoreDBClient, START } from '@eventstore/db-client'
import { Pool } from 'pg'
import { startPostgres } from '../src/embedded/postgres.ts'
import { createEventStore } from '../src/events/store.ts'
import { isPoison, readHistory } from '../src/events/subscription.ts'
import { createDatabase } from '../src/postgres/database.ts'
import { projectionsCheckpoint } from '../src/projections/checkpoint.ts'
import { accountProjection } from '../src/projections/noctant/account.ts'
import { ddlOf, type Table, type Values } from '../src/projections/projection.ts'
import { rebuild } from '../src/projections/rebuild/rebuild.ts'
import { prepareSchema } from '../src/projections/schema.ts'
import { registry } from '../test/support/contexts.ts'
import type { SuiteOptions } from './commands.ts'
import { startProgram, stopProgram } from './instance.ts'
import { compare, type Measurement, type Round } from './measure.ts'
import { eventsOf, putAtHead, type Seed, seedEventStore } from './seed.ts'

/** Events at the default of three seconds a side, and the fewest. */
const EVENTS = 1_000_000
const EVENTS_MIN = 20_000
const DEFAULT_SECONDS = 3
/** As the command line has it (src/cli/projections-session.ts). */
const BATCH_MAX = 4_000
const SILENCE_MAX_MS = 20_000

export async function runRebuildBench({ seconds, rounds }: SuiteOptions): Promise<Measurement[]> {
  const events = Math.max(EVENTS_MIN, Math.round(Math.min(1, seconds / DEFAULT_SECONDS) * EVENTS))
  const users = 100
  const seed = { users, accounts: Math.ceil((events - users) / 2), changes: 1 }
  const directory = mkdtempSync(join(tmpdir(), 'opslog-bench-rebuild-'))
  const storeDirectory = join(directory, 'eventstore')
  await seedEventStore(storeDirectory, seed, randomUUID())
  const main = '../src/embedded/eventstore/main.ts'
  const { child, said } = await startProgram(main, ['--directory', storeDirectory], {}, /\n/)
  const postgres = await startPostgres({ directory: join(directory, 'postgres') })
  const eventStoreUrl = JSON.parse(said).url as string
  try {
    await prepareLive(eventStoreUrl, postgres.url)
    const upserts = await upsertsOf(eventStoreUrl)
    const ours = () => rate(seed, () => ourRebuild(eventStoreUrl, postgres.url))
    const reading = () => rate(seed, () => clientRead(eventStoreUrl, eventsOf(seed)))
    const writing = () => rate(seed, () => bareUpserts(postgres.url, upserts))
    // The first rebuild meets empty live tables.
    await ours()
    const name = `rebuild from ${events.toLocaleString('en')} events`
    return [
      await compare(`${name} against the client reading them`, rounds, ours, reading, { floor: 0.5, goal: 0.6 }),
      await compare(`${name} against pg taking the rows`, rounds, ours, writing, { floor: 0.3, goal: 0.4 }),
    ]
  } finally {
    await stopProgram(child)
    await postgres.stop()
    rmSync(directory, { recursive: true, force: true })
  }
}

async function rate(seed: Seed, work: () => Promise<void>): Promise<Round> {
  const startedMs = performance.now()
  await work()
  return { perSecond: eventsOf(seed) / ((performance.now() - startedMs) / 1_000), latenciesMs: [] }
}

/** Live tables that stand at the head of the log, for the rebuild to catch up with. */
async function prepareLive(eventStoreUrl: string, databaseUrl: string): Promise<void> {
  const store = createEventStore({ registry, url: eventStoreUrl, deadlineMs: 30_000, appendAttemptsMax: 1 })
  const db = createDatabase({ url: databaseUrl, statementTimeoutMs: 0 })
  await prepareSchema(db, [{ name: 'noctant', projections: [accountProjection] }])
  await putAtHead(db, store, projectionsCheckpoint('noctant'))
  await Promise.all([db.destroy(), store.close()])
}

async function ourRebuild(eventStoreUrl: string, databaseUrl: string): Promise<void> {
  const db = createDatabase({ url: databaseUrl, poolMax: 4, statementTimeoutMs: 0 })
  try {
    await rebuild({
      db,
      projections: [accountProjection],
      checkpoint: projectionsCheckpoint('noctant'),
      readHistory: (after) =>
        readHistory({ registry, url: eventStoreUrl, batchMax: BATCH_MAX, readTimeoutMs: SILENCE_MAX_MS }, after),
      signal: new AbortController().signal,
      transactionAttemptsMax: 5,
      exclusively: (work) => work(),
      onSwapped: () => undefined,
      onCompared: () => undefined,
    })
  } finally {
    await db.destroy()
  }
}

async function clientRead(url: string, events: number): Promise<void> {
  const client = EventStoreDBClient.connectionString(url)
  let seen = 0
  for await (const _event of client.readAll({ fromPosition: START })) seen += 1
  await client.dispose()
  if (seen < events) throw new Error(`the client has read ${seen} of ${events} events`)
}

/** The rows of so many events, column by column. */
interface Upsert {
  table: Table
  columns: unknown[][]
}

/** Every event's rows as they are after it, in batches; made beforehand, so that only Postgres is measured. */
async function upsertsOf(url: string): Promise<Upsert[]> {
  const rows = new Map<Table, Map<string, Values>>()
  const upserts: Upsert[] = []
  for await (const batch of readHistory(
    { registry, url, batchMax: BATCH_MAX, readTimeoutMs: SILENCE_MAX_MS },
    undefined,
  )) {
    const touched = new Map<Table, Values[]>()
    for (const event of batch) {
      if (isPoison(event)) throw new Error(`${event.type} does not decode: ${event.fault}`)
      for (const change of accountProjection.handlers[event.type]?.(event) ?? []) {
        if (change.kind === 'erase' || change.kind === 'removeAll') continue
        const { table } = change
        const known = rows.get(table) ?? rows.set(table, new Map()).get(table)!
        const key = change.kind === 'upsert' ? change.row : change.key
        const name = table.key.map((column) => key[column]).join()
        const row = { ...known.get(name), ...(change.kind === 'patch' ? change.values : key) }
        known.set(name, row)
        const changed = touched.get(table)
        if (changed) changed.push(row)
        else touched.set(table, [row])
      }
    }
    for (const [table, changed] of touched) {
      upserts.push({ table, columns: Object.keys(table.columns).map((column) => changed.map((row) => row[column])) })
    }
  }
  return upserts
}

const CONNECTIONS = 2

/** The same tables with the same rows, key and indexes, the indexes last; each connection with every other batch. */
async function bareUpserts(databaseUrl: string, upserts: readonly Upsert[]): Promise<void> {
  const pool = new Pool({ connectionString: databaseUrl, max: CONNECTIONS, options: '-c search_path=reference' })
  const tables = accountProjection.tables.map(ddlOf)
  await pool.query('DROP SCHEMA IF EXISTS reference CASCADE')
  await pool.query('CREATE SCHEMA reference')
  for (const [create] of tables) await pool.query(create!)
  const lane = async (_: unknown, index: number) => {
    for (let n = index; n < upserts.length; n += CONNECTIONS) {
      const { table, columns } = upserts[n]!
      await pool.query({ name: table.name, text: unnestText(table), values: columns })
    }
  }
  await Promise.all(Array.from({ length: CONNECTIONS }, lane))
  for (const [, ...indexes] of tables) for (const text of indexes) await pool.query(text)
  await pool.end()
}

function unnestText({ name, key, columns }: Table): string {
  const names = Object.keys(columns)
  const arrays = Object.values(columns).map(({ type }, index) => `$${index + 1}::${type}[]`)
  const changed = names.filter((column) => !key.includes(column)).map((column) => `${column} = excluded.${column}`)
  return (
    `INSERT INTO ${name} (${names.join(', ')}) SELECT * FROM unnest(${arrays.join(', ')}) ` +
    `ON CONFLICT (${key.join(', ')}) DO UPDATE SET ${changed.join(', ')}`
  )
}
