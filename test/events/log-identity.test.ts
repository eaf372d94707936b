/** The event store is another one after a reconnection: nothing is read from it, nothing written, until the right one is back. */
import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { createLogGuard, type KnownLog, LogMismatch, type LogView } from '../../src/events/log-identity.ts'
import { createEventStore, type EventStore } from '../../src/events/store.ts'
import { runSubscription } from '../../src/events/subscription.ts'
import { createDatabase as openDatabase, type ReadModels } from '../../src/postgres/database.ts'
import { joinLog } from '../../src/processes/log-joining.ts'
import { commit } from '../../src/projections/checkpoint.ts'
import { readKnownLog } from '../../src/projections/known-log.ts'
import { adoptLog, readCheckpoints } from '../../src/projections/log-adoption.ts'
import { prepareSchema } from '../../src/projections/schema.ts'
import { sampleRegistry as registry } from '../sample/context.ts'
import { createDatabase, type TestDatabase } from '../support/services.ts'
import { type SwappedStore, startSwappedStore } from '../support/swapped-store.ts'

let database: TestDatabase
let db: ReadModels
beforeAll(async () => {
  database = await createDatabase()
  db = openDatabase({ url: database.url, poolMax: 3, connectTimeoutMs: 5_000, statementTimeoutMs: 10_000 })
})
afterAll(async () => {
  await db.destroy()
  await database.drop()
})
beforeEach(async () => {
  await prepareSchema(db, [])
  await sql`TRUNCATE opslog_log, opslog_checkpoints`.execute(db)
})

const NOW = '2026-01-01T00:00:00Z'
const beat = { type: 'opslog.HeartbeatRecorded.v1', data: { occurredAt: NOW } }
const cause = { $correlationId: 'c', $causationId: 'c', actor: { kind: 'system', id: 'test' } as const, commandId: 'c' }

async function startSwapped(): Promise<SwappedStore> {
  const address = await startSwappedStore()
  onTestFinished(() => address.close())
  return address
}

/** An installation on it: its store, guarded, and its known log. */
function install(url: string, known: () => Promise<KnownLog>) {
  const guard = createLogGuard({ known, patienceMs: 1_000, retryMs: 100 })
  const store = createEventStore({ url, registry, guard, deadlineMs: 5_000, appendAttemptsMax: 3 })
  onTestFinished(() => store.close())
  return { guard, store }
}

const write = (store: EventStore, stream = `opslog.test-${randomUUID()}`) =>
  store.append(stream, undefined, '', [{ id: randomUUID(), event: beat, cause }])
const written = (store: EventStore) =>
  write(store).then(
    () => 'written' as const,
    (error: Error) => error.name,
  )

describe('an installation', () => {
  it('neither reads from nor writes to an empty log, or an older copy, and goes on when the right one is back', async () => {
    const address = await startSwapped()
    const { guard, store } = install(address.url, () => readKnownLog(db))
    await joinLog(store, db, NOW)
    const changes: boolean[] = []
    guard.onChange(() => changes.push(guard.mismatch() === undefined))
    expect(await readKnownLog(db)).toEqual({ logId: await store.logId(), mark: undefined })
    const old = await address.copy()
    await expect.poll(() => written(store)).toBe('written')

    for (const wrong of [undefined, old]) {
      const path = await address.put(wrong)
      await expect.poll(() => written(store), { timeout: 15_000 }).toBe('LogMismatch')
      expect(guard.mismatch()).toMatch(/^The event store has (a log without an identity|an older or another copy)/)
      await expect(store.readLast('opslog.heartbeat-log')).rejects.toThrow(LogMismatch)
      await expect(store.ping()).rejects.toThrow(LogMismatch)
      const unguarded = createEventStore({ url: address.url, registry, deadlineMs: 5_000, appendAttemptsMax: 1 })
      // Nothing of this installation has come into it.
      expect((await unguarded.head()) === undefined).toBe(path !== old)
      // It grows on its own, past what this installation has seen.
      for (let each = 0; each < 5; each++) await write(unguarded)
      await unguarded.close()
      expect(await written(store)).toBe('LogMismatch')
      await address.put(address.right)
      await expect.poll(() => written(store), { timeout: 15_000 }).toBe('written')
      expect(guard.mismatch()).toBeUndefined()
    }
    expect(changes).toEqual([false, true, false, true])
  }, 60_000)

  it('delivers nothing of another log to those who follow it', async () => {
    const address = await startSwapped()
    const { guard, store } = install(address.url, async () => known)
    const known: KnownLog = { logId: undefined, mark: undefined }
    const first = await write(store)
    known.mark = { position: first.position, eventId: (await store.eventIdAt(first.position))! }
    const stopping = new AbortController()
    const seen: string[] = []
    let position: bigint | undefined
    const following = runSubscription({
      url: address.url,
      registry,
      name: 'test',
      types: [],
      from: async () => position,
      confirm: (view) => guard.confirm(view),
      async onBatch(events) {
        seen.push(...events.map(({ stream }) => stream))
        position = events.at(-1)?.position
      },
      batchMax: 50,
      readTimeoutMs: 20_000,
      backoffMinMs: 10,
      backoffMaxMs: 50,
      signal: stopping.signal,
      onError: () => undefined,
    })
    await expect.poll(() => seen.length).toBe(1)
    await address.put()
    const unguarded = createEventStore({ url: address.url, registry, deadlineMs: 5_000, appendAttemptsMax: 1 })
    await write(unguarded, 'opslog.test-wrong')
    await unguarded.close()
    await expect.poll(() => guard.mismatch(), { timeout: 15_000 }).toMatch(/older or another copy/)
    await address.put(address.right)
    await expect.poll(() => guard.mismatch(), { timeout: 15_000 }).toBeUndefined()
    await expect.poll(() => written(store), { timeout: 15_000 }).toBe('written')
    await expect.poll(() => seen.length, { timeout: 15_000 }).toBe(2)
    expect(seen).not.toContain('opslog.test-wrong')
    stopping.abort()
    await following
  }, 60_000)

  it('of an earlier release takes its log over where the event of its checkpoint is in it, and no other', async () => {
    const address = await startSwapped()
    const { store } = install(address.url, () => readKnownLog(db))
    const { position } = await write(store)
    const eventId = (await store.eventIdAt(position))!
    await commit({ db, name: 'a-process', from: undefined, to: { position, eventId } })
    await address.put()
    await expect(joinLog(store, db, NOW)).rejects.toThrow(LogMismatch)
    await address.put(address.right)
    await expect.poll(() => joinLog(store, db, NOW).then(() => store.logId())).toMatch(/^[0-9a-f-]{36}$/)
    expect(await readKnownLog(db)).toEqual({ logId: await store.logId(), mark: { position, eventId } })

    await adoptLog(db, randomUUID(), undefined)
    expect(await readCheckpoints(db)).toEqual([])
    const { store: another } = install(address.url, () => readKnownLog(db))
    await expect(joinLog(another, db, NOW)).rejects.toThrow(/belongs to the log/)
  })
})

describe('a look at the log', () => {
  const empty: LogView = {
    logId: async () => 'the-log',
    eventIdAt: async () => undefined,
    headPosition: async () => 5n,
  }

  it('is checked again for some time before it counts: the node that answers may be behind', async () => {
    let looks = 0
    const late: LogView = { ...empty, eventIdAt: async () => (++looks < 4 ? undefined : 'its-event') }
    const mark = { position: 9n, eventId: 'its-event' }
    const guard = createLogGuard({ known: async () => ({ logId: 'the-log', mark }), patienceMs: 5_000, retryMs: 5 })
    await guard.confirm(late)
    expect(looks).toBe(4)
    expect(guard.mismatch()).toBeUndefined()
  })

  it('counts what this process has written, beyond any checkpoint', async () => {
    const known = async () => ({ logId: 'the-log', mark: undefined })
    const guard = createLogGuard({ known, patienceMs: 10, retryMs: 5 })
    await guard.confirm(empty)
    guard.wrote({ position: 9n, eventId: 'its-event' })
    await expect(guard.confirm(empty)).rejects.toThrow(
      /position 9 \(event its-event\).*ends at position 5.*no event there/,
    )
  })
})
