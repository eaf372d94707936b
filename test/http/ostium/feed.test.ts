/** Prices for many clients: who keeps up sees everything, who does not sees the latest, and nobody waits. */
import { describe, expect, it } from 'vitest'
import { createFeed, type FeedLimits } from '../../../src/http/ostium/sockets/feed.ts'
import type { ServerSocket } from '../../../src/http/socket.ts'
import type { Tick } from '../../../src/processes/ostium/tick.ts'

const tickOf = (feed_id: string, mid: number): Tick => ({
  ...{ feed_id, bid: mid - 1, mid, ask: mid + 1, isMarketOpen: true, isDayTradingClosed: false },
  ...{ secondsToToggleIsDayTradingClosed: 0, from: 'BTC', to: 'USD', timestampSeconds: 1 },
})

function clientOf() {
  const state = { sent: [] as string[], closed: undefined as number | undefined, buffered: 0 }
  const socket: ServerSocket = {
    send: (data) => void state.sent.push(typeof data === 'string' ? data : Buffer.from(data).toString()),
    close(code) {
      state.closed = code
    },
    terminate: () => undefined,
    bufferedBytes: () => state.buffered,
    pause: () => undefined,
    resume: () => undefined,
  }
  const mids = () => state.sent.map((text) => JSON.parse(text).mid ?? JSON.parse(text).message)
  return { state, socket, mids }
}

function feedAt() {
  const clock = { now: 0 }
  const limits: FeedLimits = { bufferMaxBytes: 100, stallMaxMs: 30_000, silenceMaxMs: 10_000, nowMs: () => clock.now }
  return { feed: createFeed(limits), clock }
}

describe('a client', () => {
  it('sees what is current, then everything', () => {
    const { feed } = feedAt()
    feed.publish(tickOf('BTC-USD', 10))
    feed.publish(tickOf('BTC-USD', 20))
    feed.publish(tickOf('ETH-USD', 30))
    const { socket, mids } = clientOf()
    const leave = feed.add(socket)
    feed.publish(tickOf('BTC-USD', 40))
    expect(mids()).toStrictEqual([20, 30, 40])
    leave()
    feed.publish(tickOf('BTC-USD', 50))
    expect([mids().length, feed.clients()]).toStrictEqual([3, 0])
  })

  it('is not shown what is stale', () => {
    const { feed, clock } = feedAt()
    feed.publish(tickOf('BTC-USD', 10))
    clock.now = 10_001
    const { socket, mids } = clientOf()
    feed.add(socket)
    expect(mids()).toStrictEqual([])
  })

  it('that does not keep up gets the latest of each feed once it does', () => {
    const { feed } = feedAt()
    const slow = clientOf()
    const fast = clientOf()
    feed.add(slow.socket)
    feed.add(fast.socket)
    slow.state.buffered = 101
    for (const mid of [10, 20, 30]) feed.publish(tickOf('BTC-USD', mid))
    feed.publish(tickOf('ETH-USD', 40))
    expect([slow.mids(), fast.mids(), feed.held()]).toStrictEqual([[], [10, 20, 30, 40], 1])
    feed.tend()
    expect(slow.mids()).toStrictEqual([])
    slow.state.buffered = 0
    feed.tend()
    feed.publish(tickOf('BTC-USD', 50))
    expect([slow.mids(), feed.held()]).toStrictEqual([[30, 40, 50], 0])
  })

  it('that stays so is closed, and hears no more', () => {
    const { feed, clock } = feedAt()
    const { state, socket } = clientOf()
    feed.add(socket)
    state.buffered = 101
    feed.publish(tickOf('BTC-USD', 10))
    clock.now = 29_999
    feed.tend()
    expect(state.closed).toBeUndefined()
    clock.now = 30_000
    feed.tend()
    expect([state.closed, feed.clients()]).toStrictEqual([1013, 0])
  })
})

describe('an outage', () => {
  it('is told once, until prices have been back', () => {
    const { feed } = feedAt()
    const { socket, mids } = clientOf()
    feed.add(socket)
    feed.publish(tickOf('BTC-USD', 10))
    feed.interrupt()
    feed.interrupt()
    const newcomer = clientOf()
    feed.add(newcomer.socket)
    feed.publish(tickOf('BTC-USD', 20))
    feed.interrupt()
    expect(mids()).toStrictEqual([10, 'Upstream disconnected', 20, 'Upstream disconnected'])
    expect(newcomer.mids()).toStrictEqual([20, 'Upstream disconnected'])
  })
})
