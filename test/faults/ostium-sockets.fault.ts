/** Ostium's sockets among clients that do not read, say too much, or go in the middle: the others never wait for them. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { paperMarket, type ServedOstium, startOstium } from '../http/ostium/serving.ts'
import { eventually } from '../projections/support.ts'

const LONG_MS = 60_000
const MIB = 1_048_576
const KEY = 'AAAAAAAAAAAAAAAAAAAAAA=='

let served: ServedOstium
beforeAll(async () => {
  const env = {
    ...{ OSTIUM_SOCKETS_PER_ADDRESS_MAX: '2000', OSTIUM_CLIENT_BUFFER_MAX_BYTES: '65536' },
    ...{ OSTIUM_CLIENT_STALL_MAX_MS: '30000', OSTIUM_RATE_LIMIT_PER_MINUTE_MAX: '0' },
  }
  served = await startOstium({ market: paperMarket, env })
})
afterAll(() => served.stop())

const handshake = (path: string) =>
  [
    ...[`GET /ostium${path} HTTP/1.1`, 'host: 127.0.0.1', 'connection: Upgrade', 'upgrade: websocket'],
    ...['sec-websocket-version: 13', `sec-websocket-key: ${KEY}`, '', ''],
  ].join('\r\n')

/** A connection that has asked for the upgrade, and reads nothing. */
async function silentClient(path: string): Promise<Socket> {
  const socket = connect(served.port, '127.0.0.1')
  socket.on('error', () => undefined)
  await once(socket, 'connect')
  socket.write(handshake(path))
  return socket
}

interface Reader {
  socket: Socket
  frames: number
}

/** Counts the frames that come, by their lengths alone. */
async function reader(path: string): Promise<Reader> {
  const socket = await silentClient(path)
  const own: Reader = { socket, frames: 0 }
  let rest: Buffer | undefined
  let isUpgraded = false
  socket.on('data', (block: Buffer) => {
    let bytes = rest ? Buffer.concat([rest, block]) : block
    if (!isUpgraded) {
      const end = bytes.indexOf('\r\n\r\n')
      if (end < 0) {
        rest = bytes
        return
      }
      isUpgraded = true
      bytes = bytes.subarray(end + 4)
    }
    for (let size = frameSize(bytes); size !== undefined && size <= bytes.length; size = frameSize(bytes)) {
      own.frames += 1
      bytes = bytes.subarray(size)
    }
    rest = bytes
  })
  return own
}

function frameSize(bytes: Buffer): number | undefined {
  const short = bytes.length < 2 ? undefined : (bytes[1] ?? 0) & 0x7f
  if (short === undefined || short < 126) return short === undefined ? undefined : 2 + short
  if (short === 126) return bytes.length < 4 ? undefined : 4 + bytes.readUInt16BE(2)
  return bytes.length < 10 ? undefined : 10 + Number(bytes.readBigUInt64BE(2))
}

const openSockets = () => served.parts.sockets.open()
const tick = (mid: number, from = 'BTC') => ({
  ...{ feed_id: 'BTC-USD', bid: mid - 1, mid, ask: mid + 1, isMarketOpen: true, isDayTradingClosed: false },
  ...{ secondsToToggleIsDayTradingClosed: 0, from, to: 'USD', timestampSeconds: 1 },
})
const turn = () => new Promise((resolve) => setImmediate(resolve))

it('row 14: of 1,000 sockets 100 never read: the others see every tick, memory stays bounded, the 100 are closed', {
  timeout: 180_000,
}, async () => {
  const { feed } = served.parts
  const path = '/v1/market/stream'
  const silent = await Promise.all(Array.from({ length: 100 }, () => silentClient(path)))
  await eventually(() => expect(feed.clients()).toBe(100), LONG_MS)
  // Until the system's own buffers are full, and then as much again as would fill the process.
  const large = 'B'.repeat(65_536)
  for (let n = 0; feed.held() < 100; n++) {
    expect(n).toBeLessThan(1_000)
    feed.publish(tick(n, large))
    await turn()
  }
  const before = process.memoryUsage().rss
  for (let n = 0; n < 100; n++) feed.publish(tick(n, large))
  expect((process.memoryUsage().rss - before) / MIB).toBeLessThan(100)
  feed.publish(tick(0))
  const readers: Reader[] = []
  for (let n = 0; n < 900; n += 50) readers.push(...(await Promise.all(Array.from({ length: 50 }, () => reader(path)))))
  await eventually(() => expect(readers.every(({ frames }) => frames === 1)).toBe(true), LONG_MS)
  expect([feed.clients(), feed.held()]).toEqual([1_000, 100])
  for (let n = 1; n <= 200; n++) {
    feed.publish(tick(n))
    await turn()
  }
  await eventually(() => expect(readers.every(({ frames }) => frames === 201)).toBe(true), LONG_MS)
  await eventually(() => expect(feed.clients()).toBe(900), LONG_MS)
  // Once they read again they find out, behind what was on its way.
  await Promise.all(silent.map((socket) => once(socket.resume().end(), 'close')))
  await eventually(() => expect(openSockets()).toBe(900), LONG_MS)
  for (const { socket } of readers) socket.destroy()
  await eventually(() => expect(openSockets()).toBe(0), LONG_MS)
})

describe('row 15', { timeout: 120_000 }, () => {
  const answers = async (of: ServedOstium = served) => {
    const { socket, messages, send } = await of.socket('/v1/exchange/ws')
    send({ action: 'health' })
    await eventually(() => expect(messages).toHaveLength(1))
    socket.terminate()
  }

  it('a frame of 3 MiB ends its connection alone', async () => {
    const { socket } = await served.socket('/v1/exchange/ws')
    socket.on('error', () => undefined)
    const closed = once(socket, 'close')
    socket.send('x'.repeat(3 * MIB))
    expect([1006, 1009]).toContain((await closed)[0])
    await answers()
  })

  it('10,000 messages at once are answered each, in their order, a hundred of them with more than a refusal', async () => {
    const own = await startOstium({ market: paperMarket })
    try {
      const opened = await own.socket('/v1/exchange/ws')
      for (let n = 0; n < 10_000; n++) opened.send({ id: String(n), action: 'health' })
      await answers(own)
      const messages = await eventually(() => {
        expect(opened.messages).toHaveLength(10_000)
        return opened.messages
      }, LONG_MS)
      expect(messages.every(({ id }, index) => id === String(index))).toBe(true)
      expect(messages.slice(0, 100).every(({ ok }) => ok)).toBe(true)
      expect(messages[100]).toMatchObject({ error: { code: 429, errorCode: 'RATE_LIMIT_EXCEEDED' } })
      opened.socket.terminate()
    } finally {
      await own.stop()
    }
  })

  it('half of a handshake, for ever, holds up nobody', async () => {
    const halves = Array.from({ length: 300 }, () => connect(served.port, '127.0.0.1'))
    for (const socket of halves) {
      socket.on('error', () => undefined)
      socket.write(handshake('/v1/market/stream').slice(0, 60))
    }
    await Promise.all(halves.map((socket) => (socket.connecting ? once(socket, 'connect') : undefined)))
    await answers()
    for (const socket of halves) socket.resetAndDestroy()
    await answers()
  })

  it('a reset in the middle of the upgrade, or right behind it, leaves nothing open', async () => {
    for (let round = 0; round < 10; round++) {
      const sockets = await Promise.all(Array.from({ length: 50 }, () => silentClient('/v1/exchange/ws')))
      for (const [index, socket] of sockets.entries()) {
        if (index % 2 === 0) socket.resetAndDestroy()
        else socket.once('data', () => socket.resetAndDestroy())
      }
      await answers()
    }
    await eventually(() => expect(openSockets()).toBe(0), LONG_MS)
  })
})

describe('row 20', { timeout: 180_000 }, () => {
  const TRADER = '0x742d35Cc6634C0532925a3b844Bc9e7595f5bE21'
  const valid = [
    { action: 'open', payload: { open: { a: 0, b: true, t: 'market', p: '42500', s: '100', l: '10' }, sp: 0.5 } },
    { action: 'close', payload: { closes: [{ a: 0, t: 0, p: '43000', r: 33.33 }] } },
    { action: 'cancel', payload: { cancels: [{ t: 'open', o: 1 }] } },
    { action: 'margin', payload: { a: 0, i: 0, amount: '-5' } },
  ].map((each) => JSON.stringify({ id: 'x', headers: { 'X-Trader-Address': TRADER }, ...each }))
  const NASTY = [
    ...['null', '-0', '1e999', '""', '[]', '{}', '"\\u0000"', '9007199254740993', '"0x"', '0.1e-7', '"constructor"'],
    ...['{"__proto__":{"a":1}}', `"${'9'.repeat(5_000)}"`, '['.repeat(200), '"\\ud800"', '18446744073709551616'],
  ]

  /** Of a seed: the same messages in every run. */
  function hostile(n: number): string {
    const text = valid[n % valid.length] ?? ''
    const at = (n * 7_919) % text.length
    const nasty = NASTY[(n * 31) % NASTY.length] ?? ''
    switch (n % 5) {
      case 0:
        return text.slice(0, at) + nasty + text.slice(at)
      case 1:
        return text.slice(0, at) + text.slice(at + 1 + (n % 9))
      case 2: {
        const values = [...text.matchAll(/:("[^"]*"|[-0-9.]+|true)/g)]
        const found = values[n % values.length]
        return found ? `${text.slice(0, found.index + 1)}${nasty}${text.slice(found.index + found[0].length)}` : text
      }
      case 3:
        return text.replace(/"(\w+)":/g, (whole, name) => ((n + name.length) % 3 === 0 ? `"${name}x":` : whole))
      default:
        return String.fromCharCode(...Array.from({ length: 1 + (n % 60) }, (_, i) => (n * (i + 3) * 131) % 0xd7ff))
    }
  }

  it('10,000 hostile messages: each has an answer that is the sender’s fault, or none is wrong; the others are served', async () => {
    const own = await startOstium({ market: paperMarket, env: { OSTIUM_RATE_LIMIT_PER_MINUTE_MAX: '0' } })
    try {
      const opened = await Promise.all(Array.from({ length: 10 }, () => own.socket('/v1/exchange/ws')))
      for (let n = 0; n < 10_000; n++) opened[n % 10]?.socket.send(hostile(n))
      const beside = await own.post('/v1/exchange/open', TRADER, JSON.parse(valid[0] ?? '').payload)
      expect(beside.status).toBe(200)
      await eventually(
        () => expect(opened.map(({ messages }) => messages.length)).toEqual(Array(10).fill(1_000)),
        LONG_MS * 2,
      )
      const replies = opened.flatMap(({ messages }) => messages)
      expect(replies.filter(({ ok, error }) => !ok && !(error.code >= 400 && error.code < 500))).toEqual([])
      expect(replies.filter(({ ok }) => !ok).length).toBeGreaterThan(3_000)
      for (const { socket } of opened) socket.terminate()
    } finally {
      await own.stop()
    }
  })
})
