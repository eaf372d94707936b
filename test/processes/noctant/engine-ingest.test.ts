import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { chainHash } from '../../../src/events/chain.ts'
import type { EngineEvent } from '../../../src/gateway/contract.ts'
import type { MessageStream } from '../../../src/gateway/stream.ts'
import { runEngineIngest } from '../../../src/processes/noctant/engine-ingest.ts'
import { eventsOf, startTestStore, type TestStore } from '../../support/event-store.ts'
import { receive, recordingLog, streamKinds } from '../../support/streams.ts'

let node: TestStore
beforeAll(async () => {
  node = await startTestStore()
})
afterAll(() => node.close())

const balanceEvent = (accountId: string, sequence: number, eventId: string = randomUUID()): EngineEvent => ({
  eventId,
  accountId,
  sequence,
  commandId: null,
  occurredAt: '2026-01-02T03:04:05.678Z',
  type: 'BalanceChanged',
  data: { balance: `${100 + sequence}.00`, change: '1.00', cause: 'trade', reference: `trade ${sequence}` },
})

function publish(stream: MessageStream, event: EngineEvent, messageId: string = randomUUID()) {
  return stream.publish('events', event.accountId, messageId, new TextEncoder().encode(JSON.stringify(event)))
}

describe.each(streamKinds())('the engine ingest over $name', ({ open }) => {
  async function running() {
    const stream = await open()
    const log = recordingLog()
    const stopped = new AbortController()
    const ingest = runEngineIngest({
      stream,
      store: node.store,
      log,
      ackPendingMax: 100,
      ackWaitMs: 2_000,
      accountsCacheMax: 100,
      resendIntervalMs: 100,
      signal: stopped.signal,
    })
    onTestFinished(async () => {
      stopped.abort()
      await ingest
      await stream.close()
    })
    const recordedOf = (accountId: string) => eventsOf(node.store, `noctant.engine-${accountId}`)
    return { stream, log, recordedOf }
  }

  it('records each event once, in order, under its own id, however often it is delivered', async () => {
    const { stream, recordedOf } = await running()
    const accountId = randomUUID()
    const events = [1, 2, 3].map((sequence) => balanceEvent(accountId, sequence))
    for (const event of [...events, ...events]) await publish(stream, event)
    await publish(stream, balanceEvent(accountId, 4))
    await vi.waitFor(async () => expect(await recordedOf(accountId)).toHaveLength(4), 10_000)
    const recorded = await recordedOf(accountId)
    expect(recorded.slice(0, 3).map((event) => event.id)).toEqual(events.map((event) => event.eventId))
    expect(recorded.map((event) => event.data.sequence)).toEqual([1, 2, 3, 4])
  })

  it('chains the hashes of what it records', async () => {
    const { stream, recordedOf } = await running()
    const accountId = randomUUID()
    for (const sequence of [1, 2]) await publish(stream, balanceEvent(accountId, sequence))
    await vi.waitFor(async () => expect(await recordedOf(accountId)).toHaveLength(2), 10_000)
    let prevHash = ''
    for (const { type, data, metadata } of await recordedOf(accountId)) {
      const { hash, ...unsealed } = metadata
      expect(metadata.prevHash).toBe(prevHash)
      expect(chainHash(prevHash, type, JSON.stringify(data), JSON.stringify(unsealed))).toBe(hash)
      prevHash = hash
    }
  })

  it('waits at a gap, asks the engine for what is missing, and goes on when it comes', async () => {
    const { stream, log, recordedOf } = await running()
    const accountId = randomUUID()
    await publish(stream, balanceEvent(accountId, 1))
    await publish(stream, balanceEvent(accountId, 3))
    const [request] = await receive(stream, 'commands', 1)
    expect(JSON.parse(new TextDecoder().decode(request?.body))).toEqual({
      kind: 'resend_events',
      accountId,
      fromSequence: 2,
    })
    expect(await recordedOf(accountId)).toHaveLength(1)
    // What is missing may only be late: it is an alarm when it stays away.
    expect(log.lines.filter(({ level }) => level === 'error')).toEqual([])
    const isAlarm = (line: { level: string; message: string }) => line.level === 'error' && line.message.includes('gap')
    await vi.waitFor(() => expect(log.lines.some(isAlarm)).toBe(true), 15_000)
    await publish(stream, balanceEvent(accountId, 2))
    await vi.waitFor(async () => expect(await recordedOf(accountId)).toHaveLength(3), 10_000)
  })

  it('sets an event aside that contradicts the record, and leaves the record alone', async () => {
    const { stream, log, recordedOf } = await running()
    const accountId = randomUUID()
    const first = balanceEvent(accountId, 1)
    await publish(stream, first)
    await vi.waitFor(async () => expect(await recordedOf(accountId)).toHaveLength(1), 10_000)
    await publish(stream, balanceEvent(accountId, 1))
    await vi.waitFor(() => expect(log.lines.map((line) => line.message)).toContain('engine event quarantined'), 10_000)
    expect((await recordedOf(accountId)).map((event) => event.id)).toEqual([first.eventId])
  })

  it('sets a message aside that does not fit the contract, and goes on with the account', async () => {
    const { stream, log, recordedOf } = await running()
    const accountId = randomUUID()
    await stream.publish('events', accountId, randomUUID(), new TextEncoder().encode('{"no":"event"}'))
    await publish(stream, balanceEvent(accountId, 1))
    await vi.waitFor(async () => expect(await recordedOf(accountId)).toHaveLength(1), 10_000)
    await vi.waitFor(() => expect(log.lines.map((line) => line.message)).toContain('engine event quarantined'), 10_000)
  })
})
