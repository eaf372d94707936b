/** What every message stream has to do, run over both implementations by their own test files. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { ConsumeOptions, MessageStream, StreamMessage } from '../../src/gateway/stream.ts'

export interface StreamUnderTest {
  stream: MessageStream
  /** Closes this client and opens another on the same stored data. */
  reopen(): Promise<MessageStream>
  /** Removes everything. */
  destroy(): Promise<void>
}

export interface StreamLimits {
  dedupeWindowMs?: number
  streamBytesMax?: number
  trimIntervalMs?: number
}

const text = new TextDecoder()
export const bytes = (value: string): Uint8Array => new TextEncoder().encode(value)

/** Consumes and answers with `handle` until it returns true, then ends the consumer. */
export async function consumeUntil(
  stream: MessageStream,
  options: Partial<Omit<ConsumeOptions, 'signal'>>,
  handle: (message: StreamMessage, body: string, batchSize: number) => boolean,
): Promise<void> {
  const ending = new AbortController()
  const consumer = { durable: 'reader', maxAckPending: 100, ackWaitMs: 10_000, ...options, signal: ending.signal }
  for await (const batch of stream.consume('commands', consumer)) {
    for (const message of batch) if (handle(message, text.decode(message.body), batch.length)) ending.abort()
  }
}

/** The bodies of the next `count` messages, each acknowledged. */
export async function take(
  stream: MessageStream,
  count: number,
  options: Partial<Omit<ConsumeOptions, 'signal'>> = {},
): Promise<string[]> {
  const bodies: string[] = []
  await consumeUntil(stream, options, (message, body) => {
    message.ack()
    return bodies.push(body) >= count
  })
  return bodies
}

export function describeMessageStream(name: string, open: (limits?: StreamLimits) => Promise<StreamUnderTest>): void {
  describe(name, () => {
    let subject: StreamUnderTest
    let stream: MessageStream
    beforeEach(async () => {
      subject = await open()
      stream = subject.stream
    })
    afterEach(() => subject.destroy())

    const publish = (body: string, key = 'account-1') => stream.publish('commands', key, `id-${body}`, bytes(body))

    test('hands out messages in the order of publishing, with key, sequence and first delivery', async () => {
      expect(stream.isUp()).toBe(true)
      expect(await publish('a', 'account-1')).toEqual({ sequence: 1n, duplicate: false })
      expect(await publish('b', 'account-2')).toEqual({ sequence: 2n, duplicate: false })
      const seen: unknown[] = []
      await consumeUntil(stream, {}, (message, body) => {
        message.ack()
        return seen.push([message.sequence, message.key, body, message.deliveryCount]) === 2
      })
      expect(seen).toEqual([
        [1n, 'account-1', 'a', 1],
        [2n, 'account-2', 'b', 1],
      ])
    })

    test('keeps the order of publishes that are under way at the same time', async () => {
      const names = Array.from({ length: 200 }, (_, index) => `m${index}`)
      const receipts = await Promise.all(names.map((one) => publish(one)))
      expect(receipts.map((receipt) => receipt.sequence)).toEqual(names.map((_, index) => BigInt(index + 1)))
      expect(await take(stream, 200, { maxAckPending: 7 })).toEqual(names)
    })

    test('wakes a waiting consumer when a message arrives', async () => {
      const taken = take(stream, 2)
      await publish('a')
      await publish('b')
      expect(await taken).toEqual(['a', 'b'])
    })

    test('stores a repeated message id once and says so', async () => {
      await publish('a')
      expect(await publish('a')).toEqual({ sequence: 1n, duplicate: true })
      await publish('b')
      expect(await take(stream, 2)).toEqual(['a', 'b'])
    })

    test('knows a message id that was consumed already', async () => {
      await publish('a')
      await take(stream, 1)
      expect(await publish('a')).toEqual({ sequence: 1n, duplicate: true })
    })

    test('keeps commands and events apart', async () => {
      await publish('a')
      expect(await stream.publish('events', 'account-1', 'id-a', bytes('e'))).toEqual({
        sequence: 1n,
        duplicate: false,
      })
      expect(await take(stream, 1)).toEqual(['a'])
    })

    test('gives each durable consumer every message', async () => {
      await publish('a')
      expect(await take(stream, 1, { durable: 'one' })).toEqual(['a'])
      expect(await take(stream, 1, { durable: 'two' })).toEqual(['a'])
    })

    test('resumes a durable consumer after its last acknowledgement', async () => {
      for (const body of ['a', 'b', 'c']) await publish(body)
      expect(await take(stream, 1, { maxAckPending: 1 })).toEqual(['a'])
      expect(await take(stream, 2)).toEqual(['b', 'c'])
    })

    test('delivers again what was not acknowledged in time, and counts', async () => {
      await publish('a')
      const started = performance.now()
      const counts: number[] = []
      await consumeUntil(stream, { ackWaitMs: 300 }, (message) => {
        if (counts.push(message.deliveryCount) < 2) return false
        message.ack()
        return true
      })
      expect(counts).toEqual([1, 2])
      expect(performance.now() - started).toBeGreaterThan(280)
    })

    test('delivers what a reader that is gone held, at once and in order, to one that takes over', async () => {
      for (const body of ['a', 'b', 'c', 'd']) await publish(body)
      const long = { ackWaitMs: 60_000 }
      let seen = 0
      await consumeUntil(stream, long, (message, body) => {
        if (body === 'b') message.ack()
        seen += 1
        return seen === 4
      })
      stream = await subject.reopen()
      const started = performance.now()
      expect(await take(stream, 3, { ...long, takesOver: true })).toEqual(['a', 'c', 'd'])
      expect(performance.now() - started).toBeLessThan(5_000)
      await publish('e')
      expect(await take(stream, 1, long)).toEqual(['e'])
    })

    test('leaves a reader that takes over nothing where nothing was held', async () => {
      await publish('a')
      expect(await take(stream, 1, { takesOver: true })).toEqual(['a'])
      await publish('b')
      expect(await take(stream, 1, { takesOver: true })).toEqual(['b'])
    })

    test('delivers again at once, or after the delay asked for', async () => {
      await publish('a')
      const times: number[] = []
      await consumeUntil(stream, {}, (message) => {
        if (times.push(performance.now()) === 1) message.nak()
        else if (times.length === 2) message.nak(300)
        else message.ack()
        return times.length === 3
      })
      const [first = 0, second = 0, third = 0] = times
      expect(second - first).toBeLessThan(250)
      expect(third - second).toBeGreaterThan(280)
    })

    test('hands out no more than may be unacknowledged, and goes on with each acknowledgement', async () => {
      for (const body of ['a', 'b', 'c', 'd']) await publish(body)
      const open: StreamMessage[] = []
      const order: string[] = []
      let largest = 0
      await consumeUntil(stream, { maxAckPending: 2 }, (message, body, batchSize) => {
        open.push(message)
        largest = Math.max(largest, open.length, batchSize)
        order.push(body)
        if (open.length === 2) for (const one of open.splice(0)) one.ack()
        return order.length === 4
      })
      expect(order).toEqual(['a', 'b', 'c', 'd'])
      expect(largest).toBe(2)
    })

    test('serves at most one message at a time where one may be unacknowledged, without stalling', async () => {
      const names = Array.from({ length: 50 }, (_, index) => `m${index}`)
      await Promise.all(names.map((one) => publish(one)))
      const started = performance.now()
      expect(await take(stream, 50, { maxAckPending: 1 })).toEqual(names)
      expect(performance.now() - started).toBeLessThan(3_000)
    })

    test('has messages and acknowledgements still when it is opened again', async () => {
      for (const body of ['a', 'b', 'c']) await publish(body)
      await take(stream, 1, { maxAckPending: 1 })
      stream = await subject.reopen()
      expect(await publish('c')).toMatchObject({ duplicate: true })
      expect(await publish('d')).toEqual({ sequence: 4n, duplicate: false })
      expect(await take(stream, 3)).toEqual(['b', 'c', 'd'])
    })

    test('ends a waiting consumer on the signal, and when the stream is closed', async () => {
      const ending = new AbortController()
      const options = { durable: 'reader', maxAckPending: 1, ackWaitMs: 1000 }
      const first = stream
        .consume('commands', { ...options, signal: ending.signal })
        [Symbol.asyncIterator]()
        .next()
      ending.abort()
      expect(await first).toEqual({ value: undefined, done: true })
      const second = stream.consume('commands', { ...options, signal: new AbortController().signal })
      const next = second[Symbol.asyncIterator]().next()
      await stream.close()
      expect(await next).toEqual({ value: undefined, done: true })
      expect(stream.isUp()).toBe(false)
    })

    test('refuses to publish once it is closed', async () => {
      await stream.close()
      await expect(publish('a')).rejects.toThrow(expect.objectContaining({ name: 'StreamUnavailable' }))
    })

    test('refuses keys that are no single token and bodies that are too large, as mistakes of the caller', async () => {
      for (const key of ['', 'a.b', '*', '>', 'a b']) {
        await expect(async () => publish('a', key)).rejects.toThrow(TypeError)
      }
      const huge = new Uint8Array(512 * 1024 + 1)
      await expect(async () => stream.publish('commands', 'a', 'id', huge)).rejects.toThrow(RangeError)
    })
  })

  describe(`${name}, with narrow limits`, () => {
    test('forgets a message id when the deduplication window has passed', async () => {
      const { stream, destroy } = await open({ dedupeWindowMs: 200 })
      try {
        const first = await stream.publish('commands', 'a', 'id', bytes('a'))
        await expect
          .poll(() => stream.publish('commands', 'a', 'id', bytes('a')), { timeout: 5_000, interval: 50 })
          .toMatchObject({ duplicate: false })
        expect(first).toEqual({ sequence: 1n, duplicate: false })
      } finally {
        await destroy()
      }
    })

    test('refuses messages when it is full, drops none, and makes room as every consumer acknowledges', async () => {
      const { stream, destroy } = await open({ streamBytesMax: 20_000, dedupeWindowMs: 100, trimIntervalMs: 50 })
      try {
        // All of one size, so that one removed makes room for one.
        const name = (index: number) => `${index}`.padStart(1_000, '0')
        const send = (index: number) => stream.publish('commands', 'a', name(index).slice(-4), bytes(name(index)))
        const sendWhenThereIsRoom = (index: number) =>
          expect
            .poll(() => send(index).catch((error) => error), { timeout: 5_000, interval: 20 })
            .toEqual({ sequence: BigInt(index + 1), duplicate: false })
        // A broker may send a message to a reader that has just ended: it comes again after this wait.
        const [slow, fast] = ['slow', 'fast'].map((durable) => ({ durable, ackWaitMs: 500 }))
        let stored = 0
        const fill = async () => {
          for (; ; stored++) await send(stored)
        }
        await expect(fill()).rejects.toThrow(expect.objectContaining({ name: 'StreamUnavailable' }))
        expect(stored).toBeGreaterThan(10)
        expect(stored).toBeLessThanOrEqual(20)

        expect(await take(stream, 1, { ...slow, maxAckPending: 1 })).toEqual([name(0)])
        expect(await take(stream, stored, fast)).toHaveLength(stored)
        await sendWhenThereIsRoom(stored)
        await expect(send(stored + 1)).rejects.toThrow(expect.objectContaining({ name: 'StreamUnavailable' }))

        const rest = Array.from({ length: stored }, (_, index) => name(index + 1))
        expect(await take(stream, stored, slow)).toEqual(rest)
        expect(await take(stream, 1, fast)).toEqual([name(stored)])
        await sendWhenThereIsRoom(stored + 1)
      } finally {
        await destroy()
      }
    })
  })
}
