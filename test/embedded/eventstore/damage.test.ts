/** Damage in the middle of a log that runs: what is whole before it is delivered, and the check finds it by itself. */
import { closeSync, openSync, readdirSync, readSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { EventStoreDBClient, type ResolvedEvent } from '@eventstore/db-client'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { EventStoreOptions } from '../../../src/embedded/eventstore/options.ts'
import { damagedPlacesOf } from '../../../src/services/backing-services.ts'
import { startEventStoreNode } from '../../support/event-store-node.ts'
import { newStream, numbered, numbersOf, temporaryDirectory } from './support/node.ts'

const EVENTS = 20
const DAMAGED = 12

let directory: { path: string; remove: () => void }
let stream: string
let damagedAt: bigint
beforeEach(async () => {
  directory = temporaryDirectory()
  stream = newStream()
  const node = await startEventStoreNode({ directory: directory.path })
  const client = EventStoreDBClient.connectionString(node.url)
  for (let number = 0; number < EVENTS; number++) await client.appendToStream(stream, numbered(1, number))
  const [damaged] = await Array.fromAsync(client.readStream(stream, { fromRevision: BigInt(DAMAGED), maxCount: 1 }))
  damagedAt = damaged!.event!.position!.commit
  await client.dispose()
  await node.close()
  flipByte(Number(damagedAt) + 120)
})
afterEach(() => directory.remove())

function flipByte(position: number): void {
  const name = readdirSync(directory.path).find((each) => each.endsWith('.seg'))!
  const file = openSync(join(directory.path, name), 'r+')
  const byte = Buffer.alloc(1)
  readSync(file, byte, 0, 1, position)
  byte[0] = byte[0]! ^ 1
  writeSync(file, byte, 0, 1, position)
  closeSync(file)
}

async function serving(options: Partial<EventStoreOptions>, work: (url: string, port: number) => Promise<void>) {
  const notices: string[] = []
  const node = await startEventStoreNode({
    directory: directory.path,
    ...options,
    onNotice: (notice) => notices.push(notice),
  })
  try {
    await work(node.url, node.port)
  } finally {
    await node.close()
  }
  return notices
}

/** Reads until the end or an error. */
async function readAsFarAs(events: AsyncIterable<ResolvedEvent>): Promise<{ numbers: unknown[]; error: unknown }> {
  const read: ResolvedEvent[] = []
  try {
    for await (const event of events) if (!event.event!.type.startsWith('$')) read.push(event)
  } catch (error) {
    return { numbers: numbersOf(read), error }
  }
  return { numbers: numbersOf(read), error: undefined }
}

const before = Array.from({ length: DAMAGED }, (_, number) => number)
const behind = Array.from({ length: EVENTS - 1 - DAMAGED }, (_, number) => EVENTS - 1 - number)

test('each way to read delivers what is whole before the damage, and ends with its position', async () => {
  await serving({}, async (url) => {
    const client = EventStoreDBClient.connectionString(url)
    const message = expect.stringContaining(`position ${damagedAt}`)
    const error = expect.objectContaining({ message })
    expect(await readAsFarAs(client.readStream(stream))).toEqual({ numbers: before, error })
    expect(await readAsFarAs(client.readAll())).toEqual({ numbers: before, error })
    expect(await readAsFarAs(client.subscribeToAll())).toEqual({ numbers: before, error })
    expect(await readAsFarAs(client.subscribeToStream(stream))).toEqual({ numbers: before, error })
    const backwards = await readAsFarAs(client.readAll({ direction: 'backwards', fromPosition: 'end' }))
    expect(backwards).toMatchObject({ numbers: behind, error: { message: expect.stringContaining('damaged') } })
    await client.dispose()
  })
})

test('the check of the whole log finds damage that nobody reads, and tells it once, in health and in metrics', async () => {
  const notices = await serving({ checkBytesPerSecond: 64 * 1024 * 1024, checkPauseMs: 20 }, async (_, port) => {
    const get = async (path: string) => (await fetch(`http://127.0.0.1:${port}${path}`)).text()
    await expect.poll(() => get('/health'), { timeout: 10_000 }).toContain(`"damagedPositions":[${damagedAt}]`)
    await expect.poll(() => get('/health'), { timeout: 10_000 }).toContain('checkCompletedAt')
    expect(await get('/metrics')).toContain('eventstore_damaged_places 1')
    expect((await fetch(`http://127.0.0.1:${port}/health`)).status).toBe(503)
    // This is what an instance shows as degraded.
    expect(await damagedPlacesOf({ port })).toBe(1)
    expect((await fetch(`http://127.0.0.1:${port}/health/live`)).status).toBe(204)
  })
  expect(notices.filter((notice) => notice.includes(`position ${damagedAt}`))).toHaveLength(1)
})
