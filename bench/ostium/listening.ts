/**
 * A source of prices, and those who listen to what becomes of them: both in this process, so that one clock tells how long a
 * price is on its way. Listeners read frames by their lengths alone, so that the servers are what is measured.
 */
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { connect, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { type WebSocket, WebSocketServer } from 'ws'
import type { Heard, Order, Side } from './listeners.ts'

const source = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false })
const sides = new Map<string, WebSocket>()
source.on('connection', (socket, request) => sides.set((request.url ?? '/').slice(1), socket))

const PING = 0x9
/** Empty, masked with zeros. */
const PONG = Buffer.from([0x8a, 0x80, 0, 0, 0, 0])
const BREATHER_MS = 100

/** Frames of text that a listener has had since the last reset. */
interface Listener {
  socket: Socket
  frames: number
}
let listeners: Listener[] = []
/** Called with how many frames a listener has had. */
let onFrame: (count: number) => void = () => undefined

async function listen(url: string): Promise<Listener> {
  const { hostname, port, pathname, host } = new URL(url)
  const socket = connect(Number(port), hostname)
  const head = [`GET ${pathname} HTTP/1.1`, `host: ${host}`, 'connection: Upgrade', 'upgrade: websocket']
  const key = ['sec-websocket-version: 13', 'sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==']
  socket.write(`${[...head, ...key].join('\r\n')}\r\n\r\n`)
  const listener: Listener = { socket, frames: 0 }
  let rest: Buffer = Buffer.alloc(0)
  const [first] = (await once(socket, 'data')) as [Buffer]
  if (!first.toString('latin1').startsWith('HTTP/1.1 101')) throw new Error(first.toString('latin1', 0, 200))
  const take = (chunk: Buffer) => {
    let bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    for (;;) {
      const size = frameSize(bytes)
      if (size === undefined || size > bytes.length) break
      if (((bytes[0] ?? 0) & 0xf) === PING) socket.write(PONG)
      else onFrame(++listener.frames)
      bytes = bytes.subarray(size)
    }
    rest = bytes
  }
  const body = first.indexOf('\r\n\r\n') + 4
  take(first.subarray(body))
  socket.on('data', take)
  return listener
}

function frameSize(bytes: Buffer): number | undefined {
  if (bytes.length < 2) return undefined
  const short = (bytes[1] ?? 0) & 0x7f
  if (short < 126) return 2 + short
  return bytes.length < 4 ? undefined : 4 + bytes.readUInt16BE(2)
}

let ticks = 0
function tick(): string {
  ticks += 1
  const mid = 43_000 + (ticks % 1_000) / 10
  return JSON.stringify({
    ...{ feed_id: 'BTC-USD', bid: mid - 0.5, mid, ask: mid + 0.5, isMarketOpen: true, isDayTradingClosed: false },
    ...{ secondsToToggleIsDayTradingClosed: 0, from: 'BTC', to: 'USD', timestampSeconds: Date.now() / 1_000 },
  })
}

function socketOf(side: Side): WebSocket {
  const socket = sides.get(side)
  if (!socket) throw new Error(`${side} has not asked for prices`)
  return socket
}

async function burst(side: Side, count: number): Promise<Heard> {
  const socket = socketOf(side)
  const { promise, resolve } = Promise.withResolvers<void>()
  let whole = 0
  for (const each of listeners) each.frames = 0
  onFrame = (frames) => {
    if (frames === count && ++whole === listeners.length) resolve()
  }
  const startedMs = performance.now()
  for (let n = 0; n < count; n++) socket.send(tick())
  await promise
  return { tookMs: performance.now() - startedMs, latenciesMs: [] }
}

async function pace(side: Side, perSecond: number, count: number): Promise<Heard> {
  const socket = socketOf(side)
  const { promise, resolve } = Promise.withResolvers<void>()
  const sentMs: number[] = []
  const latenciesMs: number[] = []
  const heard: number[] = []
  for (const each of listeners) each.frames = 0
  onFrame = (frames) => {
    const at = frames - 1
    heard[at] = (heard[at] ?? 0) + 1
    if (heard[at] < listeners.length) return
    latenciesMs.push(performance.now() - (sentMs[at] ?? 0))
    if (latenciesMs.length === count) resolve()
  }
  const startedMs = performance.now()
  for (let n = 0; n < count; n++) {
    const earlyMs = startedMs + (n / perSecond) * 1_000 - performance.now()
    if (earlyMs > 0) await delay(earlyMs)
    sentMs.push(performance.now())
    socket.send(tick())
  }
  await promise
  return { tookMs: performance.now() - startedMs, latenciesMs }
}

async function carryOut(order: Order): Promise<Heard> {
  if (order.kind === 'burst') return burst(order.to, order.ticks)
  if (order.kind === 'pace') return pace(order.to, order.perSecond, order.ticks)
  const startedMs = performance.now()
  for (const { socket } of listeners) socket.destroy()
  listeners = []
  onFrame = () => undefined
  // A few at a time: more than a server takes at once would be turned away.
  for (let n = 0; order.kind === 'open' && n < order.count; n += 50) {
    const some = Array.from({ length: Math.min(50, order.count - n) }, () => listen(order.url))
    listeners.push(...(await Promise.all(some)))
  }
  // What is shown to newcomers comes before anything is counted.
  await delay(BREATHER_MS)
  return { tookMs: performance.now() - startedMs, latenciesMs: [] }
}

process.on('message', (order: Order) => {
  carryOut(order).then(
    (heard) => process.send?.(heard),
    (error: Error) => process.send?.({ error: error.message }),
  )
})
await once(source, 'listening')
process.send?.({ port: (source.address() as AddressInfo).port })
