/**
 * The store suite: the embedded node against a stub that acknowledges without storing, each in a process of its own,
 * in turn (A B A B …). Appends go through the official client, at several concurrencies, each writer at its own
 * stream's exact revision; the subscription reads the whole of $all.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type AppendResult, EventStoreDBClient, jsonEvent, NO_STREAM, START } from '@eventstore/db-client'
import { compare, type Measurement, type Round, WARM_UP_S } from './measure.ts'

export type StoreBenchOptions = { seconds: number; rounds: number; events: number; concurrencies: number[] }

export const DEFAULT_STORE_BENCH: StoreBenchOptions = {
  seconds: 3,
  rounds: 5,
  events: 200_000,
  concurrencies: [1, 16, 64, 256],
}

const DATA = { note: 'x'.repeat(300) }

type Server = { url: string; process: ChildProcess; stop: () => Promise<void> }

async function startProcess(file: string, args: string[]): Promise<Server> {
  const path = fileURLToPath(new URL(file, import.meta.url))
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', path, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [line] = await once(child.stdout!, 'data')
  const { url } = JSON.parse(String(line)) as { url: string }
  const stop = async () => {
    const exited = once(child, 'exit')
    child.kill('SIGTERM')
    await exited
  }
  return { url, process: child, stop }
}

/** Appends by this many writers at once, for this long. */
async function measureAppends(url: string, concurrency: number, seconds: number): Promise<Round> {
  const client = EventStoreDBClient.connectionString(url)
  const latenciesMs: number[] = []
  const startedAt = performance.now()
  const endsAt = startedAt + seconds * 1000
  const writer = async (): Promise<void> => {
    const stream = `bench-${crypto.randomUUID()}`
    let expectedRevision: bigint | typeof NO_STREAM = NO_STREAM
    while (performance.now() < endsAt) {
      const sentAt = performance.now()
      const event = jsonEvent({ type: 'bench.Appended.v1', data: DATA })
      const result: AppendResult = await client.appendToStream(stream, event, { expectedRevision })
      expectedRevision = result.nextExpectedRevision
      latenciesMs.push(performance.now() - sentAt)
    }
  }
  await Promise.all(Array.from({ length: concurrency }, writer))
  const perSecond = latenciesMs.length / ((performance.now() - startedAt) / 1000)
  await client.dispose()
  return { perSecond, latenciesMs }
}

/** Reads this many events through a subscription to $all. */
async function measureSubscription(url: string, events: number): Promise<Round> {
  const client = EventStoreDBClient.connectionString(url)
  const subscription = client.subscribeToAll({ fromPosition: START })
  let received = 0
  const startedAt = performance.now()
  for await (const _event of subscription) if (++received === events) break
  const perSecond = received / ((performance.now() - startedAt) / 1000)
  await client.dispose()
  return { perSecond, latenciesMs: [] }
}

async function fill(url: string, events: number): Promise<void> {
  const client = EventStoreDBClient.connectionString(url)
  for (let written = 0; written < events; written += 1000) {
    const batch = Array.from({ length: 1000 }, () => jsonEvent({ type: 'bench.Appended.v1', data: DATA }))
    const expectedRevision = written === 0 ? NO_STREAM : BigInt(written - 1)
    await client.appendToStream('bench-subscription', batch, { expectedRevision })
  }
  await client.dispose()
}

/** Runs the suite on private servers and directories, which are gone afterwards. */
export async function runStoreBench(options: StoreBenchOptions = DEFAULT_STORE_BENCH): Promise<Measurement[]> {
  const directory = mkdtempSync(join(tmpdir(), 'store-bench-'))
  const main = '../src/embedded/eventstore/main.ts'
  const node = await startProcess(main, ['--directory', join(directory, 'appends')])
  const filled = await startProcess(main, ['--directory', join(directory, 'filled')])
  const stub = await startProcess('./store-stub.ts', [String(options.events), JSON.stringify(DATA)])
  const measurements: Measurement[] = []
  try {
    await measureAppends(node.url, 16, WARM_UP_S)
    await measureAppends(stub.url, 16, WARM_UP_S)
    for (const concurrency of options.concurrencies) {
      const run = (url: string) => () => measureAppends(url, concurrency, options.seconds)
      const bounds = concurrency >= 16 ? { floor: 0.8, goal: 0.95 } : {}
      const sides = [run(node.url), run(stub.url)] as const
      measurements.push(await compare(`appends, ${concurrency} at once`, options.rounds, ...sides, bounds))
    }
    await fill(filled.url, options.events)
    const read = (url: string) => () => measureSubscription(url, options.events)
    measurements.push(
      await compare('subscription to $all', options.rounds, read(filled.url), read(stub.url), { floor: 0.8, goal: 1 }),
    )
  } finally {
    await Promise.all([node.stop(), filled.stop(), stub.stop()])
    rmSync(directory, { recursive: true, force: true })
  }
  return measurements
}
