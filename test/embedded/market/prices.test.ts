import { once } from 'node:events'
import { describe, expect, it, vi } from 'vitest'
import { WebSocket } from 'ws'
import { marketPairs } from '../../../src/embedded/market/pairs.ts'
import { servePrices } from '../../../src/embedded/market/price-server.ts'
import { startLocalPrices, type Tick } from '../../../src/embedded/market/prices.ts'

const nowMs = () => 1_700_000_000_500
const still = (seed = 1) => startLocalPrices({ seed, ticksPerSecond: 0, nowMs })
const walked = (prices: ReturnType<typeof still>, ticks: number): Tick[] => {
  const seen: Tick[] = []
  const end = prices.subscribe((tick) => seen.push(tick))
  for (let at = 0; at < ticks; at++) prices.advance()
  end()
  return seen
}

describe('the local prices', () => {
  it('begin where they are known to, with everything that a tick has', () => {
    const [bitcoin] = still().latest()
    expect(bitcoin).toEqual({
      ...{ feed_id: 'BTC-USD', bid: 42_997.42, mid: 43_000, ask: 43_002.58, from: 'BTC', to: 'USD' },
      ...{ isMarketOpen: true, isDayTradingClosed: false, secondsToToggleIsDayTradingClosed: 6_400 },
      timestampSeconds: 1_700_000_000,
    })
  })

  it('are the same for the same seed, and others for another', () => {
    const ticks = walked(still(), 500)
    expect(walked(still(), 500)).toEqual(ticks)
    expect(walked(still(2), 500)).not.toEqual(ticks)
  })

  it('move each pair in turn, by little, and stay in sight of where they began', () => {
    const ticks = walked(still(), 110_000)
    const bitcoins = ticks.filter(({ feed_id }) => feed_id === 'BTC-USD').map(({ mid }) => mid)
    expect(bitcoins).toHaveLength(10_000)
    const moves = bitcoins.slice(1).map((mid, at) => Math.abs(mid / bitcoins[at]! - 1))
    expect(Math.max(...moves)).toBeLessThan(0.0005)
    expect(Math.min(...bitcoins) / 43_000).toBeGreaterThan(0.9)
    expect(Math.max(...bitcoins) / 43_000).toBeLessThan(1.1)
    expect(new Set(bitcoins).size).toBeGreaterThan(1_000)
  })

  it('lie between bid and ask, and have 18 decimals for the chain', () => {
    const prices = still()
    for (const { bid, mid, ask } of walked(prices, 2_000)) expect(bid < mid && mid < ask).toBe(true)
    const [, ether, euro] = prices.latest()
    const text = (pair: number) => `${prices.priceOf(pair)}`
    expect(text(1)).toBe(`${Math.round(ether!.mid * 100)}${'0'.repeat(16)}`)
    expect(text(2)).toBe(`${Math.round(euro!.mid * 100_000)}${'0'.repeat(13)}`)
  })

  it('leave one pair out, which is listed', () => {
    expect(marketPairs.map(({ index }) => index)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11])
    const prices = still()
    expect([prices.priceOf(11), prices.priceOf(12), prices.latest().length]).toEqual([undefined, undefined, 11])
  })

  it('come four times a second for each pair', async () => {
    const prices = startLocalPrices()
    const seen = await new Promise<Tick[]>((resolve) => {
      const ticks: Tick[] = []
      prices.subscribe((tick) => ticks.push(tick) === 22 && resolve(ticks))
    })
    prices.close()
    expect(new Set(seen.map(({ feed_id }) => feed_id)).size).toBe(11)
  })
})

describe('their socket', () => {
  it('is open to the own user, and to no other one of this machine where the kernel tells', async () => {
    const prices = still()
    const server = await servePrices(prices)
    const own = new WebSocket(server.url)
    expect(JSON.parse(String((await once(own, 'message'))[0]))).toMatchObject({ feed_id: 'BTC-USD' })
    const { getuid } = process
    // It is another one's as soon as this process is.
    const other = vi.spyOn(process, 'getuid').mockImplementation(() => (getuid?.() ?? 0) + 1)
    const foreign = new WebSocket(server.url)
    const answer = await once(foreign, 'open').then(() => 'open', String)
    other.mockRestore()
    foreign.terminate()
    own.terminate()
    await server.close()
    prices.close()
    expect(answer).toBe(process.platform === 'linux' ? 'Error: Unexpected server response: 401' : 'open')
  })
})
