/** A database with the read models' tables, and a log in memory that projectors read. */
import { sql } from 'kysely'
import type { Delivered } from '../../src/events/subscription.ts'
import { createDatabase, type ReadModels } from '../../src/postgres/database.ts'
import type { Projection } from '../../src/projections/projection.ts'
import type { HistoryReader, Source } from '../../src/projections/projector.ts'
import { prepareSchema } from '../../src/projections/schema.ts'
import { createBatchWriter, type WriterOptions } from '../../src/projections/writer.ts'
import { SAMPLE_CHECKPOINT } from '../sample/context.ts'
import { sampleProjections } from '../sample/read-models.ts'
import { contexts } from '../support/contexts.ts'
import { createDatabase as createEmptyDatabase } from '../support/services.ts'

export interface Prepared {
  db: ReadModels
  url: string
  drop(): Promise<void>
}

const open = (url: string) => createDatabase({ url, poolMax: 4, onConnectionLost: () => undefined })

type Prepares = Parameters<typeof prepareSchema>[1]

/** The database with the tables of the loaded contexts, of which others are copies: that takes a third of the time. */
let template: Promise<string> | undefined

async function makeTemplate(): Promise<string> {
  const { url } = await createEmptyDatabase()
  await prepare(url, contexts)
  return url
}

/** Nobody is connected to it afterwards, so that it may be copied. */
async function prepare(url: string, of: Prepares): Promise<void> {
  const db = open(url)
  await prepareSchema(db, of)
  await db.destroy()
}

/** A fresh database with the tables of these projections, as those of one context; default: of all loaded contexts. */
export async function prepared(wanted?: readonly Projection[], context = 'sample'): Promise<Prepared> {
  if (!wanted) template ??= makeTemplate()
  const database = await createEmptyDatabase(wanted ? undefined : await template)
  if (wanted) await prepare(database.url, [{ name: context, projections: wanted }])
  const db = open(database.url)
  return {
    db,
    url: database.url,
    async drop() {
      await db.destroy()
      await database.drop()
    },
  }
}

/** A writer with the tests' limits; default: of the sample context. */
export const writerOn = (db: ReadModels, options: Partial<WriterOptions> = {}) =>
  createBatchWriter({
    ...{ db, checkpoint: SAMPLE_CHECKPOINT, projections: sampleProjections, transactionAttemptsMax: 3 },
    ...options,
  })

/** Every row of every table of these projections, in a fixed order. */
export async function contentOf(db: ReadModels, of: readonly Projection[] = sampleProjections): Promise<unknown> {
  const content: Record<string, unknown> = {}
  for (const { name, key } of of.flatMap(({ tables }) => tables)) {
    const order = sql.raw(key.join(', '))
    content[name] = (await sql`SELECT * FROM ${sql.table(name)} ORDER BY ${order}`.execute(db)).rows
  }
  return content
}

/** Empties everything, checkpoint included. */
export async function empty(db: ReadModels, of: readonly Projection[] = sampleProjections): Promise<void> {
  const tables = of.flatMap(({ tables }) => tables.map(({ name }) => name))
  const all = [...tables, 'opslog_checkpoints', 'opslog_parked_events']
  const deletions = all.map((name, index) => `d${index} AS (DELETE FROM ${name})`)
  await sql`WITH ${sql.raw(deletions.join(', '))} SELECT 1`.execute(db)
}

/** Resolves when `condition` does not throw; rejects with its last error after `timeoutMs`. */
export async function eventually<T>(condition: () => T | Promise<T>, timeoutMs = 10_000): Promise<T> {
  const deadline = Date.now() + timeoutMs
  for (;;) {
    try {
      return await condition()
    } catch (error) {
      if (Date.now() > deadline) throw error
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
  }
}

/** An append-only list of events that any number of readers follow, as they follow a store's log. */
export function createLog(initial: readonly Delivered[] = []) {
  const events: Delivered[] = [...initial]
  const readers = new Set<() => void>()

  async function follow(reader: Parameters<Source>[0], batchMax: number): Promise<void> {
    let after = await reader.from()
    while (!reader.signal.aborted) {
      const batch = events.filter(({ position }) => after === undefined || position > after).slice(0, batchMax)
      if (batch.length > 0) {
        await reader.onBatch(batch)
        after = batch.at(-1)!.position
        continue
      }
      await new Promise<void>((resolve) => {
        const wake = () => {
          readers.delete(wake)
          reader.signal.removeEventListener('abort', wake)
          resolve()
        }
        readers.add(wake)
        reader.signal.addEventListener('abort', wake)
      })
    }
  }

  const source =
    (batchMax = 500): Source =>
    async (reader) => {
      while (!reader.signal.aborted) {
        await follow(reader, batchMax).catch(
          () => new Promise((resolve) => setTimeout(resolve, reader.signal.aborted ? 0 : 20)),
        )
      }
    }

  const readHistory: HistoryReader = async function* (after) {
    const wanted = events.filter(({ position }) => after === undefined || position > after)
    for (let index = 0; index < wanted.length; index += 100) yield wanted.slice(index, index + 100)
  }

  return {
    events,
    source,
    readHistory,
    append(...more: Delivered[]) {
      events.push(...more)
      for (const wake of [...readers]) wake()
    },
    eventIdAt: async (position: bigint) => events.find((event) => event.position === position)?.id,
  }
}

export const silentLog = { info: () => undefined, warn: () => undefined, error: () => undefined }
