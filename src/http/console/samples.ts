/**
 * What this process sees of the instance, second by second, for plots: how far read models are behind, what they take in, and
 * requests with their times. It is kept in memory, in rings that never grow, and begins anew with the process.
 */
import type { Histogram } from 'prom-client'
import type { EventStore } from '../../events/store.ts'
import type { ReadModels } from '../../postgres/database.ts'
import { type ReadModelPlace, readPlaces } from '../../projections/console/places.ts'
import type { ProbeResult } from '../../runtime/health.ts'
import type { SharedRuntime } from '../context.ts'
import type { Line, Plotting } from '../pages/declaration.ts'
import { steps } from './figures.ts'

/** Seconds, and minutes, that are kept. */
const SECONDS_MAX = 900
const MINUTES_MAX = 1_440
/** How long after the last look at the console the instance is asked each second; otherwise at longer intervals. */
const LOOKED_MS = 900_000
const UNSEEN_EVERY = 10

/** Figures of one second or one minute, by their names: `lag noctant`, `requests 2xx`. */
type Figures = Readonly<Record<string, number>>
interface Sample {
  atS: number
  figures: Figures
}

export interface Samples {
  /** Somebody looks: the next figures are fresh. */
  look(): void
  /** Takes one sample, of the second that `now` lies in. */
  take(from: SampledFrom): Promise<void>
  /** Lines of the figures whose names begin so, each called by the rest of its name. */
  lines(prefix: string, span: Plotting['span'], as: 'highest' | 'average'): Line[]
}

const UNKNOWN: ProbeResult = { up: false }

export interface SampledFrom {
  runtime: Pick<SharedRuntime, 'readiness' | 'metrics'>
  db: ReadModels
  store: Pick<EventStore, 'head'>
  contexts: readonly string[]
  now: Date
}

export function createSamples(): Samples {
  const seconds: Sample[] = []
  const minutes: Sample[] = []
  let lookedAtMs = Number.NEGATIVE_INFINITY
  let taken = 0
  const requests = requestCounts()
  const models = modelFigures()

  function keep(sample: Sample): void {
    seconds.push(sample)
    if (seconds.length > SECONDS_MAX) seconds.shift()
    const minuteS = Math.floor(sample.atS / 60) * 60
    if (minutes.at(-1)?.atS === minuteS) return
    const before = minuteS - 60
    const whole = seconds.filter(({ atS }) => atS >= before && atS < minuteS)
    if (whole.length > 0 && (minutes.at(-1)?.atS ?? 0) < before)
      minutes.push({ atS: before, figures: averageOf(whole) })
    if (minutes.length > MINUTES_MAX) minutes.shift()
  }

  return {
    look() {
      lookedAtMs = performance.now()
    },
    async take(from) {
      const atS = Math.floor(from.now.getTime() / 1_000)
      const isSeen = performance.now() - lookedAtMs < LOOKED_MS
      const ofModels = isSeen || taken % UNSEEN_EVERY === 0 ? await models(from) : {}
      taken += 1
      keep({ atS, figures: { ...ofModels, ...(await requests(from.runtime, performance.now())) } })
    },
    lines(prefix, { from, until, stepS }, as) {
      const [fromS, untilS] = [Math.floor(from.getTime() / 1_000), Math.floor(until.getTime() / 1_000)]
      const kept = untilS - fromS <= SECONDS_MAX ? seconds : [...minutes, ...seconds.filter(isBehind(minutes))]
      const inTime = kept.filter(({ atS }) => atS >= fromS && atS <= untilS)
      const names = [...new Set(inTime.flatMap(({ figures }) => Object.keys(figures)))].filter((name) =>
        name.startsWith(`${prefix} `),
      )
      const byStep = Map.groupBy(inTime, ({ atS }) => fromS + Math.floor((atS - fromS) / stepS) * stepS)
      return names.sort().map((name) => ({
        label: name.slice(prefix.length + 1),
        points: steps(fromS, untilS, stepS).map((atS) => [atS, figureOf(byStep.get(atS) ?? [], name, as)] as const),
      }))
    },
  }
}

const isBehind =
  (minutes: readonly Sample[]) =>
  ({ atS }: Sample): boolean =>
    atS >= (minutes.at(-1)?.atS ?? Number.NEGATIVE_INFINITY) + 60

function figureOf(samples: readonly Sample[], name: string, as: 'highest' | 'average'): number | null {
  const values = samples.flatMap(({ figures }) => figures[name] ?? [])
  if (values.length === 0) return null
  return as === 'highest' ? Math.max(...values) : values.reduce((sum, each) => sum + each, 0) / values.length
}

/** Of what is behind, the most counts. */
function averageOf(samples: readonly Sample[]): Figures {
  const names = new Set(samples.flatMap(({ figures }) => Object.keys(figures)))
  return Object.fromEntries(
    [...names].map((name) => [name, figureOf(samples, name, name.startsWith('lag ') ? 'highest' : 'average') ?? 0]),
  )
}

/**
 * How far each context's read models are behind, in milliseconds, and events that they take in a second. The events stand in the
 * checkpoints, whichever process moves them. Where no projector runs in this process, its checkpoint and the log's head say how
 * far it is behind, to a second.
 */
function modelFigures() {
  const taken = new Map<string, { events: number; atMs: number }>()
  /** Heads that were seen and are not taken in yet, the oldest first. */
  const ahead = new Map<string, { position: bigint; atMs: number }[]>()

  async function elsewhere(
    { store }: SampledFrom,
    contexts: readonly string[],
    places: ReadonlyMap<string, ReadModelPlace>,
    atMs: number,
  ): Promise<Figures> {
    const lags = contexts.map(async (context): Promise<[string, number]> => {
      const head = await store.head(`${context}.`)
      const heads = ahead.get(context) ?? []
      if (head && (heads.at(-1)?.position ?? -1n) < head.position) heads.push({ position: head.position, atMs })
      const waiting = heads
        .filter(({ position }) => position > (places.get(context)?.position ?? -1n))
        .slice(-SECONDS_MAX)
      ahead.set(context, waiting)
      return [`lag ${context}`, Math.round(atMs - (waiting[0]?.atMs ?? atMs))]
    })
    return Object.fromEntries(await Promise.all(lags))
  }

  /** Since the last look. */
  function ratesOf(places: ReadonlyMap<string, ReadModelPlace>, atMs: number): Figures {
    const rates: Record<string, number> = {}
    for (const [context, { events }] of places) {
      const before = taken.get(context)
      // Where the row was made anew, it counts from the beginning.
      if (before && atMs > before.atMs && events >= before.events)
        rates[`events ${context}`] = ((events - before.events) * 1_000) / (atMs - before.atMs)
      taken.set(context, { events, atMs })
    }
    return rates
  }

  return async (from: SampledFrom): Promise<Figures> => {
    const { dependencies } = await from.runtime.readiness()
    const atMs = performance.now()
    const figures: Record<string, number> = {}
    const others: string[] = []
    for (const context of from.contexts) {
      const { lag_ms: lagMs } = dependencies[`projector.${context}`] ?? UNKNOWN
      if (typeof lagMs !== 'number') others.push(context)
      else figures[`lag ${context}`] = Math.round(lagMs)
    }
    if (dependencies.postgres?.up !== true) return figures
    const places = await readPlaces(from.db, from.contexts)
    Object.assign(figures, ratesOf(places, performance.now()))
    if (others.length === 0 || dependencies.event_store?.up !== true) return figures
    return { ...figures, ...(await elsewhere(from, others, places, atMs)) }
  }
}

const PERCENTILES = [0.5, 0.95, 0.99] as const

/** Requests a second by the first digit of their status, and the times that so many of them took at most, in ms. */
function requestCounts() {
  let last: { counts: Map<string, number>; atMs: number } | undefined

  return async ({ metrics }: Pick<SharedRuntime, 'metrics'>, atMs: number): Promise<Figures> => {
    const found = metrics.registry.getSingleMetric('opslog_http_request_duration_seconds') as Histogram | undefined
    const counts = new Map<string, number>()
    for (const { labels, metricName, value } of (await found?.get())?.values ?? []) {
      const { le, status, route } = labels as Record<string, string | number | undefined>
      if (String(route).startsWith('/console')) continue
      const isBucket = metricName?.endsWith('_bucket') === true
      if (!isBucket && !metricName?.endsWith('_count')) continue
      const name = isBucket ? `le ${le}` : `requests ${String(status).charAt(0)}xx`
      counts.set(name, (counts.get(name) ?? 0) + value)
    }
    const before = last
    last = { counts, atMs }
    if (!before || atMs <= before.atMs) return {}
    const since = (name: string) => (counts.get(name) ?? 0) - (before.counts.get(name) ?? 0)
    const rates = [...counts.keys()]
      .filter((name) => name.startsWith('requests '))
      .map((name): [string, number] => [name, (since(name) * 1_000) / (atMs - before.atMs)])
    return { ...Object.fromEntries(rates), ...timesOf([...counts.keys()], since) }
  }
}

/** Between the bounds of a bucket the times are taken to lie evenly. */
function timesOf(names: readonly string[], since: (name: string) => number): Figures {
  const buckets = names
    .filter((name) => name.startsWith('le '))
    .map((name) => ({ boundMs: Number(name.slice(3).replace('+Inf', 'Infinity')) * 1_000, count: since(name) }))
    .sort((a, b) => a.boundMs - b.boundMs)
  const all = buckets.at(-1)?.count ?? 0
  if (all === 0) return {}
  const timeOf = (share: number): number => {
    const at = buckets.findIndex(({ count }) => count >= share * all)
    const { boundMs: lowMs, count: below } = buckets[at - 1] ?? { boundMs: 0, count: 0 }
    const { boundMs: highMs = 0, count = 0 } = buckets[at] ?? {}
    if (!Number.isFinite(highMs) || count === below) return lowMs
    return lowMs + ((share * all - below) / (count - below)) * (highMs - lowMs)
  }
  return Object.fromEntries(PERCENTILES.map((share) => [`took p${share * 100}`, timeOf(share)]))
}
