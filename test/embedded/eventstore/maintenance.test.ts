import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { EventStoreDBClient, NO_STREAM } from '@eventstore/db-client'
import { afterEach, beforeEach, expect, test } from 'vitest'
import {
  backupStore,
  restoreStore,
  scavengeStore,
  storeStatistics,
} from '../../../src/embedded/eventstore/maintenance.ts'
import { acceptLoss } from '../../../src/embedded/eventstore/storage/loss.ts'
import { verifyStore } from '../../../src/embedded/eventstore/verification.ts'
import { runCli, spawnCli } from '../../support/cli.ts'
import { startEventStoreNode } from '../../support/event-store-node.ts'
import { collect, newStream, numbered, OWN_EVENTS, temporaryDirectory } from './support/node.ts'

const VERIFICATIONS = 25

let directory: { path: string; remove: () => void }
let data: string
beforeEach(() => {
  directory = temporaryDirectory()
  data = join(directory.path, 'data')
})
afterEach(() => directory.remove())

/** A closed store with these many streams of ten events. Returns their names. */
async function filled(streams: number): Promise<string[]> {
  const node = await startEventStoreNode({ directory: data, segmentBytes: 16 * 1024 })
  const client = EventStoreDBClient.connectionString(node.url)
  const names = Array.from({ length: streams }, () => newStream())
  for (const stream of names) await client.appendToStream(stream, numbered(10), { expectedRevision: NO_STREAM })
  await client.dispose()
  await node.close()
  return names
}

const segmentFiles = (path: string) => readdirSync(path).filter((name) => name.endsWith('.seg'))

test('a directory that is not there is said to hold no log, and is not made', async () => {
  const sentence = `there is no event log in ${data}`
  for (const look of [verifyStore, storeStatistics]) expect(() => look(data)).toThrow(sentence)
  expect(() => acceptLoss(data, () => undefined)).toThrow(sentence)
  expect(() => restoreStore(data, join(directory.path, 'restored'))).toThrow(sentence)
  await expect(backupStore(data, join(directory.path, 'backup'))).rejects.toThrow(sentence)
  await expect(scavengeStore(data)).rejects.toThrow(sentence)
  expect(readdirSync(directory.path)).toStrictEqual([])
})

test('a whole store verifies and shows its figures', async () => {
  await filled(20)
  expect(verifyStore(data)).toMatchObject({
    ok: true,
    events: OWN_EVENTS + 200,
    streams: OWN_EVENTS + 20,
    damaged: [],
    gaps: [],
    indexErrors: [],
    unfinishedBytes: 0,
  })
  const statistics = storeStatistics(data)
  expect(statistics).toMatchObject({ events: OWN_EVENTS + 200, streams: OWN_EVENTS + 20 })
  expect(statistics.indexedTo).toBe(statistics.endPosition)
  expect(segmentFiles(data).length).toBe(statistics.segments)
})

test('each damaged record is named with its position, and the rest is checked all the same', async () => {
  await filled(20)
  const [first, second] = segmentFiles(data)
  for (const name of [first!, second!]) {
    const file = join(data, name)
    const bytes = readFileSync(file)
    bytes[1000] = bytes[1000]! ^ 0x10
    writeFileSync(file, bytes)
  }
  const report = verifyStore(data)
  expect(report.ok).toBe(false)
  expect(report.damaged).toHaveLength(2)
  expect(report.damaged[0]!.position).toBeLessThanOrEqual(1000)
  expect(report.damaged[0]!.position + report.damaged[0]!.bytes).toBeGreaterThan(1000)
  expect(report.events).toBe(OWN_EVENTS + 198)
  expect(report.gaps).toHaveLength(2)
})

test('an index that lies is found out', async () => {
  const [stream] = await filled(2)
  const { DatabaseSync } = await import('node:sqlite')
  const database = new DatabaseSync(join(data, 'index.db'))
  database
    .prepare(
      'UPDATE events SET position = position + 1 WHERE revision = 3 AND stream = (SELECT id FROM streams WHERE name = ?)',
    )
    .run(stream!)
  database.close()
  expect(verifyStore(data)).toMatchObject({ ok: false, indexErrors: [{ stream, revision: 3 }] })
})

test('a store verifies while a node appends to it, as often as it is asked', async () => {
  const node = await startEventStoreNode({ directory: data, segmentBytes: 256 * 1024 })
  const client = EventStoreDBClient.connectionString(node.url)
  let writing = true
  let appended = 0
  const writers = Array.from({ length: 8 }, async () => {
    while (writing) {
      await client.appendToStream(newStream(), numbered(20), { expectedRevision: NO_STREAM })
      appended++
    }
  })
  for (let run = 0; run < VERIFICATIONS; run++) {
    const seen = appended
    while (appended < seen + 5) await new Promise((resolve) => setImmediate(resolve))
    const { events: _events, bytes: _bytes, ...report } = verifyStore(data)
    expect(report).toMatchObject({ ok: true, damaged: [], gaps: [], indexErrors: [], lost: undefined })
  }
  writing = false
  await Promise.all(writers)
  await client.dispose()
  await node.close()
})

test('a backup taken amid appends is whole and holds all that was acknowledged before it', async () => {
  const node = await startEventStoreNode({ directory: data, segmentBytes: 64 * 1024 })
  const client = EventStoreDBClient.connectionString(node.url)
  const acknowledged: string[] = []
  let writing = true
  const writers = [0, 1, 2, 3].map(async () => {
    while (writing) {
      const stream = newStream()
      await client.appendToStream(stream, numbered(3), { expectedRevision: NO_STREAM })
      acknowledged.push(stream)
    }
  })
  while (acknowledged.length < 100) await new Promise((resolve) => setImmediate(resolve))
  const before = [...acknowledged]
  const target = join(directory.path, 'backup')
  const report = await backupStore(data, target)
  writing = false
  await Promise.all(writers)
  await client.dispose()
  await node.close()
  expect(verifyStore(target)).toMatchObject({ ok: true, events: report.events, unfinishedBytes: 0 })

  const restored = join(directory.path, 'restored')
  restoreStore(target, restored)
  const again = await startEventStoreNode({ directory: restored })
  const reader = EventStoreDBClient.connectionString(again.url)
  for (const stream of before) expect(await collect(reader.readStream(stream))).toHaveLength(3)
  await reader.dispose()
  await again.close()
})

test('a backup is not written over anything, and is not restored over a log or when it is damaged', async () => {
  await filled(3)
  const target = join(directory.path, 'backup')
  await backupStore(data, target)
  await expect(backupStore(data, target)).rejects.toThrow(/exists already/)
  expect(() => restoreStore(target, data)).toThrow(/holds an event log already/)
  const file = join(target, segmentFiles(target)[0]!)
  const bytes = readFileSync(file)
  bytes[500] = bytes[500]! ^ 1
  writeFileSync(file, bytes)
  const restored = join(directory.path, 'restored')
  expect(() => restoreStore(target, restored)).toThrow(/damaged/)
  expect(existsSync(restored)).toBe(false)
})

/** Runs `opslog store`, as a program of its own by `spawnCli`; what it prints, or what it says on standard error. */
async function runStore(args: string[], run = runCli): Promise<{ code: unknown; said: string }> {
  const { exitCode, stdout, stderr } = await run(['store', ...args])
  return { code: exitCode, said: exitCode === 0 ? stdout : stderr }
}

test('the command line scavenges what a node uses through it, and a directory of its own', async () => {
  const node = await startEventStoreNode({ directory: data })
  const client = EventStoreDBClient.connectionString(node.url)
  await client.setStreamMetadata('counted', { maxCount: 1 })
  await client.appendToStream('counted', numbered(50))
  const running = await runStore(['scavenge', '--directory', data, '--url', node.url, '--json'])
  expect(JSON.parse(running.said)).toMatchObject({ state: 'done', eventsRemoved: 49 })
  await client.appendToStream('counted', numbered(10))
  await client.dispose()
  await node.close()
  const stopped = await runStore(['scavenge', '--directory', data, '--json'])
  expect(JSON.parse(stopped.said)).toMatchObject({ state: 'done', eventsRemoved: 10 })
  expect(verifyStore(data)).toMatchObject({ ok: true })
}, 60_000)

test('the command line refuses to serve a log without its end, accepts the loss once, and shows no stack', async () => {
  await filled(3)
  rmSync(join(data, segmentFiles(data).at(-1)!))
  const refused = await runStore(['serve', '--directory', data, '--port', '0'])
  expect(refused).toMatchObject({ code: 1, said: expect.stringContaining('opslog store accept-loss --directory') })
  expect(refused.said).not.toMatch(/^\s+at /m)
  expect(await runStore(['accept-loss', '--directory', data])).toMatchObject({ code: 0 })
  const again = await runStore(['accept-loss', '--directory', data])
  expect(again).toMatchObject({ code: 1, said: expect.stringContaining('nothing is lost') })
  expect(await runStore(['serve', '--directory', data, '--port', 'x'])).toMatchObject({ code: 2 })
}, 60_000)

test('the command line verifies, backs up, restores and shows figures, with an exit code for damage', async () => {
  await filled(3)
  const run = async (...args: string[]): Promise<unknown> => JSON.parse((await runStore([...args, '--json'])).said)
  const backup = join(directory.path, 'backup')
  const restored = join(directory.path, 'restored')
  expect(await run('verify', '--directory', data)).toMatchObject({ ok: true, events: OWN_EVENTS + 30 })
  expect(await run('backup', backup, '--directory', data)).toMatchObject({ events: OWN_EVENTS + 30 })
  expect(await run('restore', backup, '--directory', restored)).toMatchObject({ events: OWN_EVENTS + 30 })
  expect(await run('stats', '--directory', restored)).toMatchObject({
    events: OWN_EVENTS + 30,
    streams: OWN_EVENTS + 3,
  })
  const file = join(restored, segmentFiles(restored)[0]!)
  const bytes = readFileSync(file)
  bytes[500] = bytes[500]! ^ 1
  writeFileSync(file, bytes)
  expect(await runStore(['verify', '--directory', restored, '--json'], spawnCli)).toMatchObject({ code: 1 })
}, 60_000)
