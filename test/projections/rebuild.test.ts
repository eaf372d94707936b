import { sql } from 'kysely'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { CheckpointMoved, projectionsCheckpoint, readCheckpoint } from '../../src/projections/checkpoint.ts'
import { kernelTables } from '../../src/projections/kernel-tables.ts'
import type { Projection } from '../../src/projections/projection.ts'
import type { HistoryReader } from '../../src/projections/projector.ts'
import { type RebuildOptions, rebuild } from '../../src/projections/rebuild/rebuild.ts'
import { PoisonedProjection } from '../../src/projections/writer.ts'
import type { Queue } from '../../src/runtime/keyed-queue.ts'
import { createHistory } from '../sample/history.ts'
import { sampleProjections as projections } from '../sample/read-models.ts'
import { contentOf, createLog, type Prepared, prepared, writerOn } from './support.ts'

const CHECKPOINT = projectionsCheckpoint('sample')
let database: Prepared
let history: ReturnType<typeof createHistory>
beforeEach(async () => {
  database = await prepared(projections, 'sample')
  history = createHistory()
})
afterEach(() => database.drop())

const alone: Queue = (work) => work()
const newer = (...names: string[]): Projection[] =>
  projections.filter(({ name }) => names.includes(name)).map((projection) => ({ ...projection, version: 2 }))
const contents = (of: readonly Projection[] = projections) => contentOf(database.db, of)
const writer = () => writerOn(database.db, { projections, checkpoint: CHECKPOINT })
const run = (wanted: readonly Projection[], readHistory: HistoryReader, options: Partial<RebuildOptions> = {}) =>
  rebuild({
    db: database.db,
    projections: wanted,
    checkpoint: CHECKPOINT,
    readHistory,
    signal: new AbortController().signal,
    transactionAttemptsMax: 5,
    exclusively: alone,
    onSwapped: () => undefined,
    ...options,
  })
const shadowExists = async () => {
  const { rows } = await sql`SELECT 1 FROM pg_namespace WHERE nspname = 'opslog_rebuild'`.execute(database.db)
  return rows.length > 0
}
const versionOf = async (name: string) => {
  const query = kernelTables(database.db).selectFrom('opslog_projections').select('version').where('name', '=', name)
  return (await query.executeTakeFirst())?.version
}
/** A history that stops after some batches, as a process does that is killed there. */
const killedAfter = (batches: number, readHistory: HistoryReader): HistoryReader =>
  async function* (after) {
    let given = 0
    for await (const batch of readHistory(after)) {
      if (given++ === batches) throw new Error('killed')
      yield batch
    }
  }

describe('a rebuild', () => {
  test('keeps indexes, keys and computed columns', async () => {
    const log = createLog([history.note(0)])
    await writer().write(log.events)
    const shape = async () => {
      const { rows } = await sql`SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'
        AND tablename = 'sample_notes' ORDER BY indexname`.execute(database.db)
      return rows
    }
    const before = await shape()
    expect(before).toHaveLength(3)
    await run(newer('sample.note'), log.readHistory)
    expect(await shape()).toEqual(before)
    expect(await shadowExists()).toBe(false)
  })

  test('that was killed is resumed where it was, and the old tables serve meanwhile', async () => {
    const log = createLog(history.notes(0, 1_000))
    await writer().write(log.events)
    await sql`UPDATE sample_notes SET text = 'old'`.execute(database.db)
    await expect(run(newer('sample.note'), killedAfter(4, log.readHistory))).rejects.toThrow('killed')
    const texts = async () =>
      (await sql<{ text: string }>`SELECT DISTINCT text FROM sample_notes`.execute(database.db)).rows
    expect(await texts()).toEqual([{ text: 'old' }])
    expect(await versionOf('sample.note')).toBe(1)

    const asked: (bigint | undefined)[] = []
    await run(newer('sample.note'), (after) => {
      asked.push(after)
      return log.readHistory(after)
    })
    expect(asked[0]).toBe(log.events[399]!.position)
    expect(await texts()).toEqual([{ text: 'hello' }])
    expect(await contents(newer('sample.note'))).toMatchObject({
      sample_notes: { length: 1_000 },
    })
  })

  test('for other versions than the one that was killed starts from the beginning', async () => {
    const log = createLog(history.notes(0, 300))
    await writer().write(log.events)
    await expect(run(newer('sample.note'), killedAfter(1, log.readHistory))).rejects.toThrow('killed')
    const asked: (bigint | undefined)[] = []
    const newest = newer('sample.note').map((projection) => ({ ...projection, version: 3 }))
    await run(newest, (after) => {
      asked.push(after)
      return log.readHistory(after)
    })
    expect(asked).toHaveLength(1)
    expect(asked[0]).toBeUndefined()
    expect(await versionOf('sample.note')).toBe(3)
  })

  test('loses nothing that another process writes while it goes on', async () => {
    const log = createLog(history.notes(0, 500))
    const live = writer()
    await live.write(log.events)
    const stop = new AbortController()
    const writing = (async () => {
      for (let index = 500; !stop.signal.aborted; index += 5) {
        const batch = history.notes(index, 5)
        log.append(...batch)
        await live.write(batch)
      }
    })()
    const same = projections.filter(({ name }) => ['sample.note', 'sample.writer'].includes(name))
    for (let round = 0; round < 4; round++) await run(same, log.readHistory, { swapGapMax: 50 })
    stop.abort()
    await writing
    const { rows } = await sql<{ n: number }>`SELECT count(*)::integer AS n FROM sample_notes`.execute(database.db)
    expect(rows[0]!.n).toBe(log.events.length)
  })

  test('of a newer version ends the writing of an older release, whose handlers do not know the new tables', async () => {
    const log = createLog(history.notes(0, 10))
    const live = writer()
    await live.write(log.events)
    await run(newer('sample.note'), log.readHistory)
    const later = history.note(10)
    await expect(live.write([later])).rejects.toThrow(CheckpointMoved)
    expect(await readCheckpoint(database.db, CHECKPOINT)).toMatchObject({ eventId: log.events.at(-1)!.id })
  })

  test('lets the writer of another process go on with the present parked events', async () => {
    const first = history.note(0)
    const bad = history.poison('sample.NoteWritten.v2', first.stream)
    const live = writer()
    await live.write([first, bad])
    const [readable] = [{ ...history.note(1), position: bad.position, revision: 1n, stream: first.stream }]
    const wanted = projections.filter(({ handlers }) => 'sample.NoteWritten.v1' in handlers)
    await run(wanted, createLog([first, readable]).readHistory)
    const next = { ...history.note(2), revision: 2n, stream: first.stream }
    await live.write([next])
    expect(await kernelTables(database.db).selectFrom('opslog_parked_events').selectAll().execute()).toEqual([])
    expect(await contents(newer('sample.note'))).toMatchObject({ sample_notes: { length: 3 } })
  })

  test('does not run ahead of the live tables', async () => {
    const log = createLog(history.notes(0, 10))
    await writer().write(log.events.slice(0, 6))
    await run(newer('sample.note'), log.readHistory)
    expect(await contents(newer('sample.note'))).toMatchObject({ sample_notes: { length: 6 } })
  })

  test('parks anew what it cannot take in, and forgets what was parked before', async () => {
    const first = history.note(0)
    const bad = history.poison('sample.NoteWritten.v2', first.stream)
    const log = createLog([first, bad, history.note(1)])
    await writer().write(log.events)
    const parked = () =>
      kernelTables(database.db)
        .selectFrom('opslog_parked_events')
        .select(['projection', 'revision'])
        .orderBy('projection')
        .orderBy('position')
        .execute()
    expect(await parked()).toHaveLength(4)
    // A newer release can read it.
    const mended = createLog([
      log.events[0]!,
      { ...history.note(2), ...{ position: bad.position, revision: 1n } },
      log.events[2]!,
    ])
    await run(newer('sample.note'), mended.readHistory)
    expect(await parked()).toEqual([
      { projection: 'sample.writer', revision: '1' },
      { projection: 'sample.writer', revision: '2' },
    ])
    expect(await contents(newer('sample.note'))).toMatchObject({ sample_notes: { length: 3 } })
  })

  test('of a projection that halts stops at poison and leaves the old tables serving', async () => {
    const opened = history.pinned(0)
    await writer().write([opened])
    const live = await contents()
    const log = createLog([history.poison('sample.NotePinned.v2', opened.stream)])
    log.events[0] = { ...log.events[0]!, position: opened.position }
    await expect(run(newer('sample.board'), log.readHistory)).rejects.toThrow(PoisonedProjection)
    expect(await contents()).toEqual(live)
    expect(await versionOf('sample.board')).toBe(1)
  })

  test('drops the tables that a projection no longer has', async () => {
    const log = createLog(history.notes(0, 1))
    await writer().write(log.events)
    const [before] = newer('sample.note')
    const renamed: Projection = {
      ...before!,
      tables: [{ ...before!.tables[0]!, name: 'sample_notes_2' }],
      handlers: {},
    }
    await run([renamed], log.readHistory)
    const { rows } = await sql<{ name: string }>`SELECT tablename AS name FROM pg_tables
      WHERE schemaname = 'public' AND tablename LIKE 'sample_notes%'`.execute(database.db)
    expect(rows).toEqual([{ name: 'sample_notes_2' }])
  })
})
