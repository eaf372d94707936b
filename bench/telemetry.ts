/**
 * The telemetry suite: commands and reads of an instance that sends a tenth of its traces, and its figures, to a collector,
 * against one without; both are up at once. The collector reads what comes and forgets it. And the making of one span, by
 * itself: with nobody to send it to, and for a collector.
 */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { startOpenTelemetry } from '../src/adapters/telemetry/open-telemetry.ts'
import { closeTelemetry, span, useTracer } from '../src/telemetry.ts'
import { ourCommands, type SuiteOptions, usersFor } from './commands.ts'
import { type BenchInstance, call, startBenchInstance } from './instance.ts'
import { compareInPairs, load, type Measurement, type Round, WARM_UP_S, within } from './measure.ts'

const CONCURRENCY = 16
/** Commands of each side before they are measured: for the first ten seconds much of an instance is still to be compiled. */
const SETTLE_S = 15
const LOOK_INTERVAL_MS = 100
/** Of the throughput without a collector. */
const FLOOR = 0.95
const PARTS = { ROLES: 'api,projector', READ_YOUR_WRITES_WAIT_MS: '0' }
const SAMPLED = { OTEL_TRACES_SAMPLER: 'parentbased_traceidratio', OTEL_TRACES_SAMPLER_ARG: '0.1' }

export async function runTelemetryBench({ seconds, rounds }: SuiteOptions): Promise<Measurement[]> {
  const collector = await startCollector()
  const instances: BenchInstance[] = []
  try {
    const traced = await startBenchInstance({ ...PARTS, ...SAMPLED, OTEL_EXPORTER_OTLP_ENDPOINT: collector.url })
    instances.push(traced)
    const plain = await startBenchInstance(PARTS)
    instances.push(plain)
    const [first, second] = [await loadsOf(traced), await loadsOf(plain)]
    const about = `with a collector, against none, ${CONCURRENCY} at once`
    const writes = [counted(traced, first.write, seconds), counted(plain, second.write, seconds)] as const
    const reads = [counted(traced, first.read, seconds), counted(plain, second.read, seconds)] as const
    const bounds = { floor: FLOOR }
    return [
      await compareInPairs(`command ${about}`, rounds, writes[0].round, writes[1].round, bounds),
      processors('a command', writes[0].perPiece(), writes[1].perPiece()),
      await compareInPairs(`GET of who asks ${about}`, rounds, reads[0].round, reads[1].round, bounds),
      processors('a GET', reads[0].perPiece(), reads[1].perPiece()),
      ...(await spanCosts(collector.url, rounds)),
    ]
  } finally {
    for (const instance of instances) await instance.stop()
    await collector.close()
  }
}

/** The same load, with what it takes of the processors: whatever else the machine does changes that little. */
function counted(instance: BenchInstance, load: (seconds: number) => Promise<Round>, seconds: number) {
  const perPiece: number[] = []
  return {
    async round(): Promise<Round> {
      const beforeMs = instance.processorMs()
      const round = await load(seconds)
      perPiece.push((instance.processorMs() - beforeMs) / round.latenciesMs.length)
      return round
    },
    perPiece: () => perPiece,
  }
}

/** Ours against the reference in pieces of work a second of the processors' time. */
function processors(of: string, ours: readonly number[], reference: readonly number[]): Measurement {
  const sorted = (list: readonly number[]) => list.map((ms) => 1_000 / ms).toSorted((left, right) => left - right)
  const [own, others] = [sorted(ours), sorted(reference)]
  const figures = (list: readonly number[]) => ({
    median: list[Math.floor(list.length / 2)] ?? 0,
    minimum: list[0] ?? 0,
    maximum: list.at(-1) ?? 0,
  })
  const ratios = ours.map((ms, at) => (reference[at] ?? ms) / ms).toSorted((left, right) => left - right)
  const ratio = ratios[Math.floor(ratios.length / 2)] ?? 0
  const name = `${of}, by a second of the processors, with a collector, against none`
  return { name, ours: figures(own), reference: figures(others), ratio, floor: FLOOR }
}

/** What is asked of an instance, warm. */
async function loadsOf(instance: BenchInstance) {
  const { url, apiKey } = instance
  const users = await usersFor(instance)
  const write = (seconds: number) => ourCommands(instance, users, CONCURRENCY, seconds)
  const read = (seconds: number) =>
    load(CONCURRENCY, seconds, async () => void (await call('GET', `${url}/noctant/v1/me`, { apiKey, expect: [200] })))
  await write(SETTLE_S)
  while ((await fetch(`${url}/noctant/v1/me`, { headers: { authorization: `Bearer ${apiKey}` } })).status !== 200) {
    await delay(LOOK_INTERVAL_MS)
  }
  await read(WARM_UP_S)
  return { write, read }
}

const SPANS = 20_000
const US_PER_MS = 1_000
/** In microseconds: without a collector a call and no more. */
const OFF_MAX_US = 0.1
const ON_MAX_US = 10

async function spanCosts(url: string, rounds: number): Promise<Measurement[]> {
  const off = spanUs(rounds)
  process.env.OTEL_EXPORTER_OTLP_ENDPOINT = url
  const log = { info: () => undefined, warn: () => undefined, error: () => undefined }
  const wanted = { traces: true, metrics: false }
  useTracer(startOpenTelemetry({ wanted, version: 'bench', roles: ['api'], figuresIntervalMs: 60_000, log }))
  const on = spanUs(rounds)
  await closeTelemetry()
  delete process.env.OTEL_EXPORTER_OTLP_ENDPOINT
  return [
    within('one span without a collector, µs', figureOf(off), { measured: off, atMost: OFF_MAX_US }),
    within('one span for a collector, µs', figureOf(on), { measured: on, atMost: ON_MAX_US }),
  ]
}

const figureOf = (us: number) => ({ median: us, minimum: us, maximum: us })

/** The least of the rounds: whatever else the machine does only adds to it. */
function spanUs(rounds: number): number {
  let leastMs = Number.POSITIVE_INFINITY
  for (let round = 0; round <= rounds; round++) {
    const startedMs = performance.now()
    for (let n = 0; n < SPANS; n++) span('a span', { 'opslog.number': n }, nothing)
    leastMs = Math.min(leastMs, performance.now() - startedMs)
  }
  return (leastMs * US_PER_MS) / SPANS
}

const nothing = () => undefined

async function startCollector() {
  const server = createServer(async (request, response) => {
    request.resume()
    await once(request, 'end')
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
