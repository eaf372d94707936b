/** Whole answers: what the proxy adds to one call, and how many it takes a second. */
import type { SuiteOptions } from '../commands.ts'
import { load, type Measurement, pace } from '../measure.ts'
import type { Ground } from './ground.ts'
import { added, inTurn, ratioOf } from './rounds.ts'

const latencies = (rounds: readonly { latenciesMs: number[] }[]) => rounds.map(({ latenciesMs }) => latenciesMs)

export async function singleCalls({ ours, direct }: Ground, { seconds, rounds }: SuiteOptions): Promise<Measurement[]> {
  const sides = [ours, direct].map(
    ({ whole }) =>
      () =>
        load(1, seconds, whole),
  )
  const [through = [], straight = []] = await inTurn(rounds, sides)
  const bounds = { atMost: 2.5, wanted: 1.5 }
  return [added('whole answers, 1 at once: added p50 ms', latencies(through), latencies(straight), 0.5, bounds)]
}

const THROUGHPUT = [
  { concurrency: 16, portkey: { floor: 1.5, goal: 2.2 }, direct: { floor: 0.05, goal: 0.08 } },
  { concurrency: 64, portkey: { floor: 2, goal: 3.2 }, direct: { floor: 0.09, goal: 0.14 } },
]

export async function throughput({ ours, direct, portkey }: Ground, { seconds, rounds }: SuiteOptions) {
  const all: Measurement[] = []
  for (const { concurrency, ...bounds } of THROUGHPUT) {
    const sides = [ours, direct, portkey].map(
      ({ whole }) =>
        () =>
          load(concurrency, seconds, whole),
    )
    const [through = [], straight = [], others = []] = await inTurn(rounds, sides)
    const name = `whole answers, ${concurrency} at once, against`
    all.push(ratioOf(`${name} Portkey's gateway`, through, others, bounds.portkey))
    all.push(ratioOf(`${name} direct calls`, through, straight, bounds.direct))
  }
  return all
}

const PACED_PER_SECOND = 200

export async function pacedCalls({ ours, direct }: Ground, { seconds, rounds }: SuiteOptions): Promise<Measurement[]> {
  const sides = [ours, direct].map(
    ({ whole }) =>
      () =>
        pace(PACED_PER_SECOND, seconds, whole),
  )
  const [through = [], straight = []] = await inTurn(rounds, sides)
  const name = `whole answers, ${PACED_PER_SECOND} a second: added p95 ms`
  return [added(name, latencies(through), latencies(straight), 0.95, { atMost: 8, wanted: 3 })]
}
