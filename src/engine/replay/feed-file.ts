/**
 * Historical feeds as CSV files. Candles have the columns `time,open,high,low,close` (a `volume` may follow), ticks
 * `time,bid,ask`; the first line names them. Times are RFC 3339, or milliseconds since 1970, and ascend; a candle's time
 * is its start and its prices are bids. A file is kept under the SHA-256 of its bytes and never changes after that.
 */
import { createHash } from 'node:crypto'
import { timeMs } from '../../runtime/rfc3339.ts'
import { Decimal } from '../money.ts'
import type { TradedSymbol } from '../symbols.ts'

export type FeedKind = 'candles' | 'ticks'

export interface Candle {
  atMs: number
  open: string
  high: string
  low: string
  close: string
}

export interface Tick {
  atMs: number
  bid: string
  ask: string
}

export type Feed = { kind: 'candles'; rows: Candle[] } | { kind: 'ticks'; rows: Tick[] }

export interface FeedFault {
  /** From 1, as an editor counts. */
  line: number
  fault: string
}

/** The file is not a feed; names the faulty lines, at most `faultsMax` of them. */
export class InvalidFeed extends Error {
  override name = 'InvalidFeed'
  readonly faults: readonly FeedFault[]
  constructor(faults: readonly FeedFault[]) {
    super(faults.map(({ line, fault }) => `line ${line}: ${fault}`).join('\n'))
    this.faults = faults
  }
}

const columnsOf = {
  candles: ['time', 'open', 'high', 'low', 'close'],
  ticks: ['time', 'bid', 'ask'],
} as const

export const defaultFeedLimits = { rowsMax: 2_000_000, faultsMax: 20 }

/** The name of a feed's file. */
export const contentHashOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

/**
 * Reads a feed and checks every row.
 * @throws InvalidFeed with the lines that are wrong.
 */
export function parseFeed(
  bytes: Uint8Array,
  expected: { kind: FeedKind; symbol: TradedSymbol },
  limits = defaultFeedLimits,
): Feed {
  const lines = linesOf(bytes)
  const faults: FeedFault[] = []
  const header = (lines[0] ?? '').split(',').map((name) => name.trim().toLowerCase())
  const columns = columnsOf[expected.kind]
  const optional = expected.kind === 'candles' && header.length === columns.length + 1 && header.at(-1) === 'volume'
  if (!columns.every((name, at) => header[at] === name) || (header.length !== columns.length && !optional)) {
    throw new InvalidFeed([{ line: 1, fault: `the columns of ${expected.kind} are ${columns.join(',')}` }])
  }
  if (lines.length === 1) throw new InvalidFeed([{ line: 1, fault: 'there are no rows' }])
  if (lines.length - 1 > limits.rowsMax) {
    throw new InvalidFeed([{ line: limits.rowsMax + 2, fault: `a feed has at most ${limits.rowsMax} rows` }])
  }
  const rows: (Candle | Tick)[] = []
  for (let at = 1; at < lines.length && faults.length < limits.faultsMax; at++) {
    const read = rowOf(lines[at] ?? '', header.length, expected, rows.at(-1)?.atMs)
    if (typeof read === 'string') faults.push({ line: at + 1, fault: read })
    else rows.push(read)
  }
  if (faults.length > 0) throw new InvalidFeed(faults)
  return { kind: expected.kind, rows } as Feed
}

/** Reads a feed that was checked when it was imported; its bytes are known by their hash to be the same. */
export function readCheckedFeed(bytes: Uint8Array, kind: FeedKind): Feed {
  const rows = linesOf(bytes)
    .slice(1)
    .map((line) => fieldsOf(line, kind))
  return { kind, rows } as Feed
}

function linesOf(bytes: Uint8Array): string[] {
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (error) {
    if (error instanceof TypeError) throw new InvalidFeed([{ line: 1, fault: 'the file is not UTF-8' }])
    throw error
  }
  const lines = text.split(/\r?\n/)
  if (lines.at(-1) === '') lines.pop()
  return lines
}

function fieldsOf(line: string, kind: FeedKind): Candle | Tick {
  const [time = '', first = '', second = '', third = '', fourth = ''] = line.split(',').map((field) => field.trim())
  const atMs = timeOf(time)
  return kind === 'candles'
    ? { atMs, open: first, high: second, low: third, close: fourth }
    : { atMs, bid: first, ask: second }
}

/** The row, or what is wrong with it. */
function rowOf(
  line: string,
  width: number,
  { kind, symbol }: { kind: FeedKind; symbol: TradedSymbol },
  previousMs: number | undefined,
): Candle | Tick | string {
  if (line.split(',').length !== width) return `has ${line.split(',').length} fields instead of ${width}`
  const row = fieldsOf(line, kind)
  if (Number.isNaN(row.atMs)) return 'the time is neither RFC 3339 nor milliseconds since 1970'
  if (previousMs !== undefined && row.atMs <= previousMs) return 'the time is not after that of the row before'
  const { atMs: _, ...prices } = row
  for (const [name, price] of Object.entries(prices) as [string, string][]) {
    if (!/^\d{1,12}(\.\d{1,12})?$/.test(price) || !/[1-9]/.test(price)) return `${name} is not a positive decimal`
    if (!new Decimal(price).mod(symbol.tickSize).isZero()) return `${name} is not a multiple of ${symbol.tickSize}`
  }
  return rangeFault(row)
}

function rangeFault(row: Candle | Tick): Candle | Tick | string {
  if ('bid' in row) return new Decimal(row.ask).lt(row.bid) ? 'the ask is below the bid' : row
  const high = new Decimal(row.high)
  const low = new Decimal(row.low)
  const inside = [row.open, row.close].every((price) => high.gte(price) && low.lte(price))
  return inside && high.gte(low) ? row : 'open and close are to lie between low and high'
}

/** Milliseconds since 1970; NaN where the text is not a time. */
function timeOf(text: string): number {
  return /^\d{11,14}$/.test(text) ? Number(text) : timeMs(text)
}

/** The least distance of two rows: the length of a candle. One minute where there is a single row. */
export function intervalOf(rows: readonly { atMs: number }[]): number {
  let least = Number.POSITIVE_INFINITY
  for (let at = 1; at < rows.length; at++) least = Math.min(least, rows[at]!.atMs - rows[at - 1]!.atMs)
  return Number.isFinite(least) ? least : 60_000
}

/** From the first row's time to where the last row's ends, as milliseconds. A tick lasts a millisecond. */
export function spanOf(feed: Feed): { startsAtMs: number; endsAtMs: number } {
  const startsAtMs = feed.rows[0]?.atMs ?? 0
  const lastMs = feed.rows.at(-1)?.atMs ?? 0
  return { startsAtMs, endsAtMs: lastMs + (feed.kind === 'candles' ? intervalOf(feed.rows) : 1) }
}
