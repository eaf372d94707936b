/** Whole answers: what the proxy adds to one call, and how many it takes a second. */
import type { SuiteOptions } from '../commands.ts'
import { load, type Measurement, pace } from '../measure.ts'
import type { Ground } from './ground.ts'
import { added, inTurn, quantileOf, ratioOf } from './rounds.ts'

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

export async function throughput({ instance, ours, direct, portkey }: Ground, { seconds, rounds }: SuiteOptions) {
  const all: Measurement[] = []
  for (const { concurrency, ...bounds } of THROUGHPUT) {
    const taken: number[] = []
    const measured = async () => {
      const before = instance.processorMs()
      const round = await load(concurrency, seconds, ours.whole)
      taken.push((instance.processorMs() - before) / round.latenciesMs.length)
      return round
    }
    const others = [direct, portkey].map(
      ({ whole }) =>
        () =>
          load(concurrency, seconds, whole),
    )
    const [through = [], straight = [], gateway = []] = await inTurn(rounds, [measured, ...others])
    const name = `whole answers, ${concurrency} at once`
    all.push(ratioOf(`${name}, against Portkey's gateway`, through, gateway, bounds.portkey))
    all.push(ratioOf(`${name}, against direct calls`, through, straight, bounds.direct))
    // Says something on a busy machine too, where rates do not.
    const [median, minimum, maximum] = [0.5, 0, 1].map((share) => quantileOf(taken, share)) as [number, number, number]
    all.push({ name: `${name}: ms of a processor a call, API`, ours: { median, minimum, maximum } })
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
