/**
 * A full disk, played by the limit on the size of files that the operating system puts on one process: the write fails
 * half-way as it does on a full disk, and succeeds again once the limit is lifted.
 */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { EventStoreDBClient, jsonEvent, NO_STREAM } from '@eventstore/db-client'
import { expect, test } from 'vitest'
import { backupStore, storeStatistics } from '../../../src/embedded/eventstore/maintenance.ts'
import { verifyStore } from '../../../src/embedded/eventstore/verification.ts'
import { limitFiles, mountSmallDisk } from '../../support/small-disk.ts'
import { collect, newStream, numbered, numbersOf, OWN_EVENTS, temporaryDirectory } from './support/node.ts'
import { type NodeProcess, startNodeProcess } from './support/node-process.ts'

const MAIN = fileURLToPath(new URL('../../../src/embedded/eventstore/main.ts', import.meta.url))

function hasPrlimit(): boolean {
  try {
    execFileSync('prlimit', ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

test.runIf(hasPrlimit())(
  'a full disk fails appends and loses nothing; when there is space again they succeed',
  async () => {
    const directory = temporaryDirectory()
    const child = spawn(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', MAIN, '--directory', directory.path],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    )
    const [line] = await once(child.stdout!, 'data')
    const { url } = JSON.parse(String(line)) as { url: string }
    const client = EventStoreDBClient.connectionString(url)
    const stream = newStream()
    const event = (number: number) => jsonEvent({ type: 'test.Full.v1', data: { number, pad: 'x'.repeat(5000) } })
    const limit = (bytes: string) => execFileSync('prlimit', ['--pid', String(child.pid), `--fsize=${bytes}:unlimited`])
    limit('300000')
    let last: bigint | typeof NO_STREAM = NO_STREAM
    let failure: unknown
    const acknowledged: number[] = []
    for (let number = 0; failure === undefined && number < 200; number++) {
      try {
        last = (await client.appendToStream(stream, event(number), { expectedRevision: last })).nextExpectedRevision
        acknowledged.push(number)
      } catch (error) {
        failure = error
      }
    }
    expect(acknowledged.length).toBeGreaterThan(10)
    expect(acknowledged.length).toBeLessThan(70)
    expect(failure).toMatchObject({ message: expect.stringMatching(/the log cannot be written: EFBIG/) })
    await expect(client.appendToStream(stream, event(999), { expectedRevision: last })).rejects.toThrow()
    expect(numbersOf(await collect(client.readStream(stream)))).toEqual(acknowledged)
    limit('unlimited')
    const next = acknowledged.length
    const result = await client.appendToStream(stream, event(next), { expectedRevision: last })
    expect(result.nextExpectedRevision).toBe(BigInt(next))
    expect(numbersOf(await collect(client.readStream(stream)))).toEqual([...acknowledged, next])
    await client.dispose()
    child.kill('SIGKILL')
    await once(child, 'exit')
    expect(verifyStore(directory.path)).toMatchObject({ ok: true, events: OWN_EVENTS + next + 1 })
    directory.remove()
  },
)

const DISK_BYTES = 4 * 1024 * 1024
const FILE_BYTES_MAX = 600_000

/**
 * Runs with a small disk of its own. Where this machine lets us mount none, what fills up is each file of the node, and
 * what becomes read-only is the directory.
 */
async function onSmallDisk(work: (disk: Disk) => Promise<void>): Promise<void> {
  const directory = temporaryDirectory()
  const mounted = mountSmallDisk(join(directory.path, 'disk'), DISK_BYTES)
  const data = join(directory.path, 'disk', 'data')
  try {
    await work({
      data,
      fill: (node) => (mounted ? mounted.fill() : node && limitFiles(node.process.pid!, FILE_BYTES_MAX)),
      free: (node) => (mounted ? mounted.free() : limitFiles(node.process.pid!, undefined)),
      becomeReadOnly() {
        if (mounted) execFileSync('mount', ['-o', 'remount,ro', mounted.path])
        else chmodSync(data, 0o555)
      },
    })
  } finally {
    if (mounted) mounted.unmount()
    else if (existsSync(data)) chmodSync(data, 0o755)
    directory.remove()
  }
}

interface Disk {
  data: string
  /** Takes all the space that is left; `node` is the one that runs, if any. */
  fill(node?: NodeProcess): void
  free(node: NodeProcess): void
  becomeReadOnly(): void
}

const FULL = /ENOSPC|EFBIG/

const probe = async (port: number) => {
  const response = await fetch(`http://127.0.0.1:${port}/health/live`)
  return { status: response.status, text: await response.text() }
}

const large = (number: number) => jsonEvent({ type: 'test.Full.v1', data: { number, pad: 'x'.repeat(20_000) } })

/** Appends until the disk is full. Returns the numbers that were acknowledged. */
async function fillUp(client: EventStoreDBClient, stream: string): Promise<number[]> {
  const acknowledged: number[] = []
  for (;;) {
    try {
      await client.appendToStream(stream, large(acknowledged.length))
      acknowledged.push(acknowledged.length)
    } catch (error) {
      expect(String(error)).toMatch(FULL)
      return acknowledged
    }
  }
}

test('a node on a full disk says so, stops in order, starts again with its index, and appends once there is space', () =>
  onSmallDisk(async ({ data, fill, free }) => {
    const first = await startNodeProcess(data)
    const client = EventStoreDBClient.connectionString(first.url)
    const stream = newStream()
    for (let number = 0; number < 10; number++) await client.appendToStream(stream, large(number))
    fill(first)
    const acknowledged = (await collect(client.readStream(stream))).length + (await fillUp(client, stream)).length
    expect(await probe(first.port)).toMatchObject({ status: 503, text: expect.stringMatching(FULL) })
    await client.dispose()
    expect(await first.stop()).toBe(0)

    fill()
    const indexBytes = statSync(join(data, 'index.db')).size
    const second = await startNodeProcess(data)
    expect(statSync(join(data, 'index.db')).size).toBeGreaterThanOrEqual(indexBytes)
    fill(second)
    const again = EventStoreDBClient.connectionString(second.url)
    expect(await collect(again.readStream(stream))).toHaveLength(acknowledged)
    await fillUp(again, newStream())
    expect(await probe(second.port)).toMatchObject({ status: 503 })
    free(second)
    await again.appendToStream(stream, large(acknowledged))
    expect(await probe(second.port)).toMatchObject({ status: 204 })
    await again.dispose()
    expect(await second.stop()).toBe(0)
    expect(verifyStore(data)).toMatchObject({ ok: true })
  }))

test('a node that was closed in order starts on a disk that has been filled since', () =>
  onSmallDisk(async ({ data, fill }) => {
    const first = await startNodeProcess(data)
    const client = EventStoreDBClient.connectionString(first.url)
    const stream = newStream()
    await client.appendToStream(stream, numbered(100))
    await client.dispose()
    expect(await first.stop()).toBe(0)
    expect(existsSync(join(data, 'index.db-shm'))).toBe(false)
    fill()
    const second = await startNodeProcess(data)
    const again = EventStoreDBClient.connectionString(second.url)
    expect(await collect(again.readStream(stream))).toHaveLength(100)
    await again.dispose()
    expect(await second.stop()).toBe(0)
  }))

test.each(['stopped', 'killed'] as const)(
  'a file system that became read-only under a node that was %s serves reads, statistics, verification and backups',
  (ending) =>
    onSmallDisk(async ({ data, becomeReadOnly }) => {
      const first = await startNodeProcess(data)
      const client = EventStoreDBClient.connectionString(first.url)
      const stream = newStream()
      await client.appendToStream(stream, numbered(100))
      await client.dispose()
      await (ending === 'stopped' ? first.stop() : first.kill())
      becomeReadOnly()
      const second = await startNodeProcess(data)
      const again = EventStoreDBClient.connectionString(second.url)
      expect(await collect(again.readStream(stream))).toHaveLength(100)
      expect(await collect(again.readAll())).toHaveLength(OWN_EVENTS + 100)
      await expect(again.appendToStream(stream, numbered(1))).rejects.toThrow(/nothing can be written to/)
      expect(await probe(second.port)).toMatchObject({ status: 503 })
      expect(verifyStore(data)).toMatchObject({ ok: true, events: OWN_EVENTS + 100 })
      expect(storeStatistics(data)).toMatchObject({ segments: 1 })
      const copies = temporaryDirectory()
      expect(await backupStore(data, join(copies.path, 'backup'))).toMatchObject({ events: OWN_EVENTS + 100 })
      copies.remove()
      await again.dispose()
      expect(await second.stop()).toBe(0)
    }),
)
