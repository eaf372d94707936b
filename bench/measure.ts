/**
 * How every suite measures: ours and its reference in turn (A B A B …), several rounds, so that a machine that slows down
 * slows both; the medians' ratio is what counts, absolute figures say little on shared machines.
 */

import { setTimeout as delay } from 'node:timers/promises'

/** One round of one side. */
export type Round = { perSecond: number; latenciesMs: number[] }

/** Per second: median, least and most of the rounds; and latencies in milliseconds over all of them. */
export type Figures = { median: number; minimum: number; maximum: number; p50Ms?: number; p99Ms?: number }

export type Measurement = {
  name: string
  ours: Figures
  /** Absent where a suite has only bounds of its own. */
  reference?: Figures
  ratio?: number
} & Bounds

/** What the ratio is to be at least, what we want of it, and what would be a marvel. */
export type Bounds = { floor?: number; goal?: number; moonshot?: number }

/** The highest of its bounds that a ratio keeps; undefined where it has none. */
export function standingOf({ ratio, floor, goal, moonshot }: Measurement): 'missed' | keyof Bounds | undefined {
  if (ratio === undefined || (floor ?? goal ?? moonshot) === undefined) return undefined
  if (moonshot !== undefined && ratio >= moonshot) return 'moonshot'
  if (goal !== undefined && ratio >= goal) return 'goal'
  return floor === undefined || ratio >= floor ? 'floor' : 'missed'
}

const quantile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0

export const medianOf = (values: readonly number[]): number =>
  quantile(
    values.toSorted((left, right) => left - right),
    0.5,
  )

export function figuresOf(rounds: readonly Round[]): Figures {
  const perSecond = rounds.map((round) => round.perSecond).sort((left, right) => left - right)
  const latencies = rounds.flatMap((round) => round.latenciesMs).sort((left, right) => left - right)
  const figures = { median: quantile(perSecond, 0.5), minimum: perSecond[0] ?? 0, maximum: perSecond.at(-1) ?? 0 }
  if (latencies.length === 0) return figures
  return { ...figures, p50Ms: quantile(latencies, 0.5), p99Ms: quantile(latencies, 0.99) }
}

/** Seconds for which each side runs before it is measured: by then its code is compiled, ours being a good deal more. */
export const WARM_UP_S = 4

/** Keeps `concurrency` pieces of work under way for so many seconds. A piece that fails ends the measurement. */
export async function load(
  concurrency: number,
  seconds: number,
  work: (worker: number, turn: number) => Promise<void>,
): Promise<Round> {
  const latenciesMs: number[] = []
  const startedMs = performance.now()
  const endsMs = startedMs + seconds * 1_000
  const worker = async (_: unknown, index: number) => {
    for (let turn = 0; performance.now() < endsMs; turn++) {
      const sentMs = performance.now()
      await work(index, turn)
      latenciesMs.push(performance.now() - sentMs)
    }
  }
  await Promise.all(Array.from({ length: concurrency }, worker))
  return { perSecond: latenciesMs.length / ((performance.now() - startedMs) / 1_000), latenciesMs }
}

/**
 * Starts so many pieces of work a second, evenly, whether or not earlier ones are done: what users do. Latencies count
 * from the moment at which a piece was due, so that a side that falls behind cannot hide it. A piece that fails ends it.
 */
export async function pace(perSecond: number, seconds: number, work: (turn: number) => Promise<void>): Promise<Round> {
  const latenciesMs: number[] = []
  const startedMs = performance.now()
  const underWay: Promise<void>[] = []
  for (let turn = 0; turn < perSecond * seconds; turn++) {
    const dueMs = startedMs + (turn / perSecond) * 1_000
    const earlyMs = dueMs - performance.now()
    if (earlyMs > 0) await delay(earlyMs)
    underWay.push(work(turn).then(() => void latenciesMs.push(performance.now() - dueMs)))
  }
  await Promise.all(underWay)
  return { perSecond: latenciesMs.length / ((performance.now() - startedMs) / 1_000), latenciesMs }
}

/**
 * Two of ours that are up at once, in turn and each first in every other round. The ratio is the median of the rounds' own: what
 * else the machine does changes from round to round, and hardly within one.
 */
export async function compareInPairs(
  name: string,
  rounds: number,
  ours: () => Promise<Round>,
  reference: () => Promise<Round>,
  bounds: Bounds = {},
): Promise<Measurement> {
  const measured: { ours: Round[]; reference: Round[] } = { ours: [], reference: [] }
  const ratios: number[] = []
  for (let round = 0; round < rounds; round++) {
    const isFirst = round % 2 === 0
    const early = isFirst ? await ours() : await reference()
    const late = isFirst ? await reference() : await ours()
    const [own, other] = isFirst ? [early, late] : [late, early]
    measured.ours.push(own)
    measured.reference.push(other)
    ratios.push(own.perSecond / other.perSecond)
  }
  const figures = { ours: figuresOf(measured.ours), reference: figuresOf(measured.reference) }
  return {
    name,
    ...figures,
    ratio: medianOf(ratios),
    ...bounds,
  }
}

/** Both sides in turn. */
export async function compare(
  name: string,
  rounds: number,
  ours: () => Promise<Round>,
  reference: () => Promise<Round>,
  bounds: Bounds = {},
): Promise<Measurement> {
  const measured: { ours: Round[]; reference: Round[] } = { ours: [], reference: [] }
  for (let round = 0; round < rounds; round++) {
    measured.ours.push(await ours())
    measured.reference.push(await reference())
  }
  const figures = { ours: figuresOf(measured.ours), reference: figuresOf(measured.reference) }
  return { name, ...figures, ratio: figures.ours.median / figures.reference.median, ...bounds }
}

/** A figure that is to stay below a bound, as a ratio like the others: above 1 it holds, and `wanted` and `best` are what is beyond. */
export function within(
  name: string,
  ours: Figures,
  { measured, atMost, wanted = atMost, best }: { measured: number; atMost: number; wanted?: number; best?: number },
): Measurement {
  const bounds = { floor: 1, goal: atMost / wanted, ...(best !== undefined && { moonshot: atMost / best }) }
  return { name: `${name} (at most ${atMost})`, ours, ratio: atMost / measured, ...bounds }
}

/** So many pieces of work, some at once. */
export async function timed(atOnce: number, works: readonly (() => Promise<unknown>)[]): Promise<Round> {
  const latenciesMs: number[] = []
  const rest = works.values()
  const startedMs = performance.now()
  const worker = async () => {
    for (const work of rest) {
      const sentMs = performance.now()
      await work()
      latenciesMs.push(performance.now() - sentMs)
    }
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
  return { perSecond: works.length / ((performance.now() - startedMs) / 1_000), latenciesMs }
}
