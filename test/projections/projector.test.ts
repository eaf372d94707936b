import { sql } from 'kysely'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { HEARTBEAT } from '../../src/events/registry.ts'
import { projectionsCheckpoint, readCheckpoint } from '../../src/projections/checkpoint.ts'
import type { Projection } from '../../src/projections/projection.ts'
import { lagMs, type Projector, type ProjectorOptions, startProjector } from '../../src/projections/projector.ts'
import { PoisonedProjection } from '../../src/projections/writer.ts'
import { createHistory } from '../sample/history.ts'
import { sampleProjections as projections } from '../sample/read-models.ts'
import { example, uuidOf } from '../support/examples.ts'
import { createLog, eventually, type Prepared, prepared, silentLog } from './support.ts'

const CHECKPOINT = projectionsCheckpoint('sample')
let database: Prepared
let history: ReturnType<typeof createHistory>
const running: Projector[] = []
beforeEach(async () => {
  database = await prepared([], 'sample')
  history = createHistory()
})
afterEach(async () => {
  await Promise.all(running.splice(0).map((projector) => projector.stop()))
  await database.drop()
})

const start = (log: ReturnType<typeof createLog>, options: Partial<ProjectorOptions> = {}) => {
  const projector = startProjector({
    context: 'sample',
    db: database.db,
    url: database.url,
    projections,
    source: log.source(),
    readHistory: log.readHistory,
    eventIdAt: log.eventIdAt,
    log: silentLog,
    retryMs: 20,
    leadershipPollMs: 20,
    ...options,
  })
  running.push(projector)
  return projector
}
const stored = async () => {
  const { rows } = await sql<{ n: number }>`SELECT count(*)::integer AS n FROM sample_notes`.execute(database.db)
  return rows[0]!.n
}
const reached = (count: number) => eventually(async () => expect(await stored()).toBe(count))

describe('the projector', () => {
  test('prepares the schema, takes in the log, and follows it', async () => {
    const log = createLog(history.notes(0, 1_200))
    const projector = start(log)
    await reached(1_200)
    log.append(...history.notes(1_200, 3))
    await reached(1_203)
    const last = log.events.at(-1)!
    await eventually(() =>
      expect(projector.health()).toMatchObject({
        state: 'leading',
        position: last.position,
        events: 1_203,
        fault: undefined,
      }),
    )
    expect(await readCheckpoint(database.db, CHECKPOINT)).toEqual({ position: last.position, eventId: last.id })
  })

  test('goes on after a restart where it was', async () => {
    const log = createLog(history.notes(0, 10))
    const first = start(log)
    await reached(10)
    await first.stop()
    expect(first.health().state).toBe('stopped')
    await sql`TRUNCATE sample_notes`.execute(database.db)
    log.append(...history.notes(10, 5))
    start(log)
    await reached(5)
  })

  test('loses nothing and doubles nothing while its connections are cut again and again', async () => {
    const log = createLog()
    start(log, { source: log.source(7) })
    for (let round = 0; round < 8; round++) {
      log.append(...history.notes(round * 50, 50))
      await eventually(async () => expect(await stored().catch(() => 0)).toBeGreaterThan(round * 50))
      await sql`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid()`.execute(database.db)
    }
    await eventually(async () => expect(await stored().catch(() => 0)).toBe(400))
    const last = log.events.at(-1)!
    await eventually(async () => expect((await readCheckpoint(database.db, CHECKPOINT))?.position).toBe(last.position))
  })

  test('leaves no trace of heartbeats but the lag', async () => {
    const log = createLog(history.notes(0, 1))
    const projector = start(log)
    await reached(1)
    const before = await readCheckpoint(database.db, CHECKPOINT)
    const heartbeat = history.record(example(HEARTBEAT))
    log.append(heartbeat)
    await eventually(() => expect(projector.health().position).toBe(heartbeat.position))
    expect(await readCheckpoint(database.db, CHECKPOINT)).toEqual(before)
    expect(lagMs(projector.health(), { position: heartbeat.position }, new Date())).toBe(0)
    const later = new Date(heartbeat.recordedAt.getTime() + 1_500)
    expect(lagMs(projector.health(), { position: heartbeat.position + 1n }, later)).toBe(1_500)
  })

  test('stands by while another one leads, and takes over when that one is gone', async () => {
    const log = createLog(history.notes(0, 5))
    const first = start(log)
    await eventually(() => expect(first.health().state).toBe('leading'))
    const second = start(log)
    await reached(5)
    expect(second.health()).toMatchObject({ state: 'standby', batches: 0 })
    await first.stop()
    log.append(...history.notes(5, 5))
    await reached(10)
    expect(second.health().state).toBe('leading')
  })

  test('starts over when another writer has moved the checkpoint, and goes on from there', async () => {
    const log = createLog(history.notes(0, 3))
    start(log)
    await reached(3)
    const [skipped, next] = [history.note(3), history.note(4)]
    await sql`UPDATE opslog_checkpoints SET position = ${skipped.position.toString()}::bigint, event_id = ${skipped.id}::uuid`.execute(
      database.db,
    )
    log.append(skipped, next)
    await reached(4)
    const { rows } = await sql`SELECT FROM sample_notes WHERE note_id = ${skipped.data.noteId}`.execute(database.db)
    expect(rows).toEqual([])
  })

  // Seen to fail (row 21) without the writer's throw for projections that halt: the poison was parked.
  test('halts at poison in a projection that halts, says so, and lets another release try', async () => {
    const log = createLog([...history.notes(0, 2), history.poison('sample.NotePinned.v2', 'sample.board-x')])
    const projector = start(log)
    await expect(projector.ended).rejects.toThrow(PoisonedProjection)
    expect(projector.health()).toMatchObject({ state: 'halted', fault: expect.stringContaining('sample.board') })
    expect(await stored()).toBe(2)

    const mended = start(log, { projections: projections.filter(({ onPoison }) => onPoison === 'park') })
    await eventually(() => expect(mended.health()).toMatchObject({ state: 'leading', parkedStreams: 1 }))
  })

  test('stands still at a log that does not have the checkpoint’s event, says why, and goes on at the right one', async () => {
    const log = createLog(history.notes(0, 3))
    const first = start(log)
    await reached(3)
    await first.stop()
    const other = createHistory()
    const another = createLog(history.notes(0, 0))
    for (let index = 0; index < 3; index++) {
      another.append({ ...other.note(0), id: uuidOf(`another log's ${index}`) })
    }
    for (const wrong of [createLog(log.events.slice(0, 2)), another]) {
      const halted = start(wrong)
      const fault = expect.stringMatching(/restored from an older backup/)
      await eventually(() => expect(halted.health()).toMatchObject({ state: 'halted', fault }))
      await halted.stop()
    }
    expect(await stored()).toBe(3)
    const again = start(log)
    await eventually(() => expect(again.health()).toMatchObject({ state: 'leading', fault: undefined }))
  })
})

describe('a projection whose version has changed', () => {
  const withVersion = (version: number): Projection[] =>
    projections.map((projection) => (projection.name === 'sample.note' ? { ...projection, version } : projection))

  test('is rebuilt beside the live ones, and joins them', async () => {
    const log = createLog(history.notes(0, 700))
    const first = start(log, { projections: withVersion(1) })
    await reached(700)
    await first.stop()
    await sql`UPDATE sample_notes SET text = 'wrong'`.execute(database.db)

    const second = start(log, { projections: withVersion(2) })
    log.append(...history.notes(700, 50))
    await eventually(async () => {
      expect(second.health()).toMatchObject({ state: 'leading', rebuilding: [] })
      expect(await stored()).toBe(750)
    })
    const { rows } = await sql`SELECT DISTINCT text FROM sample_notes`.execute(database.db)
    expect(rows).toEqual([{ text: 'hello' }])
    log.append(...history.notes(750, 5))
    await reached(755)
    const version = await sql`SELECT version FROM opslog_projections WHERE name = 'sample.note'`.execute(database.db)
    expect(version.rows).toEqual([{ version: 2 }])
  })

  test('that is new finds its history', async () => {
    const log = createLog(history.notes(0, 20))
    const first = start(log, { projections: projections.filter(({ name }) => name !== 'sample.note') })
    await eventually(async () =>
      expect((await readCheckpoint(database.db, CHECKPOINT))?.position).toBe(log.events.at(-1)!.position),
    )
    await first.stop()
    start(log)
    await reached(20)
  })
})
