/** Subscriptions: everything once and in order, in bounded batches, whatever becomes of the reader or the line. */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runSubscription, type SubscriptionOptions } from '../../src/events/subscription.ts'
import { sampleRegistry as registry } from '../sample/context.ts'
import { startTestStore, type TestStore } from '../support/event-store.ts'
import { startFaultProxy } from '../support/fault-proxy.ts'

let test: TestStore
beforeAll(async () => {
  test = await startTestStore()
})
afterAll(() => test.close())

/** Appends this many events to a stream of its own; answers their ids in order. */
async function appended(count: number): Promise<string[]> {
  const ids = Array.from({ length: count }, () => randomUUID() as string)
  const cause = {
    $correlationId: 'c',
    $causationId: 'c',
    actor: { kind: 'system', id: 'test' } as const,
    commandId: 'c',
  }
  const event = { type: 'opslog.HeartbeatRecorded.v1', data: { occurredAt: '2026-01-01T00:00:00Z' } }
  const stream = `test.subscription-${randomUUID()}`
  for (let at = 0; at < ids.length; at += 500) {
    const revision = at === 0 ? undefined : BigInt(at - 1)
    await test.store.append(
      stream,
      revision,
      '',
      ids.slice(at, at + 500).map((id) => ({ id, event, cause })),
    )
  }
  return ids
}

/** Follows the log from its end until `until` is satisfied; what came, and in which batches. */
function following(options: Partial<SubscriptionOptions>, after: bigint | undefined) {
  const stopping = new AbortController()
  const seen: string[] = []
  const batches: number[] = []
  let position = after
  const waiting: { count: number; resolve: () => void }[] = []
  const running = runSubscription({
    registry,
    url: test.url,
    name: 'test',
    types: [],
    from: async () => position,
    batchMax: 50,
    readTimeoutMs: 20_000,
    backoffMinMs: 10,
    backoffMaxMs: 50,
    signal: stopping.signal,
    onError: () => undefined,
    ...options,
    async onBatch(events) {
      await options.onBatch?.(events)
      batches.push(events.length)
      seen.push(...events.map(({ id }) => id))
      position = events.at(-1)?.position
      for (const { count, resolve } of waiting) if (seen.length >= count) resolve()
    },
  })
  return {
    seen,
    batches,
    has: (count: number) => {
      const { promise, resolve } = Promise.withResolvers<void>()
      if (seen.length >= count) resolve()
      waiting.push({ count, resolve })
      return promise
    },
    stop: async () => {
      stopping.abort()
      await running
    },
  }
}

const end = async () => (await test.store.head())?.position

describe('a subscription', () => {
  it('gives a slow reader everything once and in order, a batch at most at a time', async () => {
    const after = await end()
    const ids = await appended(3_000)
    const slow = following({ onBatch: () => new Promise((resolve) => setImmediate(resolve)) }, after)
    await slow.has(ids.length)
    await slow.stop()
    expect(slow.seen).toEqual(ids)
    expect(Math.max(...slow.batches)).toBeLessThanOrEqual(50)
  })

  it('makes batches larger instead of more where they keep an interval', async () => {
    const paced = following({ batchIntervalMs: 100, batchMax: 500 }, await end())
    const ids: string[] = []
    for (let each = 0; each < 60; each++) ids.push(...(await appended(1)))
    await paced.has(ids.length)
    await paced.stop()
    expect(paced.seen).toEqual(ids)
    expect(paced.batches.length).toBeLessThan(ids.length / 2)
  })

  it('goes on where it was when the line breaks', async () => {
    const proxy = await startFaultProxy(test.url.replace('esdb:', 'http:'))
    const url = `esdb://127.0.0.1:${proxy.port}?tls=false`
    const followed = following({ url }, await end())
    const first = await appended(100)
    await followed.has(100)
    proxy.cut()
    const second = await appended(100)
    proxy.mend()
    await followed.has(200)
    await followed.stop()
    await proxy.close()
    expect(followed.seen).toEqual([...first, ...second])
  })

  it('drops and resumes after a handler that throws, and repeats nothing that was handled', async () => {
    const after = await end()
    const ids = await appended(120)
    let failures = 2
    const followed = following(
      {
        async onBatch() {
          if (failures-- > 0) throw new Error('not now')
        },
      },
      after,
    )
    await followed.has(ids.length)
    await followed.stop()
    expect(followed.seen).toEqual(ids)
  })

  it('that is stopped before it stands ends', async () => {
    const away = following({ url: 'esdb://127.0.0.1:9?tls=false' }, undefined)
    await away.stop()
    expect(away.seen).toEqual([])
  })
})
