import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { manualFeed, syntheticFeed } from '../../src/engine/feed.ts'
import { decimal } from '../../src/engine/money.ts'
import { referenceSymbols } from '../../src/engine/symbols.ts'

const symbols = referenceSymbols
const names = [...symbols.keys()]
const times = fc.integer({ min: Date.parse('2020-01-01T00:00:00Z'), max: Date.parse('2040-01-01T00:00:00Z') })

describe('the synthetic feed', () => {
  test('gives the same prices for the same seed, symbol and time, in any order and any process', () => {
    const asked = syntheticFeed({ seed: 'one', symbols })
    fc.assert(
      fc.property(fc.constantFrom(...names), times, (symbol, atMs) => {
        const other = syntheticFeed({ seed: 'one', symbols })
        expect(asked.quote(symbol, atMs)).toEqual(other.quote(symbol, atMs))
      }),
    )
  })

  test('keeps to known prices, so that a new version does not shift running markets', () => {
    const feed = syntheticFeed({ seed: 'opslog', symbols })
    const at = Date.parse('2026-03-02T10:00:00.100Z')
    expect(['EURUSD', 'USDJPY', 'BTCUSD'].map((symbol) => feed.quote(symbol, at))).toMatchInlineSnapshot(`
      [
        {
          "ask": "1.08976",
          "atMs": 1772445600000,
          "bid": "1.08968",
        },
        {
          "ask": "151.094",
          "atMs": 1772445600000,
          "bid": "151.086",
        },
        {
          "ask": "64454.36",
          "atMs": 1772445600000,
          "bid": "64444.36",
        },
      ]
    `)
  })

  test('another seed gives other prices', () => {
    const [one, two] = ['one', 'two'].map((seed) => syntheticFeed({ seed, symbols }))
    const series = (feed = one) => Array.from({ length: 50 }, (_, at) => feed?.quote('EURUSD', at * 60_000)?.bid)
    expect(series(one)).not.toEqual(series(two))
  })

  test('bid is below ask, both are whole ticks, within the range of the symbol', () => {
    const feed = syntheticFeed({ seed: 'ranges', symbols })
    fc.assert(
      fc.property(fc.constantFrom(...names), times, (symbol, atMs) => {
        const entry = symbols.get(symbol)!
        const quote = feed.quote(symbol, atMs)!
        expect(decimal(quote.bid).lt(quote.ask)).toBe(true)
        for (const price of [quote.bid, quote.ask]) {
          expect(decimal(price).mod(entry.tickSize).isZero()).toBe(true)
          const deviation = decimal(price).div(entry.synthetic.centre).minus(1).abs()
          expect(deviation.lte(entry.synthetic.range + 0.001)).toBe(true)
        }
      }),
    )
  })

  test('moves in small steps and does move', () => {
    const feed = syntheticFeed({ seed: 'steps', symbols })
    const start = Date.parse('2026-03-02T10:00:00Z')
    const bids = Array.from({ length: 4_000 }, (_, at) => Number(feed.quote('EURUSD', start + at * 250)!.bid))
    const steps = bids.slice(1).map((bid, at) => Math.abs(bid - bids[at]!))
    expect(Math.max(...steps)).toBeLessThan(0.0005)
    expect(new Set(bids).size).toBeGreaterThan(100)
  })

  test('holds its price within a slot and has none for unknown symbols', () => {
    const feed = syntheticFeed({ seed: 'slots', symbols, slotMs: 1_000 })
    expect(feed.quote('XAUUSD', 5_001)).toEqual(feed.quote('XAUUSD', 5_999))
    expect(feed.quote('XAUUSD', 5_001)?.atMs).toBe(5_000)
    expect(feed.quote('ACME', 5_001)).toBeUndefined()
  })
})

test('a manual feed says what it was told last', () => {
  const feed = manualFeed({ EURUSD: ['1.1', '1.2'] })
  feed.set('EURUSD', '1.3', '1.4')
  expect(feed.quote('EURUSD', 7)).toEqual({ bid: '1.3', ask: '1.4', atMs: 7 })
  feed.remove('EURUSD')
  expect(feed.quote('EURUSD', 8)).toBeUndefined()
})
