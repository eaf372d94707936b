/** Streams of 50 frames: what the proxy adds to a whole stream and to its first word, and how many it takes a second. */
import type { SuiteOptions } from '../commands.ts'
import { load, type Measurement, type Round } from '../measure.ts'
import type { Caller } from './caller.ts'
import type { Ground } from './ground.ts'
import { added, inTurn, ratioOf } from './rounds.ts'

const MANY = 16

export async function streams({ ours, direct }: Ground, { seconds, rounds }: SuiteOptions): Promise<Measurement[]> {
  const [alone = [], aloneDirect = []] = await inTurn(
    rounds,
    [ours, direct].map(
      ({ streamed }) =>
        () =>
          load(1, seconds, async () => void (await streamed())),
    ),
  )
  const watched = [watchedOf(ours), watchedOf(direct)] as const
  const [many = [], manyDirect = []] = await inTurn(
    rounds,
    watched.map(
      ({ round }) =>
        () =>
          round(MANY, seconds),
    ),
  )
  const latencies = (of: readonly Round[]) => of.map(({ latenciesMs }) => latenciesMs)
  const [firsts, firstsDirect] = watched.map(({ firsts }) => firsts)
  return [
    added('streams of 50 frames, 1 at once: added p50 ms', latencies(alone), latencies(aloneDirect), 0.5, {
      ...{ atMost: 4, wanted: 2.5 },
    }),
    ratioOf(`streams, ${MANY} at once, against direct ones`, many, manyDirect, { floor: 0.12, goal: 0.2 }),
    added(`first word of a stream, ${MANY} at once: added p50 ms`, firsts ?? [], firstsDirect ?? [], 0.5, {
      ...{ atMost: 5, wanted: 2 },
    }),
  ]
}

/** Rounds that note when each stream's first word was there. */
function watchedOf({ streamed }: Caller) {
  const firsts: number[][] = []
  const round = (concurrency: number, seconds: number): Promise<Round> => {
    const of: number[] = []
    firsts.push(of)
    return load(concurrency, seconds, async () => void of.push(await streamed()))
  }
  return { firsts, round }
}
