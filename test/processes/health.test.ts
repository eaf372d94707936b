/** What readiness says of a projector that has taken nothing in yet, and of a process that has met a fault. */
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { createDatabase as openDatabase, type ReadModels } from '../../src/postgres/database.ts'
import { acquireLeadership } from '../../src/postgres/leadership.ts'
import { runFaultNotes } from '../../src/processes/fault-notes.ts'
import { type ContextProjector, gauges, probes, type Shown } from '../../src/processes/health.ts'
import type { ProcessHealth } from '../../src/processes/process.ts'
import { prepareSchema } from '../../src/projections/schema.ts'
import { createDatabase, type TestDatabase } from '../support/services.ts'

let database: TestDatabase
let db: ReadModels
beforeAll(async () => {
  database = await createDatabase()
  db = openDatabase({ url: database.url, poolMax: 3, connectTimeoutMs: 5_000, statementTimeoutMs: 10_000 })
  await prepareSchema(db, [])
})
afterAll(async () => {
  await db.destroy()
  await database.drop()
})

const HEAD = { position: 900n, id: 'a', type: 'sample.NoteWritten.v1' }

/** The probe of a projector, in a process of this age, over a log that ends so. */
async function asked(health: object, uptimeMs: number, head: typeof HEAD | undefined) {
  const projector = { context: 'sample', projector: { health: () => ({ parkedStreams: 0, ...health }) } }
  const shown = shownWith({ store: { head: async () => head }, uptimeMs: () => uptimeMs })
  const list = probes(shown, [projector as unknown as ContextProjector])
  return list.find(({ name }) => name.includes('sample'))?.check()
}

function shownWith(parts: object): Shown {
  const shown = {
    config: { HEARTBEAT_INTERVAL_MS: 3_000, PROJECTION_LAG_MAX_MS: 30_000 },
    contexts: [],
    services: { eventStore: { kind: 'embedded' }, postgres: { kind: 'embedded' }, stream: { stream: {} } },
    clock: { now: () => new Date('2026-03-02T08:00:00Z') },
    vault: { missing: () => 0 },
    processes: [],
    ...parts,
  }
  return shown as unknown as Shown
}

it('a projector without a position is up right after the start, and down where it gets none in time', async () => {
  const none = { state: 'leading', position: undefined, recordedAt: undefined }
  expect(await asked(none, 2_000, HEAD)).toMatchObject({ up: true, position: null, lag_ms: 2_000 })
  expect(await asked(none, 30_000, HEAD)).toMatchObject({ up: false, lag_ms: 30_000 })
  expect(await asked({ ...none, state: 'halted' }, 2_000, HEAD)).toMatchObject({ up: false })
})

it('a projector of a context without events lacks nothing, however long it runs', async () => {
  const none = { state: 'leading', position: undefined, recordedAt: undefined }
  expect(await asked(none, 600_000, undefined)).toMatchObject({ up: true, lag_ms: 0 })
})

it('a projector that has fallen behind is down by the age of what it saw last', async () => {
  const behind = { state: 'leading', position: 5n, recordedAt: new Date('2026-03-02T07:59:00Z') }
  expect(await asked(behind, 2_000, HEAD)).toMatchObject({ up: false, lag_ms: 60_000 })
  expect(await asked({ ...behind, position: 900n }, 2_000, HEAD)).toMatchObject({ up: true, lag_ms: 0 })
})

it('a fault that another process has met is shown here, where the process is led elsewhere and where it stands by', async () => {
  const fault = 'the log is not what was sealed: 2026-03-02T08:00:00Z: the log ends before what it seals'
  const elsewhere = { db, contexts: [{ name: 'sample', projections: [], processes: [{ leads: ['led'] }] }] }
  const shown = (health?: object) =>
    shownWith({ ...elsewhere, processes: health ? [{ leads: ['led'], health: { handled: 0, ...health } }] : [] })
  const probed = (health?: object) =>
    probes(shown(health), [])
      .find(({ name }) => name === 'led')
      ?.check()
  const notes = (health: ProcessHealth) => {
    const stopping = new AbortController()
    const log = { warn: () => undefined }
    const processes = [{ leads: ['led'], health }]
    const ended = runFaultNotes({ db, processes, intervalMs: 5, signal: stopping.signal, log })
    return async () => {
      stopping.abort()
      await ended
    }
  }
  const leader = await acquireLeadership({ url: database.url, name: 'led', signal: new AbortController().signal })
  expect(await probed()).toStrictEqual({ up: true, state: 'elsewhere' })
  const health: ProcessHealth = { state: 'leading', fault, handled: 1 }
  const end = notes(health)
  await vi.waitFor(async () => expect(await probed()).toStrictEqual({ up: false, state: 'elsewhere', error: fault }))
  expect(await probed({ state: 'standby' })).toMatchObject({ up: false, state: 'standby', error: fault })
  await end()
  // The next one to lead has not looked yet.
  const next: ProcessHealth = { state: 'leading', fault: undefined, isUnproven: true, handled: 0 }
  const stop = notes(next)
  expect(await probed()).toMatchObject({ up: false, error: fault })
  next.isUnproven = false
  await vi.waitFor(async () => expect(await probed()).toStrictEqual({ up: true, state: 'elsewhere' }))
  await stop()
  await leader.release()
  await vi.waitFor(async () => expect(await probed()).toMatchObject({ up: false, error: 'no process leads it' }))
})

it('a process is down that has halted, and so is one that goes on beside a fault, as sealing over an altered log', async () => {
  const shownOf = (health: object) =>
    shownWith({ processes: [{ leads: ['seals'], health: { handled: 3, fault: undefined, ...health } }] })
  const probed = (health: object) =>
    probes(shownOf(health), [])
      .find(({ name }) => name === 'seals')
      ?.check()
  const counted = (health: object) =>
    gauges(shownOf(health), [], [])
      .find(({ name }) => name === 'opslog_processes_halted')
      ?.read()
  const fault = 'the log is not what was sealed: 2026-03-02T08:00:00Z: the log ends before what it seals'
  expect(await probed({ state: 'leading' })).toStrictEqual({ up: true, state: 'leading', handled: 3 })
  expect(await probed({ state: 'leading', fault })).toMatchObject({ up: false, state: 'leading', error: fault })
  expect(await probed({ state: 'halted', fault: 'poison' })).toMatchObject({ up: false, error: 'poison' })
  expect([await counted({ state: 'leading' }), await counted({ state: 'leading', fault })]).toStrictEqual([0, 1])
})
