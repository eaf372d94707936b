import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { connect, type JetStreamManager } from 'nats'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { startNatsServer } from '../../src/embedded/nats-server.ts'
import { freePort } from '../../src/embedded/ports.ts'
import { connectNats } from '../../src/gateway/nats.ts'
import { natsNames } from '../../src/gateway/nats-connection.ts'
import type { MessageStream } from '../../src/gateway/stream.ts'
import { startFaultProxy } from '../support/fault-proxy.ts'
import { natsBinary, natsUrl, temporaryDirectory } from '../support/services.ts'
import {
  bytes,
  describeMessageStream,
  type StreamLimits,
  type StreamUnderTest,
  take,
} from '../support/stream-contract.ts'

const url = natsUrl()

async function openOn(address: string, limits: StreamLimits = {}): Promise<StreamUnderTest> {
  const prefix = `t${randomBytes(6).toString('hex')}`
  const options = { url: address, prefix, ...limits }
  let stream = await connectNats(options)
  return {
    stream,
    async reopen() {
      await stream.close()
      stream = await connectNats(options)
      return stream
    },
    async destroy() {
      await stream.close()
    },
  }
}

if (url) describeMessageStream('the stream over NATS', (limits) => openOn(url, limits))

describe('without a broker', () => {
  test('is down, refuses to publish at once, and closes', async () => {
    const stream = await connectNats({
      url: `nats://127.0.0.1:${await freePort()}`,
      prefix: 'opslog',
      connectTimeoutMs: 200,
    })
    expect(stream.isUp()).toBe(false)
    const publishing = stream.publish('commands', 'a', 'id', new Uint8Array(1))
    await expect(publishing).rejects.toThrow(expect.objectContaining({ name: 'StreamUnavailable' }))
    await stream.close()
  })
})

/** Whatever else the broker does with its messages, these it must not lose. */
function unacknowledged(address: string): void {
  describe('what a reader has been given and did not acknowledge', () => {
    const opened: MessageStream[] = []
    afterEach(async () => {
      await Promise.all(opened.splice(0).map((stream) => stream.close()))
    })
    const open = async (options: Parameters<typeof connectNats>[0]) => {
      const stream = await connectNats(options)
      opened.push(stream)
      return stream
    }
    const uniquePrefix = () => `t${randomBytes(6).toString('hex')}`

    test('comes again though acknowledged messages before it were removed meanwhile', async () => {
      const prefix = uniquePrefix()
      const stream = await open({ url: address, prefix, trimIntervalMs: 10 })
      const firstSequence = () =>
        administer(address, async (manager) => {
          return (await manager.streams.info(natsNames(prefix).stream('commands'))).state.first_seq
        })
      for (const body of ['a', 'b', 'c', 'd']) await publish(stream, body)
      const ending = new AbortController()
      const options = { durable: 'reader', maxAckPending: 10, ackWaitMs: 1_000, signal: ending.signal }
      let seen = 0
      for await (const batch of stream.consume('commands', options)) {
        for (const message of batch) if (['a', 'c'].includes(new TextDecoder().decode(message.body))) message.ack()
        seen += batch.length
        if (seen < 4) continue
        await expect.poll(firstSequence, { timeout: 5_000, interval: 10 }).toBe(2)
        ending.abort()
      }
      expect((await take(stream, 2, { ackWaitMs: 1_000 })).sort()).toEqual(['b', 'd'])
      await expect.poll(firstSequence, { timeout: 5_000, interval: 10 }).toBe(5)
    })

    test('comes again at once where it was still on its way to a reader that ended', async () => {
      const prefix = uniquePrefix()
      const line = await startFaultProxy(address, 4222)
      const near = await open({ url: address, prefix })
      const far = await open({ url: line.url, prefix })
      const broker = (work: (info: { num_waiting: number; num_ack_pending: number }) => number) =>
        administer(address, async (manager) => {
          return work(await manager.consumers.info(natsNames(prefix).stream('commands'), 'reader'))
        })
      try {
        const ending = new AbortController()
        const options = { durable: 'reader', maxAckPending: 10, ackWaitMs: 15_000 }
        const reading = far
          .consume('commands', { ...options, signal: ending.signal })
          [Symbol.asyncIterator]()
          .next()
        const waiting = () => broker((info) => info.num_waiting).catch(() => 0)
        await expect.poll(waiting, { timeout: 5_000, interval: 10 }).toBe(1)
        line.hold()
        await publish(near, 'a')
        await expect.poll(() => broker((info) => info.num_ack_pending), { timeout: 5_000, interval: 5 }).toBe(1)
        ending.abort()
        // Once the end is told to the broker, and not before.
        setImmediate(() => line.mend())
        expect(await reading).toEqual({ value: undefined, done: true })
        const started = performance.now()
        expect(await take(near, 1, options)).toEqual(['a'])
        expect(performance.now() - started).toBeLessThan(5_000)
      } finally {
        await line.close()
      }
    })
  })
}

/** A broker of the test's own, to be stopped, frozen and started again on the same port. */
async function ownBroker(binary: string) {
  const directory = temporaryDirectory()
  const port = await freePort()
  const start = () => startNatsServer({ binary, directory: directory.path, port })
  let server = await start()
  const errors: string[] = []
  const stream = await connectNats({
    url: server.url,
    prefix: 'opslog',
    publishTimeoutMs: 1_000,
    pingIntervalMs: 300,
    heartbeatMs: 500,
    reconnectWaitMsMax: 200,
    onError: (error) => errors.push(error.message),
  })
  return {
    stream,
    errors,
    url: server.url,
    signal: (name: NodeJS.Signals) => process.kill(server.pid, name),
    /** By the state that the system gives of the process (proc(5)): T is stopped. */
    isFrozen: () => / T /.test(readFileSync(`/proc/${server.pid}/stat`, 'utf8')),
    exited: () => server.exited,
    async restart() {
      server = await start()
    },
    async remove() {
      await stream.close()
      await server.stop()
      directory.remove()
    },
  }
}

type OwnBroker = Awaited<ReturnType<typeof ownBroker>>

const publish = (stream: MessageStream, id: string) => stream.publish('commands', 'a', id, bytes(id))
const unavailable = expect.objectContaining({ name: 'StreamUnavailable' })

if (url) unacknowledged(url)

function faults(binary: string): void {
  describe('a broker in trouble', () => {
    let broker: OwnBroker
    beforeEach(async () => {
      broker = await ownBroker(binary)
    })
    afterEach(() => broker.remove())

    test('killed and started again: consumers go on, publishing works again, nothing acknowledged is lost', async () => {
      const { stream } = broker
      await publish(stream, 'a')
      const reading = take(stream, 3)
      broker.signal('SIGKILL')
      await broker.exited()
      await expect.poll(() => stream.isUp()).toBe(false)
      const started = performance.now()
      await expect(publish(stream, 'b')).rejects.toThrow(unavailable)
      expect(performance.now() - started).toBeLessThan(100)
      await broker.restart()
      await expect.poll(() => stream.isUp(), { timeout: 5_000 }).toBe(true)
      await publish(stream, 'b')
      await publish(stream, 'c')
      expect(await reading).toEqual(['a', 'b', 'c'])
    })

    test('restarted while a message is being handled: the acknowledgement goes out on the new connection', async () => {
      const { stream } = broker
      await publish(stream, 'a')
      await publish(stream, 'b')
      const seen: string[] = []
      const ending = new AbortController()
      const options = { durable: 'reader', maxAckPending: 1, ackWaitMs: 60_000, signal: ending.signal }
      for await (const batch of stream.consume('commands', options)) {
        for (const message of batch) {
          if (seen.length === 0) {
            broker.signal('SIGTERM')
            await broker.exited()
            await broker.restart()
            await expect.poll(() => stream.isUp(), { timeout: 5_000 }).toBe(true)
          }
          message.ack()
          if (seen.push(new TextDecoder().decode(message.body)) === 2) ending.abort()
        }
      }
      expect(seen).toEqual(['a', 'b'])
    })

    test('frozen: a publish fails in time, the stream counts as down, and up again when it answers', async () => {
      const { stream } = broker
      const reading = take(stream, 1)
      broker.signal('SIGSTOP')
      // A signal takes effect when the system gets to it, and not before it has been sent.
      await expect.poll(broker.isFrozen, { timeout: 5_000, interval: 5 }).toBe(true)
      const started = performance.now()
      await expect(publish(stream, 'a')).rejects.toThrow(unavailable)
      expect(performance.now() - started).toBeLessThan(2_000)
      expect(stream.isUp()).toBe(false)
      await expect.poll(() => broker.errors.length, { timeout: 5_000 }).toBeGreaterThan(0)
      broker.signal('SIGCONT')
      await expect.poll(() => stream.isUp(), { timeout: 5_000 }).toBe(true)
      await publish(stream, 'a')
      expect(await reading).toEqual(['a'])
    })

    test('without the stream, deleted by hand: both are made again', async () => {
      const { stream } = broker
      await publish(stream, 'a')
      expect(await take(stream, 1)).toEqual(['a'])
      const reading = take(stream, 2)
      await expect.poll(() => waitingPulls(broker.url)).toBeGreaterThan(0)
      await administer(broker.url, (manager) => manager.streams.delete('OPSLOG_COMMANDS'))
      expect(await publish(stream, 'b')).toEqual({ sequence: 1n, duplicate: false })
      await publish(stream, 'c')
      expect(await reading).toEqual(['b', 'c'])
    })

    test('without the consumer, deleted by hand: it is made again', async () => {
      const { stream } = broker
      await publish(stream, 'a')
      expect(await take(stream, 1)).toEqual(['a'])
      const reading = take(stream, 2)
      await expect.poll(() => waitingPulls(broker.url)).toBeGreaterThan(0)
      await administer(broker.url, (manager) => manager.consumers.delete('OPSLOG_COMMANDS', 'reader'))
      await publish(stream, 'b')
      expect(await reading).toEqual(['a', 'b'])
    })

    test('takes changed limits over from the options', async () => {
      const stream = await connectNats({ url: broker.url, prefix: 'opslog', streamBytesMax: 1_000_000 })
      const info = await administer(broker.url, (manager) => manager.streams.info('OPSLOG_COMMANDS'))
      await stream.close()
      expect(info.config).toMatchObject({
        max_bytes: 1_000_000,
        discard: 'new',
        retention: 'limits',
        storage: 'file',
        duplicate_window: 120_000_000_000,
        subjects: ['opslog.commands.*'],
      })
    })
  })

  test('a broker that comes up later is found', async () => {
    const directory = temporaryDirectory()
    const port = await freePort()
    const first = await startNatsServer({ binary, directory: directory.path, port })
    await first.stop()
    const stream = await connectNats({ url: first.url, prefix: 'opslog', connectTimeoutMs: 100 })
    expect(stream.isUp()).toBe(false)
    const reading = take(stream, 1)
    const second = await startNatsServer({ binary, directory: directory.path, port })
    try {
      await expect.poll(() => stream.isUp(), { timeout: 5_000 }).toBe(true)
      await publish(stream, 'a')
      expect(await reading).toEqual(['a'])
    } finally {
      await stream.close()
      await second.stop()
      directory.remove()
    }
  })
}

async function administer<T>(address: string, work: (manager: JetStreamManager) => Promise<T>): Promise<T> {
  const { host, username, password } = new URL(address)
  const connection = await connect({ servers: host, user: username, pass: password })
  try {
    return await work(await connection.jetstreamManager())
  } finally {
    await connection.close()
  }
}

async function waitingPulls(address: string): Promise<number> {
  const info = await administer(address, (manager) => manager.consumers.info('OPSLOG_COMMANDS', 'reader'))
  return info.num_waiting
}

const binary = natsBinary()
if (binary) faults(binary)
