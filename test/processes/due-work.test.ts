import { afterEach, describe, expect, it } from 'vitest'
import { backoffMs, createDueWork, type DueItem, type DueWorkLimits } from '../../src/processes/due-work.ts'
import { eventually } from '../projections/support.ts'
import { recordingLog } from '../support/streams.ts'

const limits: DueWorkLimits = {
  concurrencyMax: 4,
  keyConcurrencyMax: 2,
  keyQueueMax: 10,
  batchMax: 50,
  pollIntervalMs: 20,
  retryMinMs: 20,
  retryMaxMs: 80,
  drainMs: 5_000,
}

interface Row extends DueItem {
  dueMs: number
}

const stops: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop()
})

/** Rows in memory, worked on by `work` until the end of the test; a row whose work succeeds is gone. */
function start(rows: Row[], work: (row: Row, signal: AbortSignal) => Promise<void>, over: Partial<DueWorkLimits> = {}) {
  const kept = new Map(rows.map((row) => [row.id, row]))
  const log = recordingLog()
  const polls: Date[] = []
  const due = createDueWork<Row>({
    name: 'test',
    async findDue({ now, keyMax, limit }) {
      polls.push(now)
      const taken = new Map<string, number>()
      const found = [...kept.values()].filter(({ key, dueMs }) => {
        const count = taken.get(key) ?? 0
        if (dueMs > now.getTime() || count >= keyMax) return false
        taken.set(key, count + 1)
        return true
      })
      return found.slice(0, limit)
    },
    async work(row, signal) {
      await work(row, signal)
      kept.delete(row.id)
    },
    limits: { ...limits, ...over },
    log,
    now: () => new Date(),
  })
  const stopping = new AbortController()
  const running = due.run(stopping.signal)
  const stop = async () => {
    stopping.abort()
    await running
  }
  stops.push(stop)
  return { due, kept, log, polls, stop }
}

const rowsOf = (key: string, count: number, dueMs = 0): Row[] =>
  Array.from({ length: count }, (_, index) => ({ id: `${key}-${index}`, key, dueMs }))

describe('due work', () => {
  it('is done once it is due, and not before', async () => {
    const dueMs = Date.now() + 150
    const doneAt = new Map<string, number>()
    start([...rowsOf('now', 1), ...rowsOf('later', 1, dueMs)], async ({ id }) => void doneAt.set(id, Date.now()))
    await eventually(() => expect([...doneAt.keys()]).toStrictEqual(['now-0', 'later-0']))
    expect(doneAt.get('later-0')).toBeGreaterThanOrEqual(dueMs)
  })

  // Seen to fail with the bound on one key left out: the slow key takes every place.
  it('of a key that hangs holds up no other key', async () => {
    const { promise: hanging, resolve: release } = Promise.withResolvers<void>()
    const done: string[] = []
    const rows = [...rowsOf('slow', 20), ...rowsOf('quick', 5)]
    const { due, kept } = start(rows, async ({ id, key }) => {
      if (key === 'slow') await hanging
      done.push(id)
    })
    await eventually(() => expect(done).toHaveLength(5))
    expect(done.every((id) => id.startsWith('quick'))).toBe(true)
    expect(due.underWay()).toBe(limits.keyConcurrencyMax)
    release()
    await eventually(() => expect(kept.size).toBe(0))
  })

  it('stays within its bounds, in all and of one key', async () => {
    let most = 0
    let mostOfKey = 0
    const active = new Map<string, number>()
    const rows = ['a', 'b', 'c'].flatMap((key) => rowsOf(key, 10))
    const { kept } = start(rows, async ({ key }) => {
      active.set(key, (active.get(key) ?? 0) + 1)
      most = Math.max(
        most,
        [...active.values()].reduce((sum, count) => sum + count),
      )
      mostOfKey = Math.max(mostOfKey, active.get(key) ?? 0)
      await new Promise(setImmediate)
      active.set(key, (active.get(key) ?? 0) - 1)
    })
    await eventually(() => expect(kept.size).toBe(0))
    expect({ most, mostOfKey }).toStrictEqual({ most: 4, mostOfKey: 2 })
  })

  it('that fails is done again after a pause, and others meanwhile', async () => {
    const tries: number[] = []
    const done: string[] = []
    const { kept, log } = start([...rowsOf('broken', 1), ...rowsOf('sound', 3)], async ({ id, key }) => {
      if (key === 'broken') {
        tries.push(performance.now())
        if (tries.length < 4) throw new Error('not yet')
      }
      done.push(id)
    })
    await eventually(() => expect(kept.size).toBe(0))
    expect(done.at(-1)).toBe('broken-0')
    expect(log.lines).toHaveLength(3)
    const pauses = tries.slice(1).map((at, index) => at - tries[index]!)
    for (const [index, leastMs] of [10, 20, 40].entries()) expect(pauses[index]).toBeGreaterThanOrEqual(leastMs - 1)
  })

  // Seen to fail with the pause kept by item: the second goes before the first.
  it('with one at a time of a key keeps that key’s order, whatever fails', async () => {
    const done: string[] = []
    let failures = 0
    const { kept } = start(
      rowsOf('account', 4),
      async ({ id }) => {
        if (id === 'account-1' && failures++ < 3) throw new Error('not yet')
        done.push(id)
      },
      { keyConcurrencyMax: 1 },
    )
    await eventually(() => expect(kept.size).toBe(0))
    expect(done).toStrictEqual(rowsOf('account', 4).map(({ id }) => id))
  })

  it('is looked for at the time that was told, however far the next look-up is', async () => {
    const done: string[] = []
    const { due, kept, polls } = start([], async ({ id }) => void done.push(id), { pollIntervalMs: 60_000 })
    await eventually(() => expect(polls).toHaveLength(1))
    const dueMs = Date.now() + 60
    for (const row of rowsOf('told', 1, dueMs)) kept.set(row.id, row)
    due.wakeAt(new Date(dueMs))
    due.wakeAt(new Date(dueMs + 30_000))
    await eventually(() => expect(done).toStrictEqual(['told-0']))
    expect(polls.at(-1)!.getTime()).toBeGreaterThanOrEqual(dueMs - 1)
    expect(polls.length).toBeLessThan(4)
  })

  it('that is offered does not wait for a look-up', async () => {
    const done: string[] = []
    const { due, polls } = start([], async ({ id }) => void done.push(id), { pollIntervalMs: 60_000 })
    await eventually(() => expect(polls).toHaveLength(1))
    for (const row of rowsOf('offered', 2)) due.offer(row)
    await eventually(() => expect(done).toHaveLength(2))
    expect(polls).toHaveLength(1)
  })

  it('under way at the stop is waited for, then interrupted; nothing new is begun', async () => {
    const ends: string[] = []
    const { due, stop } = start(
      rowsOf('slow', 6),
      (row, signal) =>
        new Promise((resolve) => {
          signal.addEventListener('abort', () => {
            ends.push(row.id)
            resolve()
          })
        }),
      { drainMs: 60 },
    )
    await eventually(() => expect(due.underWay()).toBe(2))
    const startedMs = performance.now()
    await stop()
    expect(performance.now() - startedMs).toBeGreaterThanOrEqual(59)
    expect(ends).toStrictEqual(['slow-0', 'slow-1'])
    expect(due.underWay()).toBe(0)
  })
})

describe('the pause after a failure', () => {
  it('doubles up to its bound, and chance takes away up to a half', () => {
    const pauses = [1, 2, 3, 4, 5].map((failures) => backoffMs(failures, limits, () => 0))
    expect(pauses).toStrictEqual([20, 40, 80, 80, 80])
    expect(backoffMs(1, limits, () => 0.999)).toBeGreaterThan(10)
  })
})
