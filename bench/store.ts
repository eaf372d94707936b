/**
 * The store suite: the embedded node against a stub that acknowledges without storing, each in a process of its own,
 * in turn (A B A B …). Appends go through the official client, at several concurrencies, each writer at its own
 * stream's exact revision; the subscription reads the whole of $all.
 * Alone: `node bench/store.ts [--seconds N] [--rounds N] [--events N] [--json FILE]`.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { type AppendResult, EventStoreDBClient, jsonEvent, NO_STREAM, START } from '@eventstore/db-client'

export type StoreBenchOptions = { seconds: number; rounds: number; events: number; concurrencies: number[] }

export type Measurement = { name: string; ours: Figures; reference: Figures; ratio: number }
/** Events a second: median, least and most of the rounds; and latencies of single appends in milliseconds. */
export type Figures = { median: number; minimum: number; maximum: number; p50Ms?: number; p99Ms?: number }

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

type Round = { perSecond: number; latenciesMs: number[] }

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

const quantile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0

function figuresOf(rounds: readonly Round[]): Figures {
  const perSecond = rounds.map((round) => round.perSecond).sort((left, right) => left - right)
  const latencies = rounds.flatMap((round) => round.latenciesMs).sort((left, right) => left - right)
  const figures: Figures = { median: quantile(perSecond, 0.5), minimum: perSecond[0]!, maximum: perSecond.at(-1)! }
  return latencies.length === 0
    ? figures
    : { ...figures, p50Ms: quantile(latencies, 0.5), p99Ms: quantile(latencies, 0.99) }
}

async function compare(
  name: string,
  rounds: number,
  ours: () => Promise<Round>,
  reference: () => Promise<Round>,
): Promise<Measurement> {
  const measured: { ours: Round[]; reference: Round[] } = { ours: [], reference: [] }
  for (let round = 0; round < rounds; round++) {
    measured.ours.push(await ours())
    measured.reference.push(await reference())
  }
  const figures = { ours: figuresOf(measured.ours), reference: figuresOf(measured.reference) }
  return { name, ...figures, ratio: figures.ours.median / figures.reference.median }
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
    await measureAppends(node.url, 16, 1)
    await measureAppends(stub.url, 16, 1)
    for (const concurrency of options.concurrencies) {
      const run = (url: string) => () => measureAppends(url, concurrency, options.seconds)
      measurements.push(await compare(`appends, ${concurrency} at once`, options.rounds, run(node.url), run(stub.url)))
    }
    await fill(filled.url, options.events)
    const read = (url: string) => () => measureSubscription(url, options.events)
    measurements.push(await compare('subscription to $all', options.rounds, read(filled.url), read(stub.url)))
  } finally {
    await Promise.all([node.stop(), filled.stop(), stub.stop()])
    rmSync(directory, { recursive: true, force: true })
  }
  return measurements
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      seconds: { type: 'string' },
      rounds: { type: 'string' },
      events: { type: 'string' },
      json: { type: 'string' },
    },
  })
  const measurements = await runStoreBench({
    ...DEFAULT_STORE_BENCH,
    seconds: Number(values.seconds ?? DEFAULT_STORE_BENCH.seconds),
    rounds: Number(values.rounds ?? DEFAULT_STORE_BENCH.rounds),
    events: Number(values.events ?? DEFAULT_STORE_BENCH.events),
  })
  for (const { name, ours, reference, ratio } of measurements) {
    const latency =
      ours.p50Ms === undefined ? '' : `  p50 ${ours.p50Ms.toFixed(2)} ms, p99 ${ours.p99Ms!.toFixed(2)} ms`
    const numbers = `${Math.round(ours.median)}/s against ${Math.round(reference.median)}/s, ratio ${ratio.toFixed(2)}`
    process.stdout.write(`${name.padEnd(24)} ${numbers}${latency}\n`)
  }
  if (values.json) writeFileSync(values.json, JSON.stringify(measurements, null, 2))
}
