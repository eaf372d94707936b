/** Rate limits of two processes over one Postgres. */
import { hash, randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createSharedRates } from '../../src/http/shared-rates.ts'
import { addRateCounts, dropRateCounts } from '../../src/projections/rate-counts.ts'
import { type Prepared, prepared } from '../projections/support.ts'

let database: Prepared
beforeAll(async () => {
  database = await prepared([])
})
afterAll(() => database.drop())

const START = Date.parse('2026-03-01T10:00:00Z')

function processOf({ nowMs = () => START, db = () => database.db, keysMax = 100, batchMax = 100 } = {}) {
  const warnings: object[] = []
  const rates = createSharedRates({
    add: (windowAt, counts) => addRateCounts(db(), windowAt, counts),
    drop: (before) => dropRateCounts(db(), before),
    now: () => new Date(nowMs()),
    log: { warn: (about: object) => warnings.push(about) } as never,
    ...{ intervalMs: 1, keysMax, batchMax },
  })
  return { ...rates, warnings }
}
const times = (count: number, work: () => unknown) => {
  for (let n = 0; n < count; n++) work()
}

describe('two processes', () => {
  it('count a caller together, by class, and begin anew with the minute', async () => {
    let nowMs = START + 59_000
    const [one, two] = [processOf({ nowMs: () => nowMs }), processOf({ nowMs: () => nowMs })]
    const tenant = randomUUID()
    const [first, second] = [one.windowOf('sample standard'), two.windowOf('sample standard')]
    times(7, () => first.add(tenant))
    times(5, () => second.add(tenant))
    await one.share()
    await two.share()
    expect(second.add(tenant)).toStrictEqual({ count: 13, resetMs: 1_000 })
    await two.share()
    first.add(tenant)
    await one.share()
    expect(first.add(tenant).count).toBe(15)
    expect(two.windowOf('audit').add(tenant).count).toBe(1)
    expect(second.add(randomUUID()).count).toBe(1)
    nowMs += 1_000
    expect(second.add(tenant)).toStrictEqual({ count: 1, resetMs: 60_000 })
    await two.share()
    expect(first.add(tenant).count).toBe(1)
    await one.share()
    expect(first.add(tenant).count).toBe(3)
  })

  it('that share at once, each with many callers, lose no count', async () => {
    const callers = Array.from({ length: 200 }, () => randomUUID())
    const processes = Array.from({ length: 4 }, () => processOf({ keysMax: 1_000, batchMax: 70 }))
    const windows = processes.map(({ windowOf }) => windowOf('sample standard'))
    for (let round = 0; round < 5; round++) {
      for (const window of windows) for (const caller of callers) window.add(caller)
      await Promise.all(processes.map(({ share }) => share()))
    }
    for (let round = 0; round < 3; round++) await Promise.all(processes.map(({ share }) => share()))
    const last = processOf({ keysMax: 1_000, batchMax: 1_000 })
    const window = last.windowOf('sample standard')
    for (const caller of callers) window.add(caller)
    await last.share()
    expect(new Set(callers.map((caller) => window.add(caller).count))).toStrictEqual(new Set([22]))
  })

  it('keep no name of a caller, and nothing of windows that are over', async () => {
    const nowMs = START + 3_600_000
    const one = processOf({ nowMs: () => nowMs })
    one.windowOf('sample standard').add('203.0.113.9')
    await one.share()
    const rows = async () =>
      (
        await sql<{ key: string }>`SELECT key FROM opslog_rate_counts WHERE window_at >= ${new Date(nowMs)}`.execute(
          database.db,
        )
      ).rows
    expect((await rows()).map(({ key }) => key)).toStrictEqual([expect.stringMatching(/^[\w-]{43}$/)])
    await dropRateCounts(database.db, new Date(nowMs + 60_000))
    expect(await rows()).toStrictEqual([])
  })
})

describe('a process without Postgres', () => {
  it('counts alone, says so once, and gives what it has counted when Postgres is back', async () => {
    let isAway = true
    const away = () => {
      throw new Error('away')
    }
    const tenant = randomUUID()
    const one = processOf({ db: () => (isAway ? away() : database.db) })
    const window = one.windowOf('sample standard')
    times(3, () => window.add(tenant))
    const stop = new AbortController()
    const running = one.run(stop.signal)
    await expect.poll(() => one.warnings.length).toBe(1)
    expect(window.add(tenant).count).toBe(4)
    isAway = false
    const key = hash('sha256', JSON.stringify(['sample standard', tenant]), 'base64url')
    const counted = () => sql<{ count: string }>`SELECT count FROM opslog_rate_counts WHERE key = ${key}`
    await expect.poll(async () => (await counted().execute(database.db)).rows[0]?.count).toBe('4')
    expect(one.warnings).toHaveLength(1)
    stop.abort()
    await running
  })
})
