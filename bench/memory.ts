/**
 * The memory suite: resident memory of the application and of the event store, each a process of its own here, under a
 * steady 500 requests a second on a population that does not grow. With `--soak` for half an hour; the slope then says
 * whether it leaks. Requests come on schedule, whatever the answers do.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { SuiteOptions } from './commands.ts'
import { accountRequest, type BenchInstance, call, startBenchInstance, startProgram, stopProgram } from './instance.ts'
import { figuresOf, type Measurement } from './measure.ts'

const PER_SECOND = 500
const USERS = 200
const ACCOUNTS = 100
/** What the store's README says of it as a process. */
const STORE_OPTIONS = ['--max-semi-space-size=4']
/** Answers that are awaited at once; beyond it the instance does not keep up, and the suite says so. */
const IN_FLIGHT_MAX = 2_000
const SAMPLES_MIN = 30
const SAMPLE_INTERVAL_MAX_MS = 5_000
/** The slope of anything shorter says nothing. */
const SLOPE_MIN_MS = 60_000
/** Of the samples, before the slope is taken: caches fill, the heap finds its size. */
const WARM_UP_SHARE = 0.25

export interface MemoryOptions extends SuiteOptions {
  /** Minutes of the soak; without them as long as another suite's rounds of one side. */
  soakMinutes?: number | undefined
}

interface Sample {
  atMs: number
  appMiB: number
  storeMiB: number
}

export async function runMemoryBench({ seconds, rounds, soakMinutes }: MemoryOptions): Promise<Measurement[]> {
  const durationMs = soakMinutes === undefined ? seconds * rounds * 1_000 : soakMinutes * 60_000
  const directory = mkdtempSync(join(tmpdir(), 'opslog-bench-store-'))
  const main = '../src/embedded/eventstore/main.ts'
  const store = await startProgram(main, ['--directory', directory], {}, /\n/, STORE_OPTIONS)
  const { url, pid } = JSON.parse(store.said) as { url: string; pid: number }
  const environment = { EVENTSTORE_URL: url, SANDBOX_OPERATOR: 'on' }
  try {
    const instance = await startBenchInstance(environment)
    try {
      await populate(instance)
      const samples: Sample[] = []
      const startedMs = performance.now()
      const sample = () => {
        const atMs = performance.now() - startedMs
        samples.push({ atMs, appMiB: instance.residentMiB(), storeMiB: residentMiB(pid) })
      }
      const timer = setInterval(sample, Math.min(SAMPLE_INTERVAL_MAX_MS, durationMs / SAMPLES_MIN))
      const latenciesMs = await requests(instance, durationMs).finally(() => clearInterval(timer))
      const perSecond = latenciesMs.length / ((performance.now() - startedMs) / 1_000)
      sample()
      return [{ name: 'requests', ours: figuresOf([{ perSecond, latenciesMs }]) }, ...report(samples)]
    } finally {
      await instance.stop()
    }
  } finally {
    await stopProgram(store.child)
    rmSync(directory, { recursive: true, force: true })
  }
}

const residentMiB = (pid: number): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1_024

async function populate({ url, apiKey }: BenchInstance): Promise<void> {
  const post = (path: string, body: unknown) =>
    call('POST', `${url}/noctant/v1/${path}`, { apiKey, body, expect: [200, 201] })
  for (let n = 0; n < USERS; n++) await post('users', { external_id: `user-${n}`, display_name: `User ${n}` })
  for (let n = 0; n < ACCOUNTS; n++) await post('accounts', accountRequest(`a-${n}`, `user-${n}`))
}

/** Of twenty requests ten read, nine change a user, and one has an account's positions closed. */
async function requests(instance: BenchInstance, durationMs: number): Promise<number[]> {
  const latenciesMs: number[] = []
  const inFlight = new Set<Promise<void>>()
  let failure: { error: unknown } | undefined
  const startedMs = performance.now()
  const total = Math.round((PER_SECOND * durationMs) / 1_000)
  for (let sent = 0; sent < total && !failure; ) {
    const due = Math.min(total, Math.floor(((performance.now() - startedMs) / 1_000) * PER_SECOND))
    for (; sent < due; sent++) {
      if (inFlight.size >= IN_FLIGHT_MAX) throw new Error(`${IN_FLIGHT_MAX} requests are without an answer`)
      const sentMs = performance.now()
      const answered = request(instance, sent)
        .then(
          () => void latenciesMs.push(performance.now() - sentMs),
          (error: unknown) => {
            failure ??= { error }
          },
        )
        .finally(() => inFlight.delete(answered))
      inFlight.add(answered)
    }
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
  await Promise.all(inFlight)
  if (failure) throw failure.error
  return latenciesMs
}

function request({ url, apiKey }: BenchInstance, n: number): Promise<string> {
  const base = `${url}/noctant/v1`
  const user = `user-${n % USERS}`
  const turn = n % 20
  if (turn === 0) {
    const path = `${base}/accounts/by-external-id/close-all?external_account_id=a-${n % ACCOUNTS}`
    return call('POST', path, { apiKey, body: { idempotency_key: `soak-${n}` }, expect: [202] })
  }
  if (turn < 10) {
    const body = { external_id: user, display_name: `User, request ${n}` }
    return call('POST', `${base}/users`, { apiKey, body, expect: [200] })
  }
  if (turn < 12) return call('GET', `${base}/accounts?limit=50`, { apiKey, expect: [200] })
  return call('GET', `${base}/users?external_id=${user}`, { apiKey, expect: [200] })
}

function report(samples: readonly Sample[]): Measurement[] {
  const warm = samples.slice(Math.floor(samples.length * WARM_UP_SHARE))
  const sides = [
    ['application', (sample: Sample) => sample.appMiB],
    ['event store', (sample: Sample) => sample.storeMiB],
  ] as const
  return sides.flatMap(([name, of]) => {
    const rounds = samples.map((sample) => ({ perSecond: of(sample), latenciesMs: [] }))
    const resident = { name: `resident memory of the ${name}, MiB`, ours: figuresOf(rounds) }
    if ((samples.at(-1)?.atMs ?? 0) < SLOPE_MIN_MS) return [resident]
    const slope = slopePerHour(warm.map((sample) => [sample.atMs, of(sample)] as const))
    const growth = { median: slope, minimum: slope, maximum: slope }
    return [resident, { name: `growth of the ${name}, MiB an hour`, ours: growth }]
  })
}

/** By least squares. */
function slopePerHour(points: readonly (readonly [atMs: number, value: number])[]): number {
  const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length
  const [meanMs, meanValue] = [mean(points.map(([atMs]) => atMs)), mean(points.map(([, value]) => value))]
  let covariance = 0
  let variance = 0
  for (const [atMs, value] of points) {
    covariance += (atMs - meanMs) * (value - meanValue)
    variance += (atMs - meanMs) ** 2
  }
  return variance === 0 ? 0 : (covariance / variance) * 3_600_000
}
