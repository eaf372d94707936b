import { describe, expect, test } from 'vitest'
import { InvalidFeed, intervalOf, parseFeed, readCheckedFeed, spanOf } from '../../../src/engine/replay/feed-file.ts'
import { referenceSymbols } from '../../../src/engine/symbols.ts'

const symbol = referenceSymbols.get('EURUSD')!
const bytes = (...lines: string[]) => new TextEncoder().encode(lines.join('\n'))
const candles = { kind: 'candles', symbol } as const
const ticks = { kind: 'ticks', symbol } as const
const head = 'time,open,high,low,close'
const first = '2026-01-05T00:00:00Z,1.10000,1.10010,1.09990,1.10005'

function faultsOf(work: () => unknown): readonly { line: number; fault: string }[] {
  try {
    work()
  } catch (error) {
    if (error instanceof InvalidFeed) return error.faults
    throw error
  }
  return []
}

describe('a feed of candles', () => {
  test('is read with its times in either form, a volume or none, and any line ends', () => {
    const second = '1767571260000,1.10005,1.10020,1.10000,1.10015,12'
    const text = `﻿${head},volume\r\n${first},3\r\n${second}\r\n`
    const feed = parseFeed(new TextEncoder().encode(text), candles)
    expect(feed.rows).toStrictEqual([
      { atMs: Date.UTC(2026, 0, 5), open: '1.10000', high: '1.10010', low: '1.09990', close: '1.10005' },
      { atMs: Date.UTC(2026, 0, 5, 0, 1), open: '1.10005', high: '1.10020', low: '1.10000', close: '1.10015' },
    ])
    expect(spanOf(feed)).toStrictEqual({ startsAtMs: Date.UTC(2026, 0, 5), endsAtMs: Date.UTC(2026, 0, 5, 0, 2) })
    expect(readCheckedFeed(new TextEncoder().encode(text), 'candles')).toStrictEqual(feed)
  })

  test.each([
    ['no header', bytes(first), 1, 'the columns of candles are'],
    ['no rows', bytes(head), 1, 'there are no rows'],
    ['a field too few', bytes(head, '2026-01-05T00:00:00Z,1,1,1'), 2, 'has 4 fields instead of 5'],
    ['a time that is none', bytes(head, '5 January,1,1,1,1'), 2, 'the time is neither'],
    ['a time that comes again', bytes(head, first, first), 3, 'not after that of the row before'],
    ['a price that is none', bytes(head, '2026-01-05T00:00:00Z,1e3,1,1,1'), 2, 'open is not a positive decimal'],
    ['a price of zero', bytes(head, '2026-01-05T00:00:00Z,1,1,0.00,1'), 2, 'low is not a positive decimal'],
    ['a negative price', bytes(head, '2026-01-05T00:00:00Z,1,1,-1,1'), 2, 'low is not a positive decimal'],
    [
      'a price between ticks',
      bytes(head, '2026-01-05T00:00:00Z,1,1,1,1.000001'),
      2,
      'close is not a multiple of 0.00001',
    ],
    ['a close beyond the high', bytes(head, '2026-01-05T00:00:00Z,1,1.1,1,1.2'), 2, 'between low and high'],
    ['a low above the high', bytes(head, '2026-01-05T00:00:00Z,1,0.9,1.1,1'), 2, 'between low and high'],
    ['an empty line within', bytes(head, first, '', first), 3, 'has 1 fields instead of 5'],
    ['bytes that are not UTF-8', new Uint8Array([0xff, 0xfe, 0x00]), 1, 'not UTF-8'],
  ])('with %s is refused with the line that is at fault', (_case, content, line, fault) => {
    const [found] = faultsOf(() => parseFeed(content, candles))
    expect(found?.line).toBe(line)
    expect(found?.fault).toContain(fault)
  })

  test('names every bad line, up to a number of them', () => {
    const rows = Array.from({ length: 30 }, () => 'x,1,1,1,1')
    expect(faultsOf(() => parseFeed(bytes(head, ...rows), candles)).map(({ line }) => line)).toStrictEqual(
      Array.from({ length: 20 }, (_, at) => at + 2),
    )
  })

  test('with more rows than there may be is refused', () => {
    const [found] = faultsOf(() => parseFeed(bytes(head, first, first, first), candles, { rowsMax: 2, faultsMax: 20 }))
    expect(found).toStrictEqual({ line: 4, fault: 'a feed has at most 2 rows' })
  })
})

describe('a feed of ticks', () => {
  test('is read, and lasts a millisecond longer than its last tick', () => {
    const feed = parseFeed(bytes('time,bid,ask', '2026-01-05T00:00:00.250Z,1.1,1.1001', '1767571201000,1.2,1.2'), ticks)
    expect(feed.rows).toStrictEqual([
      { atMs: Date.UTC(2026, 0, 5, 0, 0, 0, 250), bid: '1.1', ask: '1.1001' },
      { atMs: Date.UTC(2026, 0, 5, 0, 0, 1), bid: '1.2', ask: '1.2' },
    ])
    expect(spanOf(feed).endsAtMs).toBe(Date.UTC(2026, 0, 5, 0, 0, 1, 1))
  })

  test('with an ask below the bid is refused', () => {
    const [found] = faultsOf(() => parseFeed(bytes('time,bid,ask', '2026-01-05T00:00:00Z,1.1,1.0'), ticks))
    expect(found).toStrictEqual({ line: 2, fault: 'the ask is below the bid' })
  })
})

test('the length of a candle is the least distance of two rows', () => {
  expect(intervalOf([{ atMs: 0 }, { atMs: 300 }, { atMs: 360 }, { atMs: 1_000 }])).toBe(60)
  expect(intervalOf([{ atMs: 5 }])).toBe(60_000)
})
