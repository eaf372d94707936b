/** Whether a silent subscription is alive, asked over its own connection to a real event store node. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { watchSubscription } from '../../src/events/watchdog.ts'
import { openConnection, SilentStore } from '../../src/eventstore/connection.ts'
import { startBlackHole } from '../support/black-hole.ts'
import { startTestStore, type TestStore } from '../support/event-store.ts'

let node: TestStore
let newest: bigint
beforeAll(async () => {
  node = await startTestStore()
  await node.store.beat('2026-01-01T00:00:00Z')
  newest = (await node.store.head())!.position
})
afterAll(() => node.close())

const SILENCE_MAX_MS = 400

/** Watches a subscription to which nothing has come for long. */
function watching(url: string, lastPosition: bigint | undefined, more: { isAwaited?: boolean; source?: unknown } = {}) {
  const connection = openConnection(url)
  const arrivals = { lastArrivalMs: 0, lastPosition, source: 'stands' as unknown, isAwaited: true, ...more }
  const dead: unknown[] = []
  const watched = { connection, line: connection.line(), silenceMaxMs: SILENCE_MAX_MS }
  const end = watchSubscription(watched, arrivals, (error) => dead.push(error))
  return {
    arrivals,
    dead,
    async stop() {
      end()
      await connection.close()
    },
  }
}

it('it is, where it has had the newest heartbeat, however long nothing came', async () => {
  const { arrivals, dead, stop } = watching(node.url, newest)
  await expect.poll(() => arrivals.lastArrivalMs, { timeout: 10_000 }).toBeGreaterThan(0)
  expect(dead).toEqual([])
  await stop()
})

it('it is not, where a heartbeat is in the log and does not come', async () => {
  const { arrivals, dead, stop } = watching(node.url, newest - 1n)
  await expect.poll(() => dead[0], { timeout: 10_000 }).toEqual(new Error('a heartbeat in the log did not come'))
  expect(arrivals.lastArrivalMs).toBe(0)
  await stop()
})

it('it is, where the missing heartbeat comes while it is asked for', async () => {
  const { arrivals, dead, stop } = watching(node.url, newest - 1n)
  arrivals.lastPosition = newest
  await expect.poll(() => arrivals.lastArrivalMs, { timeout: 10_000 }).toBeGreaterThan(0)
  expect(dead).toEqual([])
  await stop()
})

it('it is not, where its connection gives no answer, or another one took its place, or it never stood', async () => {
  const hole = await startBlackHole(Number(new URL(node.url).port))
  const silent = watching(`esdb://127.0.0.1:${hole.port}?tls=false`, newest)
  await expect.poll(() => silent.dead[0], { timeout: 10_000 }).toBeInstanceOf(SilentStore)
  // The silent line was given up for a new one.
  const givenUp = new Error('the connection of the subscription was given up')
  await expect.poll(() => silent.dead[1], { timeout: 10_000 }).toEqual(givenUp)
  await silent.stop()
  await hole.close()
  const unopened = watching(node.url, newest, { source: undefined })
  const neverStood = new Error(`the subscription did not stand within ${SILENCE_MAX_MS} ms`)
  await expect.poll(() => unopened.dead[0], { timeout: 10_000 }).toEqual(neverStood)
  await unopened.stop()
})
