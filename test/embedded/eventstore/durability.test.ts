/**
 * The node is killed with SIGKILL at random moments while several clients append. Afterwards each acknowledged event
 * must be there at its revision and position, once, and the log must verify. EVENTSTORE_KILLS sets how often; the
 * default keeps the suite short.
 */
import { randomUUID } from 'node:crypto'
import { ANY, type AppendResult, EventStoreDBClient, jsonEvent, NO_STREAM } from '@eventstore/db-client'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { collect, temporaryDirectory } from './support/node.ts'
import { type NodeProcess, startNodeProcess } from './support/node-process.ts'

const KILLS = Number(process.env.EVENTSTORE_KILLS ?? 8)
const WRITERS = 6

type Acknowledged = { stream: string; ids: string[]; lastRevision: bigint; position: bigint }

let directory: { path: string; remove: () => void }
beforeEach(() => {
  directory = temporaryDirectory()
})
afterEach(() => directory.remove())

/** Appends small batches to one stream until the node is gone; notes each acknowledgement. */
async function writeUntilGone(url: string, acknowledged: Acknowledged[], onAcknowledged: () => void): Promise<void> {
  const client = EventStoreDBClient.connectionString(url)
  const stream = `crash-${randomUUID()}`
  let expected: bigint | typeof NO_STREAM = NO_STREAM
  try {
    for (;;) {
      const size = 1 + Math.floor(Math.random() * 4)
      const events = Array.from({ length: size }, () =>
        jsonEvent({ type: 'test.Crash.v1', data: { pad: 'x'.repeat(Math.floor(Math.random() * 3000)) } }),
      )
      const options = { expectedRevision: expected, deadline: 5000 }
      const result: AppendResult = await client.appendToStream(stream, events, options)
      expected = result.nextExpectedRevision
      acknowledged.push({
        stream,
        ids: events.map(({ id }) => id),
        lastRevision: result.nextExpectedRevision,
        position: result.position!.commit,
      })
      onAcknowledged()
    }
  } catch (error) {
    // The kill ends the loop; any other failure of an append would be a finding.
    expect((error as Error).message).toMatch(/UNAVAILABLE|CANCELLED|INTERNAL|ECONN|deadline/i)
  } finally {
    await client.dispose()
  }
}

async function killAmidAppends(node: NodeProcess, acknowledged: Acknowledged[]): Promise<void> {
  const target = acknowledged.length + 5 + Math.floor(Math.random() * 120)
  let reached: () => void = () => undefined
  const enough = new Promise<void>((resolve) => {
    reached = resolve
  })
  const writers = Array.from({ length: WRITERS }, () =>
    writeUntilGone(node.url, acknowledged, () => {
      if (acknowledged.length >= target) reached()
    }),
  )
  await enough
  await node.kill()
  await Promise.all(writers)
}

async function verify(url: string, acknowledged: readonly Acknowledged[]): Promise<void> {
  const client = EventStoreDBClient.connectionString(url)
  const byStream = new Map<string, Acknowledged[]>()
  for (const append of acknowledged) byStream.set(append.stream, [...(byStream.get(append.stream) ?? []), append])
  const seen = new Set<string>()
  for (const [stream, appends] of byStream) {
    const events = await collect(client.readStream(stream))
    for (const [index, { event }] of events.entries()) expect(event!.revision).toBe(BigInt(index))
    for (const { ids, lastRevision, position } of appends) {
      const first = Number(lastRevision) - ids.length + 1
      const stored = events.slice(first, Number(lastRevision) + 1)
      expect(stored.map(({ event }) => event!.id)).toEqual(ids)
      expect(stored.at(-1)!.event!.position!.commit).toBe(position)
    }
  }
  let last = -1n
  for await (const { event } of client.readAll()) {
    expect(event!.position!.commit).toBeGreaterThan(last)
    last = event!.position!.commit
    expect(seen.has(event!.id)).toBe(false)
    seen.add(event!.id)
  }
  for (const { ids } of acknowledged) for (const id of ids) expect(seen.has(id)).toBe(true)
  await client.dispose()
}

test(
  `after ${KILLS} kills amid appends each acknowledged event is there, once`,
  async () => {
    const acknowledged: Acknowledged[] = []
    for (let kill = 0; kill < KILLS; kill++) {
      const node = await startNodeProcess(directory.path)
      // Later kills verify on the way from time to time, the last one verifies all.
      if (kill % 25 === 24) await verify(node.url, acknowledged)
      await killAmidAppends(node, acknowledged)
    }
    const node = await startNodeProcess(directory.path)
    await verify(node.url, acknowledged)
    expect(await node.stop()).toBe(0)
  },
  20_000 + KILLS * 3_000,
)

test.each([NO_STREAM, ANY] as const)(
  'an append at %s whose answer the kill swallowed is repeated without a double',
  async (expectedRevision) => {
    const first = await startNodeProcess(directory.path)
    const client = EventStoreDBClient.connectionString(first.url)
    const stream = `lost-${randomUUID()}`
    const events = [1, 2, 3].map((number) => jsonEvent({ type: 'test.Lost.v1', data: { number } }))
    const original = await client.appendToStream(stream, events, { expectedRevision })
    await client.dispose()
    await first.kill()
    const second = await startNodeProcess(directory.path)
    const again = EventStoreDBClient.connectionString(second.url)
    const repeated = await again.appendToStream(stream, events, { expectedRevision })
    expect(repeated).toEqual(original)
    expect(await collect(again.readStream(stream))).toHaveLength(3)
    await again.dispose()
    await second.stop()
  },
)

test('one process at a time may use a directory, and a killed one leaves it free', async () => {
  const first = await startNodeProcess(directory.path)
  await expect(startNodeProcess(directory.path)).rejects.toThrow(/in use by another process/)
  await first.kill()
  const next = await startNodeProcess(directory.path)
  expect(await next.stop()).toBe(0)
})
