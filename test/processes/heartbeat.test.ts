/** Heartbeats over a real event store node: often while something happens, one a minute while nothing does. */
import { randomUUID } from 'node:crypto'
import { EventStoreDBClient, jsonEvent, NO_STREAM } from '@eventstore/db-client'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { runHeartbeat } from '../../src/processes/heartbeat.ts'
import { startTestStore, type TestStore } from '../support/event-store.ts'

let node: TestStore
beforeAll(async () => {
  node = await startTestStore()
})
afterAll(() => node.close())

async function somethingHappens(): Promise<void> {
  const client = EventStoreDBClient.connectionString(node.url)
  const event = jsonEvent({ type: 'test.Happened.v1', data: {} })
  await client.appendToStream(`test.busy-${randomUUID()}`, event, { expectedRevision: NO_STREAM })
  await client.dispose()
}

/** Heartbeats of one process, on a clock that the test moves. */
function beating(clock: { ms: number }) {
  const stopping = new AbortController()
  const seen = { beats: 0, looks: 0, errors: [] as unknown[] }
  const store = {
    beat: (at: string) => node.store.beat(at).then(() => void seen.beats++),
    head: () => node.store.head().finally(() => seen.looks++),
  }
  const running = runHeartbeat({
    store,
    ...{ intervalMs: 1, idleIntervalMs: 60_000, nowMs: () => clock.ms, signal: stopping.signal },
    onError: (error) => seen.errors.push(error),
  })
  return {
    seen,
    /** After several more looks. */
    later: async () => {
      const until = seen.looks + 6
      await expect.poll(() => seen.looks, { timeout: 10_000 }).toBeGreaterThan(until)
    },
    stop: async () => {
      stopping.abort()
      await running
      expect(seen.errors).toEqual([])
    },
  }
}

it('come once a minute while nothing else is written', async () => {
  const clock = { ms: 1_000 }
  const one = beating(clock)
  await one.later()
  expect(one.seen.beats).toBe(1)
  clock.ms += 59_999
  await one.later()
  expect(one.seen.beats).toBe(1)
  clock.ms += 1
  await one.later()
  expect(one.seen.beats).toBe(2)
  await one.stop()
})

it('come after whatever is written', async () => {
  const one = beating({ ms: 1_000 })
  await one.later()
  const before = one.seen.beats
  await somethingHappens()
  await expect.poll(() => one.seen.beats, { timeout: 10_000 }).toBe(before + 1)
  await one.later()
  expect(one.seen.beats).toBe(before + 1)
  await one.stop()
})

it('of one process are as good as another’s: two do not answer each other', async () => {
  const clock = { ms: 1_000 }
  const [one, other] = [beating(clock), beating(clock)]
  await Promise.all([one.later(), other.later()])
  const before = one.seen.beats + other.seen.beats
  await Promise.all([one.later(), other.later()])
  expect(one.seen.beats + other.seen.beats).toBe(before)
  await Promise.all([one.stop(), other.stop()])
})
