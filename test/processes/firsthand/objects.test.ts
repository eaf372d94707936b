/** What the object store holds against what the log says: removal of what may go, and the comparison of the rest. */
import { randomUUID } from 'node:crypto'
import { rm, truncate, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { createDiskStore, type DiskStore } from '../../../src/adapters/object-store/disk-store.ts'
import { ObjectStoreUnavailable } from '../../../src/adapters/object-store/object-store.ts'
import { type CommandBus, createCommandBus } from '../../../src/commands/handle.ts'
import { createRemovals, sweepUploads } from '../../../src/processes/firsthand/janitor.ts'
import { checkObjects } from '../../../src/processes/firsthand/object-check.ts'
import { type ObjectRow, objectProjection } from '../../../src/projections/firsthand/object.ts'
import { firsthandTables } from '../../../src/projections/firsthand/tables.ts'
import { sha256 } from '../../adapters/object-store/store-contract.ts'
import { eventually, type Prepared, prepared } from '../../projections/support.ts'
import { eventsOf, startTestStore, type TestStore } from '../../support/event-store.ts'
import { temporaryDirectory } from '../../support/services.ts'

const now = new Date('2026-03-02T10:00:00.000Z')
const DAY_MS = 86_400_000
const at = (days: number) => new Date(now.getTime() + days * DAY_MS).toISOString()
const janitor = { intervalMs: 20, batchMax: 6, uploadTtlMs: DAY_MS, uploadSweepMs: 20 }

let database: Prepared
let log: TestStore
let bus: CommandBus
let store: DiskStore
const directory = temporaryDirectory()

beforeAll(async () => {
  const preparing = prepared([objectProjection], 'firsthand')
  log = await startTestStore()
  database = await preparing
  bus = createCommandBus(log.store, { cachedAggregatesMax: 100, seenCommandsMax: 1_000, conflictRetriesMax: 3 })
  const of = { directory: directory.path, keys: () => [Buffer.alloc(32, 7)], linkBase: () => 'http://here' }
  store = createDiskStore({ ...of, now: () => now })
})
afterAll(async () => {
  await log.close()
  await database.drop()
  directory.remove()
})

/** A stored copy with its row. */
async function keep(
  copy: ObjectRow['copy'],
  remove_at: string | null,
  of: Partial<ObjectRow> = {},
): Promise<ObjectRow> {
  const file_id = `file_${randomUUID().slice(0, 8)}`
  const bytes = Buffer.from(`bytes of ${file_id}`)
  const row: ObjectRow = {
    ...{ file_id, copy, organization_id: 'org_1', environment: 'live', job_id: 'job_1', submission_id: 'sub_1' },
    ...{ object_key: `files/live/org_1/${file_id}`, sha256: sha256(bytes), size_bytes: bytes.length },
    ...{ kept_for: remove_at === null ? 'buyer' : 'dispute', stored_at: at(-40), remove_at, removed_at: null },
    ...of,
  }
  await store.write(row.object_key, bytes, { contentType: 'image/png', sha256: sha256(bytes) })
  await firsthandTables(database.db).insertInto('firsthand_objects').values(row).execute()
  return row
}
const isThere = async ({ object_key }: ObjectRow) => (await store.head(object_key)) !== undefined
const removalsOf = ({ file_id }: ObjectRow) => eventsOf(log.store, `firsthand.file-${file_id}`)

/** Runs until the condition holds. */
async function whileRemoving(objects: DiskStore, condition: () => Promise<void>): Promise<string[]> {
  const warned: string[] = []
  const quiet = { info: () => undefined, error: () => undefined }
  const parts = { db: database.db, log: { ...quiet, warn: (_: object, text: string) => void warned.push(text) } }
  const stop = new AbortController()
  const running = createRemovals({ ...parts, now: () => now, bus, objects, janitor }).run(stop.signal)
  try {
    await eventually(condition)
  } finally {
    stop.abort()
    await running
  }
  return warned
}

/** The read models follow no log here: each test begins with none. */
afterEach(() =>
  firsthandTables(database.db)
    .deleteFrom('firsthand_objects')
    .execute()
    .then(() => undefined),
)

describe('what may go', () => {
  it('goes when it is due, and is noted once', async () => {
    const due = await Promise.all([0, -1, -2, -3, -4].map((days) => keep('original', at(days))))
    const kept = [await keep('delivered', null), await keep('original', at(1))]
    await whileRemoving(store, async () => {
      for (const row of due) expect(await removalsOf(row)).toHaveLength(1)
    })
    expect(await Promise.all(due.map(isThere))).toStrictEqual(due.map(() => false))
    expect(await Promise.all(kept.map(isThere))).toStrictEqual([true, true])
    expect((await removalsOf(due[0]!))[0]?.data).toMatchObject({
      ...{ copy: 'original', keptFor: 'dispute', objectKey: due[0]!.object_key, occurredAt: now.toISOString() },
    })
    // The row stands as it was where the read models are behind: done again, without a second event.
    let looks = 0
    await whileRemoving({ ...store, delete: async (key) => store.delete(key).then(() => void looks++) }, async () =>
      expect(looks).toBeGreaterThan(due.length),
    )
    for (const row of due) expect(await removalsOf(row)).toHaveLength(1)
  })

  it('is not noted while the store is away, and goes afterwards', async () => {
    const row = await keep('original', at(-1))
    let failures = 0
    const shaky: DiskStore = {
      ...store,
      async delete(key) {
        if (++failures < 3) throw new ObjectStoreUnavailable('away')
        await store.delete(key)
      },
    }
    const warned = await whileRemoving(shaky, async () => expect(await removalsOf(row)).toHaveLength(1))
    expect(warned).toHaveLength(2)
    expect(await isThere(row)).toBe(false)
  })
})

describe('uploads', () => {
  it('that nobody submitted in time are swept, a page at a time', async () => {
    const written = async (name: string, ageMs: number) => {
      const key = `uploads/live/org_1/${name}`
      await store.write(key, Buffer.from('x'), { contentType: 'image/png', sha256: sha256(Buffer.from('x')) })
      const time = new Date(now.getTime() - ageMs)
      await utimes(join(directory.path, key), time, time)
    }
    for (let count = 0; count < 10; count++) await written(`old${count}`, DAY_MS + 1_000)
    await written('new', DAY_MS - 1_000)
    const half = join(directory.path, '.unfinished', 'half')
    await writeFile(half, 'half')
    await utimes(half, new Date(0), new Date(0))
    const sweep = () => sweepUploads({ objects: store, now: () => now, janitor }, new AbortController().signal)
    expect(await sweep()).toBe(11)
    expect((await store.list('uploads/', undefined, 100)).map(({ key }) => key)).toStrictEqual([
      'uploads/live/org_1/new',
    ])
    expect(await sweep()).toBe(0)
  })

  it('are swept to the last, where the store gives fewer at a time than it is asked for', async () => {
    const olds = Array.from({ length: 5 }, (_, n) => `uploads/live/org_2/old${n}`)
    for (const key of olds) {
      await store.write(key, Buffer.from('x'), { contentType: 'image/png', sha256: sha256(Buffer.from('x')) })
      await utimes(join(directory.path, key), new Date(0), new Date(0))
    }
    const stingy: DiskStore = {
      ...store,
      list: (prefix, after, limit) => store.list(prefix, after, Math.min(limit, 2)),
    }
    const options = { objects: stingy, now: () => now, janitor }
    expect(await sweepUploads(options, new AbortController().signal)).toBe(olds.length)
    expect(await store.list('uploads/live/org_2/', undefined, 10)).toStrictEqual([])
  })
})

describe('the comparison with the log', () => {
  const check = (sizesOnly = false, findingsMax = 100) =>
    checkObjects({ db: database.db, objects: store, now: () => now, sizesOnly, findingsMax })

  it('finds what is missing and what is damaged, and nothing else', async () => {
    const whole = [await keep('delivered', null), await keep('original', null), await keep('original', at(1))]
    const ended = [await keep('original', at(-1)), await keep('original', null, { removed_at: at(-1) })]
    for (const row of ended) await store.delete(row.object_key)
    const bytes = whole.reduce((sum, { size_bytes }) => sum + size_bytes, 0)
    expect(await check()).toStrictEqual({ objects: 3, bytes, findings_total: 0, findings: [] })

    const [missing, flipped, cut] = [
      await keep('delivered', null),
      await keep('delivered', null),
      await keep('delivered', null),
    ]
    await rm(join(directory.path, missing.object_key))
    await writeFile(join(directory.path, flipped.object_key), `Bytes of ${flipped.file_id}`)
    await truncate(join(directory.path, cut.object_key), 3)
    const found = ({ file_id, copy, object_key, job_id }: ObjectRow, kind: string) => ({
      ...{ file_id, copy, object_key, job_id, kind },
    })
    const sorted = (findings: readonly { file_id: string }[]) =>
      findings.toSorted((a, b) => (a.file_id < b.file_id ? -1 : 1))
    const all = [found(missing, 'missing'), found(flipped, 'damaged'), found(cut, 'damaged')]
    const report = await check()
    expect([report.objects, report.findings_total]).toStrictEqual([6, 3])
    expect(report.findings).toStrictEqual(sorted(all))
    expect((await check(true)).findings).toStrictEqual(sorted([all[0]!, all[2]!]))
    expect(await check(false, 1)).toMatchObject({ findings_total: 3, findings: { length: 1 } })
  })
})
