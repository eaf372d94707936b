/** What readiness says of a projector that has taken nothing in yet, and of a process that has met a fault. */
import { expect, it } from 'vitest'
import { type ContextProjector, gauges, probes, type Shown } from '../../src/processes/health.ts'

const HEAD = { position: 900n, id: 'a', type: 'noctant.AccountOpened.v1' }

/** The probe of a projector, in a process of this age, over a log that ends so. */
async function asked(health: object, uptimeMs: number, head: typeof HEAD | undefined) {
  const projector = { context: 'noctant', projector: { health: () => ({ parkedStreams: 0, ...health }) } }
  const shown = shownWith({ store: { head: async () => head }, uptimeMs: () => uptimeMs })
  const list = probes(shown, [projector as unknown as ContextProjector])
  return list.find(({ name }) => name.includes('noctant'))?.check()
}

function shownWith(parts: object): Shown {
  const shown = {
    config: { HEARTBEAT_INTERVAL_MS: 3_000 },
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
