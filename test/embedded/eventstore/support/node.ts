/**
 * The server that the protocol tests talk to: an embedded node of their own, or, where EVENTSTORE_URL names one, any
 * real server. Stream names are unique to each test, so that a shared server can be used again and again.
 */
import { randomUUID } from 'node:crypto'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { EventStoreDBClient, type JSONEventType, jsonEvent, type ResolvedEvent } from '@eventstore/db-client'
import type { EventStoreOptions } from '../../../../src/embedded/eventstore/options.ts'
import { startEventStoreNode } from '../../../support/event-store-node.ts'

export type TestServer = {
  url: string
  client: EventStoreDBClient
  /** A further client with a connection of its own; it is closed with the server. */
  connect: () => EventStoreDBClient
  close: () => Promise<void>
}

/** `inMemory` is for tests that damage files by hand and restart a thousand times: there syncs cost nothing. */
export function temporaryDirectory(inMemory = false): { path: string; remove: () => void } {
  const base = inMemory && existsSync('/dev/shm') ? '/dev/shm' : tmpdir()
  const path = mkdtempSync(join(base, 'eventstore-'))
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) }
}

export async function startServer(options: Partial<EventStoreOptions> = {}): Promise<TestServer> {
  const external = process.env.EVENTSTORE_URL
  const directory = external ? undefined : temporaryDirectory()
  const node = directory && (await startEventStoreNode({ directory: directory.path, ...options }))
  const url = external ?? node!.url
  const clients: EventStoreDBClient[] = []
  const connect = () => {
    const client = EventStoreDBClient.connectionString(url)
    clients.push(client)
    return client
  }
  const close = async () => {
    for (const client of clients) await client.dispose()
    await node?.close()
    directory?.remove()
  }
  return { url, client: connect(), connect, close }
}

/** Events that the node itself writes into a fresh log. */
export const OWN_EVENTS = 1

/** A stream name that no other test uses. */
export function newStream(label = 'stream'): string {
  return `${label}-${randomUUID()}`
}

export type TestEvent = JSONEventType<string, Record<string, unknown>>

/** Events with the data `{ number: first … }`. */
export function numbered(count: number, first = 0, type = 'test.Counted.v1') {
  return Array.from({ length: count }, (_, index) => jsonEvent<TestEvent>({ type, data: { number: first + index } }))
}

export async function collect(events: AsyncIterable<ResolvedEvent>): Promise<ResolvedEvent[]> {
  return Array.fromAsync(events)
}

export function revisionsOf(events: readonly ResolvedEvent[]): bigint[] {
  return events.map(({ event }) => event!.revision)
}

export function numbersOf(events: readonly ResolvedEvent[]): unknown[] {
  return events.map(({ event }) => (event!.data as { number: number }).number)
}

/** The first `count` events of a subscription, which is left open. */
export async function take(subscription: AsyncIterable<ResolvedEvent>, count: number): Promise<ResolvedEvent[]> {
  const events: ResolvedEvent[] = []
  const iterator = subscription[Symbol.asyncIterator]()
  while (events.length < count) {
    const { value, done } = await iterator.next()
    if (done) throw new Error(`the subscription ended after ${events.length} of ${count} events`)
    events.push(value)
  }
  return events
}
