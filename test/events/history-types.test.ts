/** A reader of history opens what it asks for: another context's personal data, whose keys may be away, is passed over. */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { AnyEvent } from '../../src/events/event.ts'
import { PersonKeysUnavailable } from '../../src/events/sealing.ts'
import { readHistory } from '../../src/events/subscription.ts'
import { sampleRegistry as registry } from '../sample/context.ts'
import { memberJoined, memberStream } from '../sample/member.ts'
import { startTestStore, type TestStore } from '../support/event-store.ts'

let test: TestStore
beforeAll(async () => {
  test = await startTestStore(registry)
})
afterAll(() => test.close())

it('without keys delivers other contexts’ events, and stops at its own that are sealed', async () => {
  const cause = {
    $correlationId: 'c',
    $causationId: 'c',
    actor: { kind: 'system', id: 'test' } as const,
    commandId: 'c',
  }
  const append = (stream: string, event: AnyEvent) =>
    test.store.append(stream, undefined, '', [{ id: randomUUID(), event, cause }])
  await append(memberStream(randomUUID()), memberJoined())
  const heartbeat = { type: 'opslog.HeartbeatRecorded.v1', data: { occurredAt: '2026-01-01T00:00:00Z' } }
  await append(`test.history-${randomUUID()}`, heartbeat)
  const away = async (): Promise<never> => {
    throw new PersonKeysUnavailable('there is no key to open keys with')
  }
  const personKeys = { ...test.keys, find: away, ensure: away }
  const source = { url: test.url, registry, batchMax: 100, readTimeoutMs: 10_000, personKeys }
  const typesIn = async (types?: readonly string[]) =>
    (await Array.fromAsync(readHistory({ ...source, ...(types && { types }) }, undefined)))
      .flat()
      .map(({ type }) => type)
  expect(await typesIn(['opslog.'])).toStrictEqual([heartbeat.type])
  await expect(typesIn(['sample.'])).rejects.toThrow(PersonKeysUnavailable)
  await expect(typesIn()).rejects.toThrow(PersonKeysUnavailable)
})
