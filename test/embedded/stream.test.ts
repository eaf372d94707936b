import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { openStream } from '../../src/embedded/stream.ts'
import type { MessageStream } from '../../src/gateway/stream.ts'
import { moduleUrl, startOwner } from '../support/owner-process.ts'
import { temporaryDirectory } from '../support/services.ts'
import {
  bytes,
  describeMessageStream,
  type StreamLimits,
  type StreamUnderTest,
  take,
} from '../support/stream-contract.ts'

async function open(limits: StreamLimits = {}): Promise<StreamUnderTest> {
  const directory = temporaryDirectory()
  const file = join(directory.path, 'stream.db')
  let stream: MessageStream = openStream({ file, ...limits })
  return {
    stream,
    async reopen() {
      await stream.close()
      stream = openStream({ file, ...limits })
      return stream
    },
    async destroy() {
      await stream.close()
      directory.remove()
    },
  }
}

describeMessageStream('the in-process stream', open)

test('delivers what was open when it was closed at once, and counts on', async () => {
  const { stream, reopen, destroy } = await open()
  try {
    await stream.publish('commands', 'a', 'id', bytes('a'))
    const consumer = { durable: 'reader', maxAckPending: 1, ackWaitMs: 60_000, signal: new AbortController().signal }
    const first = await stream.consume('commands', consumer)[Symbol.asyncIterator]().next()
    expect(first.value?.[0]?.deliveryCount).toBe(1)
    const again = await (await reopen()).consume('commands', consumer)[Symbol.asyncIterator]().next()
    expect(again.value?.[0]?.deliveryCount).toBe(2)
  } finally {
    await destroy()
  }
})

test('removes from its file what every consumer has acknowledged, and counts on', async () => {
  const directory = temporaryDirectory()
  const file = join(directory.path, 'stream.db')
  const options = { file, dedupeWindowMs: 0, trimIntervalMs: 20 }
  let stream: MessageStream = openStream(options)
  const reader = new DatabaseSync(file, { readOnly: true })
  const stored = () => reader.prepare('SELECT body FROM message ORDER BY sequence').all().length
  try {
    for (const id of ['a', 'b', 'c']) await stream.publish('commands', 'k', id, bytes(id))
    await take(stream, 3, { durable: 'fast' })
    await take(stream, 2, { durable: 'slow', maxAckPending: 1 })
    await expect.poll(stored).toBe(1)
    await take(stream, 1, { durable: 'slow' })
    await expect.poll(stored).toBe(0)
    await stream.close()
    stream = openStream(options)
    expect(await stream.publish('commands', 'k', 'd', bytes('d'))).toEqual({ sequence: 4n, duplicate: false })
    expect(await take(stream, 1, { durable: 'slow' })).toEqual(['d'])
  } finally {
    reader.close()
    await stream.close()
    directory.remove()
  }
})

test('has every message that it acknowledged, and each once, after kill -9 in the middle of publishing', async () => {
  const directory = temporaryDirectory()
  const file = join(directory.path, 'stream.db')
  const acknowledged = join(directory.path, 'acknowledged')
  const owner = await startOwner(`
    import { appendFileSync } from 'node:fs'
    import { openStream } from ${moduleUrl('embedded/stream.ts')}
    const stream = openStream({ file: ${JSON.stringify(file)} })
    for (let index = 0; ; index++) {
      await stream.publish('commands', 'k', 'id-' + index, new TextEncoder().encode('' + index))
      appendFileSync(${JSON.stringify(acknowledged)}, index + '\\n')
      if (index === 50) console.log('{}')
    }
  `)
  await owner.end('SIGKILL')
  const promised = readFileSync(acknowledged, 'utf8').trim().split('\n')
  const stream = openStream({ file })
  try {
    expect(promised.length).toBeGreaterThan(50)
    // One more may be stored, the one whose acknowledgement nobody heard.
    const stored = await take(stream, promised.length)
    expect(stored.slice(0, promised.length)).toEqual(promised)
    expect(stored.length - promised.length).toBeLessThanOrEqual(1)
    const last = promised.length - 1
    expect(await stream.publish('commands', 'k', `id-${last}`, bytes('again'))).toMatchObject({ duplicate: true })
  } finally {
    await stream.close()
    directory.remove()
  }
})

test('delivers in order and each message once, whatever the pace of consumer and publisher', async () => {
  const { stream, destroy } = await open()
  try {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 10 }),
        fc.integer({ min: 1, max: 20 }),
        fc.uuid(),
        async (bursts, maxAckPending, run) => {
          const names = bursts.flatMap((size, burst) =>
            Array.from({ length: size }, (_, index) => `${run}.${burst}.${index}`),
          )
          const reading = take(stream, names.length, { durable: 'paced', maxAckPending })
          let next = 0
          for (const size of bursts) {
            const burst = names.slice(next, next + size)
            next += size
            await Promise.all(burst.map((name) => stream.publish('commands', 'k', name, bytes(name))))
          }
          expect(await reading).toEqual(names)
        },
      ),
      { numRuns: 50 },
    )
  } finally {
    await destroy()
  }
})
