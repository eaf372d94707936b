/**
 * Prices for the local market: a random walk from a seed, so that the same seed gives the same prices tick for tick. Each pair is
 * drawn back towards where it began, lest it wander off over the weeks. Prices are whole numbers of their last decimal inside.
 */
import { feedIdOf, marketPairs, type Pair } from './pairs.ts'

/** As clients of the market stream get it. Prices are JSON numbers with the decimals of their pair. */
export interface Tick {
  feed_id: string
  bid: number
  mid: number
  ask: number
  isMarketOpen: boolean
  isDayTradingClosed: boolean
  secondsToToggleIsDayTradingClosed: number
  from: string
  to: string
  timestampSeconds: number
}

export interface LocalPrices {
  /** The last tick of each pair that has prices. */
  latest(): Tick[]
  /** Price of a pair with 18 decimals; undefined: nobody knows it. */
  priceOf(pairIndex: number): bigint | undefined
  /** One pair moves on, the next one at the next call. */
  advance(): void
  /** The listener gets each tick from now on; what it gives back ends that. */
  subscribe(listener: (tick: Tick) => void): () => void
  close(): void
}

export interface LocalPricesOptions {
  seed?: number
  /** Ticks of each pair in a second. 0: only `advance` moves them. Default 4. */
  ticksPerSecond?: number
  nowMs?: () => number
}

const PRICE_DECIMALS = 18
const SECONDS_PER_DAY = 86_400
/** Of the distance from where it began, taken back at each tick. */
const PULL = 0.0005

interface Walk {
  pair: Pair
  /** In units of the last decimal. */
  start: number
  mid: number
  spread: number
  step: number
  tick: Tick
}

/** Numbers from 0 to 1, 1 excluded: a Weyl sequence whose members are mixed. */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x9e3779b9) >>> 0
    let mixed = Math.imul(state ^ (state >>> 16), 0x85ebca6b)
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
    return ((mixed ^ (mixed >>> 16)) >>> 0) / 2 ** 32
  }
}

export function startLocalPrices(options: LocalPricesOptions = {}): LocalPrices {
  const { seed = 1, ticksPerSecond = 4, nowMs = Date.now } = options
  const random = randomFrom(seed)
  const listeners = new Set<(tick: Tick) => void>()
  const walks = marketPairs.flatMap((pair) => (pair.movesPpm === undefined ? [] : [walkOf(pair, pair.movesPpm, nowMs)]))
  let turn = 0

  function advance(): void {
    const walk = walks[turn++ % walks.length]
    if (!walk) return
    // The sum of a few uniform numbers is near enough to a normal one.
    const drawn = random() + random() + random() - 1.5
    const moved = walk.mid + drawn * 2 * walk.step - (walk.mid - walk.start) * PULL
    walk.mid = Math.max(walk.spread + 1, Math.round(moved))
    walk.tick = tickOf(walk, nowMs())
    for (const listener of listeners) listener(walk.tick)
  }

  const timer = ticksPerSecond === 0 ? undefined : setInterval(advance, 1_000 / (ticksPerSecond * walks.length))
  timer?.unref()
  return {
    latest: () => walks.map(({ tick }) => tick),
    priceOf(pairIndex) {
      const walk = walks.find(({ pair }) => pair.index === pairIndex)
      return walk && BigInt(walk.mid) * 10n ** BigInt(PRICE_DECIMALS - walk.pair.decimals)
    },
    advance,
    subscribe(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    close() {
      clearInterval(timer)
      listeners.clear()
    },
  }
}

function walkOf(pair: Pair, movesPpm: number, nowMs: () => number): Walk {
  const start = Math.round(Number(pair.start) * 10 ** pair.decimals)
  const step = (start * movesPpm) / 1_000_000
  const spread = Math.max(1, Math.round(step))
  const walk = { pair, start, mid: start, spread, step }
  return { ...walk, tick: tickOf(walk, nowMs()) }
}

function tickOf({ pair, mid, spread }: Omit<Walk, 'tick'>, nowMs: number): Tick {
  const timestampSeconds = Math.floor(nowMs / 1_000)
  const { from, to } = pair
  const price = (units: number) => Number((units / 10 ** pair.decimals).toFixed(pair.decimals))
  return {
    feed_id: feedIdOf(pair),
    ...{ bid: price(mid - spread), mid: price(mid), ask: price(mid + spread) },
    ...{ isMarketOpen: true, isDayTradingClosed: false },
    secondsToToggleIsDayTradingClosed: SECONDS_PER_DAY - (timestampSeconds % SECONDS_PER_DAY),
    ...{ from, to, timestampSeconds },
  }
}
