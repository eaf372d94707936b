/** An append that can never succeed is told apart from one that is to be tried again. */
import { randomUUID } from 'node:crypto'
import { EventStoreDBClient } from '@eventstore/db-client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { AppendRefused, createEventStore } from '../../src/events/store.ts'
import { describeError, kernelErrors } from '../../src/http/errors.ts'
import { sampleRegistry as registry } from '../sample/context.ts'
import { startTestStore, type TestStore } from '../support/event-store.ts'
import { startGuardedEventStore } from '../support/guarded-event-store.ts'

let node: TestStore
beforeAll(async () => {
  node = await startTestStore(registry)
})
afterAll(() => node.close())

const actor = { kind: 'system', id: 'test' } as const
const cause = { $correlationId: 'c', $causationId: 'c', actor, commandId: 'c' }
const append = (
  store: TestStore['store'],
  stream: string,
  data: Record<string, unknown> = {},
  type = 'opslog.HeartbeatRecorded.v1',
) => store.append(stream, undefined, '', [{ id: randomUUID(), event: { type, data }, cause }])

const outcome = async (appending: Promise<unknown>) => {
  const error = await appending.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(AppendRefused)
  const { code } = describeError(error, () => false)
  const { status, retryAfterS } = kernelErrors[code as 'append_refused']
  return { code, status, retryAfterS }
}

describe('an append is refused for good', () => {
  it('where its events are larger than the store takes', async () => {
    const appending = append(node.store, `test.large-${randomUUID()}`, { note: 'x'.repeat(1_100_000) })
    expect(await outcome(appending)).toEqual({ code: 'append_too_large', status: 413, retryAfterS: undefined })
  })

  it('where its stream was deleted for ever', async () => {
    const stream = `test.gone-${randomUUID()}`
    const client = EventStoreDBClient.connectionString(node.url)
    await client.tombstoneStream(stream)
    await client.dispose()
    const refused = { code: 'append_refused', status: 500, retryAfterS: undefined }
    expect(await outcome(append(node.store, stream))).toEqual(refused)
    expect(await outcome(node.store.readLast(stream))).toEqual(refused)
  })

  it.each([
    ['sample.MemberForgotten.v1', 'billing'],
    ['sample.MemberForgotten.v1', 'sample.room'],
    ['sample.NeverHeardOf.v1', 'samplely'],
    ['billing.OrderPlaced.v1', 'sample.member'],
  ])('where no context declares %s in the category %s', async (type, category) => {
    const stream = `${category}-${randomUUID()}`
    const refused = { code: 'append_refused', status: 500, retryAfterS: undefined }
    expect(await outcome(append(node.store, stream, {}, type))).toEqual(refused)
    expect(await node.store.readLast(stream)).toBeUndefined()
  })

  it('where the store does not let this user write', async () => {
    const guarded = await startGuardedEventStore({ permitted: ['read', 'read $all'] })
    const url = `esdb://127.0.0.1:${guarded.port}?tls=false`
    const store = createEventStore({ registry, url, deadlineMs: 2_000, appendAttemptsMax: 1 })
    const refused = { code: 'append_refused', status: 500, retryAfterS: undefined }
    expect(await outcome(append(store, `test.denied-${randomUUID()}`))).toEqual(refused)
    await store.close()
    guarded.close()
  })
})
