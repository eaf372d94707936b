/** Prices from their source: what is none is dropped, and a source that goes away is gone back to. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { WebSocketServer } from 'ws'
import { newPriceHealth, runPrices } from '../../../src/processes/ostium/prices.ts'
import type { Tick } from '../../../src/processes/ostium/tick.ts'
import { eventually } from '../../projections/support.ts'

const price = (mid: number, more: object = {}): object => ({
  ...{ feed_id: 'BTC-USD', bid: mid - 1, mid, ask: mid + 1, isMarketOpen: true, isDayTradingClosed: false },
  ...{ secondsToToggleIsDayTradingClosed: 0, from: 'BTC', to: 'USD', timestampSeconds: mid, ...more },
})

const ends: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end()
})

/** Follows the source; `told`: prices and interruptions in their order. */
function follow(url: string, options: { silenceMaxMs?: number } = {}) {
  const told: (number | 'interrupted')[] = []
  const stop = new AbortController()
  const health = newPriceHealth()
  const running = runPrices({
    ...{ url, pollMs: 5, silenceMaxMs: options.silenceMaxMs ?? 5_000, signal: stop.signal, health },
    onTick: ({ mid }: Tick) => void told.push(mid),
    onInterrupted: () => void told.push('interrupted'),
    log: { warn: () => undefined },
    jitter: () => 0.01,
  })
  ends.push(async () => {
    stop.abort()
    await running
  })
  return { told, health }
}

async function streamSource() {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  await once(server, 'listening')
  ends.push(() => {
    for (const client of server.clients) client.terminate()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  const send = (...messages: (object | string)[]) => {
    for (const client of server.clients)
      for (const message of messages) client.send(typeof message === 'string' ? message : JSON.stringify(message))
  }
  return { url: `ws://127.0.0.1:${port}`, server, send, connected: () => once(server, 'connection') }
}

describe('a stream', () => {
  it('is taken tick by tick; what is no tick, crossed or from before is dropped and counted', async () => {
    const source = await streamSource()
    const connected = source.connected()
    const { told, health } = follow(source.url)
    await connected
    source.send(
      price(10),
      'nonsense',
      '{"feed_id":7}',
      price(20, { bid: 22 }),
      price(5),
      [price(30), price(40)],
      price(-1),
    )
    await eventually(() => expect(told).toStrictEqual([10, 30, 40]))
    await eventually(() => expect(health).toStrictEqual({ isUp: true, ticks: 3, dropped: 5 }))
  })

  it('that closes is gone back to, and interrupted once', async () => {
    const source = await streamSource()
    const first = source.connected()
    const { told } = follow(source.url)
    await first
    source.send(price(10))
    await eventually(() => expect(told).toStrictEqual([10]))
    const second = source.connected()
    for (const client of source.server.clients) client.close()
    await second
    const third = source.connected()
    for (const client of source.server.clients) client.terminate()
    await third
    source.send(price(20))
    await eventually(() => expect(told).toStrictEqual([10, 'interrupted', 20]))
  })

  it('that is silent is broken, although it looks open', async () => {
    const source = await streamSource()
    const first = source.connected()
    const { told } = follow(source.url, { silenceMaxMs: 100 })
    await first
    source.send(price(10))
    await source.connected()
    source.send(price(20))
    await eventually(() => expect(told).toStrictEqual([10, 'interrupted', 20]))
  })
})

describe('a list', () => {
  it('is asked for again and again, and survives answers that are none', async () => {
    let answer: (asked: number) => [status: number, text: string] = () => [200, JSON.stringify([price(11), price(12)])]
    let asked = 0
    const server = createServer((_, response) => {
      const [status, text] = answer(asked++)
      response.writeHead(status).end(text)
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    ends.push(() => {
      server.closeAllConnections()
      server.close()
    })
    const { told } = follow(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
    await eventually(() => expect(told.slice(0, 2)).toStrictEqual([11, 12]))
    answer = () => [500, '']
    await eventually(() => expect(told.at(-1)).toBe('interrupted'))
    answer = () => [200, JSON.stringify([price(13)])]
    await eventually(() => expect(told.at(-1)).toBe(13))
    expect(told.filter((each) => each === 'interrupted')).toHaveLength(1)
  })
})
