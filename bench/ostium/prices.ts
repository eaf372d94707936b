/** Prices to a thousand sockets: how many, how soon, and what the sockets cost. */
import type { SuiteOptions } from '../commands.ts'
import { compare, figuresOf, type Measurement, type Round, within } from '../measure.ts'
import { type OstiumGround, SOCKETS } from './ground.ts'
import type { Side } from './listeners.ts'

const streamOf = ({ instance }: OstiumGround) => `${instance.url.replace('http', 'ws')}/ostium/v1/market/stream`

/** So few that no socket has more waiting than it may. */
const BURST_TICKS = 200

export async function pricesAtOnce(ground: OstiumGround, { seconds, rounds }: SuiteOptions): Promise<Measurement[]> {
  const { listeners, reference } = ground
  const urls: Record<Side, string> = { ours: streamOf(ground), reference: reference.replace('http', 'ws') }
  const round = async (side: Side): Promise<Round> => {
    await listeners.order({ kind: 'open', url: urls[side], count: SOCKETS })
    await listeners.order({ kind: 'burst', to: side, ticks: BURST_TICKS })
    let [tookMs, bursts] = [0, 0]
    for (; tookMs < seconds * 1_000; bursts++) {
      tookMs += (await listeners.order({ kind: 'burst', to: side, ticks: BURST_TICKS })).tookMs
    }
    await listeners.order({ kind: 'close' })
    return { perSecond: (bursts * BURST_TICKS * SOCKETS) / (tookMs / 1_000), latenciesMs: [] }
  }
  const name = `prices to ${SOCKETS} sockets, against a bare loop`
  const bounds = { floor: 0.8, goal: 0.95 }
  return [
    await compare(
      name,
      rounds,
      () => round('ours'),
      () => round('reference'),
      bounds,
    ),
  ]
}

const TICKS_PER_SECOND = 40

export async function pricesInTime(ground: OstiumGround, { seconds, rounds }: SuiteOptions): Promise<Measurement[]> {
  const { listeners } = ground
  await listeners.order({ kind: 'open', url: streamOf(ground), count: SOCKETS })
  const heard: Round[] = []
  for (let n = 0; n < rounds; n++) {
    const ticks = TICKS_PER_SECOND * seconds
    const { tookMs, latenciesMs } = await listeners.order({
      kind: 'pace',
      to: 'ours',
      perSecond: TICKS_PER_SECOND,
      ticks,
    })
    heard.push({ perSecond: ticks / (tookMs / 1_000), latenciesMs })
  }
  await listeners.order({ kind: 'close' })
  const figures = figuresOf(heard)
  const bounds = { measured: figures.p99Ms ?? 0, atMost: 50, wanted: 25 }
  return [within(`a price until the last of ${SOCKETS} sockets has it, p99 ms`, figures, bounds)]
}

export async function memoryOfSockets(ground: OstiumGround, { seconds }: SuiteOptions): Promise<Measurement[]> {
  const { instance, listeners } = ground
  const url = streamOf(ground)
  const pacing = { kind: 'pace', to: 'ours', perSecond: TICKS_PER_SECOND, ticks: TICKS_PER_SECOND * seconds } as const
  // The way is warm before anything is compared.
  await listeners.order({ kind: 'open', url, count: 1 })
  await listeners.order(pacing)
  const before = instance.residentMiB()
  await listeners.order({ kind: 'open', url, count: SOCKETS })
  await listeners.order(pacing)
  const more = instance.residentMiB() - before
  await listeners.order({ kind: 'close' })
  const figures = { median: more, minimum: more, maximum: more }
  const bounds = { measured: Math.max(more, 1), atMost: 80, wanted: 50 }
  return [within(`resident memory of ${SOCKETS} sockets, MiB`, figures, bounds)]
}
