/**
 * Where prices come from. The engine asks for the quote of a symbol at a time; a feed may compute it, look it up in
 * recorded ticks or candles, or come from a script (tests). The synthetic feed is a pure function of seed, symbol and time, so
 * that a restarted engine goes on with the very prices it would have had.
 */
import { createHash } from 'node:crypto'
import { decimal } from './money.ts'
import type { SymbolTable, TradedSymbol } from './symbols.ts'

export interface Quote {
  /** What a seller gets. */
  bid: string
  /** What a buyer pays. */
  ask: string
  /** When the price was made, milliseconds since 1970. */
  atMs: number
}

export interface PriceFeed {
  /** The quote in force at a time, or undefined where the feed has none. Must answer at once. */
  quote(symbol: string, atMs: number): Quote | undefined
}

/**
 * Waves of noise that make up a price: each takes a random height at every multiple of its period and runs smoothly
 * between. The weights add up to one, so a price stays within the symbol's range around its centre.
 */
const waves = [
  { periodMs: 6 * 3_600_000, weight: 0.62 },
  { periodMs: 1_800_000, weight: 0.25 },
  { periodMs: 180_000, weight: 0.09 },
  { periodMs: 20_000, weight: 0.03 },
  { periodMs: 2_000, weight: 0.01 },
] as const

/** A whole number spread evenly over 32 bits, from three whole numbers (multiply and xor-shift rounds). */
function scatter(key: number, wave: number, knot: number): number {
  let mixed = (key ^ Math.imul(wave + 1, 0x9e3779b1) ^ Math.imul(knot | 0, 0x85ebca77)) >>> 0
  mixed = (mixed ^ Math.imul(Math.floor(knot / 2 ** 32) | 0, 0xc2b2ae3d)) >>> 0
  for (const factor of [0x7feb352d, 0x846ca68b]) {
    mixed = Math.imul(mixed ^ (mixed >>> 16), factor) >>> 0
    mixed = (mixed ^ (mixed >>> 15)) >>> 0
  }
  return mixed
}

/** Height of one wave at a time, from -1 to 1. Only additions and products: the same bits on every machine. */
function height(key: number, wave: number, periodMs: number, atMs: number): number {
  const knot = Math.floor(atMs / periodMs)
  const along = atMs / periodMs - knot
  const ease = along * along * (3 - 2 * along)
  const here = scatter(key, wave, knot) / 0xffffffff
  const next = scatter(key, wave, knot + 1) / 0xffffffff
  return 2 * (here + (next - here) * ease) - 1
}

interface SyntheticSymbol {
  key: number
  entry: TradedSymbol
  centreTicks: number
}

function prepare(seed: string, entry: TradedSymbol): SyntheticSymbol {
  const key = createHash('sha256').update(`${seed}\n${entry.symbol}`).digest().readUInt32BE(0)
  return { key, entry, centreTicks: decimal(entry.synthetic.centre).div(entry.tickSize).round().toNumber() }
}

/**
 * A feed made of deterministic noise. Prices change every `slotMs`, for all symbols of the table.
 */
export function syntheticFeed(options: { seed: string; symbols: SymbolTable; slotMs?: number }): PriceFeed {
  const slotMs = options.slotMs ?? 250
  const prepared = new Map([...options.symbols.values()].map((entry) => [entry.symbol, prepare(options.seed, entry)]))
  const latest = new Map<string, Quote>()

  return {
    quote(symbol, atMs) {
      const found = prepared.get(symbol)
      if (found === undefined) return undefined
      const slotAtMs = Math.floor(atMs / slotMs) * slotMs
      const known = latest.get(symbol)
      if (known?.atMs === slotAtMs) return known
      const { key, entry, centreTicks } = found
      const sum = waves.reduce((total, wave, at) => total + wave.weight * height(key, at, wave.periodMs, slotAtMs), 0)
      const middleTicks = Math.round(centreTicks * (1 + entry.synthetic.range * sum))
      const text = (ticks: number) => decimal(entry.tickSize).times(ticks).toFixed(entry.priceDigits)
      const quote = {
        bid: text(middleTicks - entry.synthetic.halfSpreadTicks),
        ask: text(middleTicks + entry.synthetic.halfSpreadTicks),
        atMs: slotAtMs,
      }
      latest.set(symbol, quote)
      return quote
    },
  }
}

export interface ManualFeed extends PriceFeed {
  /** Sets a symbol's quote from now on. */
  set(symbol: string, bid: string, ask: string): void
  /** Takes a symbol's quote away. */
  remove(symbol: string): void
}

/** A feed that returns the last price it was given: scripted scenarios. */
export function manualFeed(initial: Readonly<Record<string, readonly [bid: string, ask: string]>> = {}): ManualFeed {
  const quotes = new Map(Object.entries(initial))
  return {
    quote(symbol, atMs) {
      const quote = quotes.get(symbol)
      return quote === undefined ? undefined : { bid: quote[0], ask: quote[1], atMs }
    },
    set(symbol, bid, ask) {
      quotes.set(symbol, [bid, ask])
    },
    remove(symbol) {
      quotes.delete(symbol)
    },
  }
}
