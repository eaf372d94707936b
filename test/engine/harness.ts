/**
 * A running engine for tests: on a real message stream, a feed whose prices the test sets, an order entry client and a
 * recorder that plays the receiver's part (every message that came, and the account's events once each, in order).
 */
import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { DataOf } from '../../src/engine/account.ts'
import { manualFeed } from '../../src/engine/feed.ts'
import type { EngineOptions } from '../../src/engine/options.ts'
import { startEngine } from '../../src/engine/service.ts'
import type { EngineCommand, EngineEvent } from '../../src/gateway/contract.ts'
import { engineEventSchema } from '../../src/gateway/contract.ts'
import type { MessageStream } from '../../src/gateway/stream.ts'
import { recordingLog } from '../support/streams.ts'
import { startingPrices } from './examples.ts'

export const traderToken = 'token-of-the-traders-of-this-test'

export async function sendCommand(stream: MessageStream, command: EngineCommand, messageId: string = randomUUID()) {
  await stream.publish('commands', command.accountId, messageId, Buffer.from(JSON.stringify(command)))
}

/** Polls until the answer is truthy; the test's own timeout is the bound. */
export async function until<T>(look: () => T): Promise<NonNullable<T>> {
  for (;;) {
    const found = look()
    if (found) return found
    await delay(2)
  }
}

/** Receives the events stream like an ingest would. */
export function recordEvents(stream: MessageStream, durable = `recorder-${randomUUID()}`) {
  const messages: EngineEvent[] = []
  const byAccount = new Map<string, EngineEvent[]>()
  const stopping = new AbortController()
  const run = async () => {
    const options = { durable, maxAckPending: 1_000, ackWaitMs: 30_000, signal: stopping.signal }
    for await (const batch of stream.consume('events', options)) {
      for (const message of batch) {
        const event = engineEventSchema.parse(JSON.parse(Buffer.from(message.body).toString()))
        messages.push(event)
        const known = byAccount.get(event.accountId) ?? []
        if (event.sequence === known.length + 1) byAccount.set(event.accountId, [...known, event])
        message.ack()
      }
    }
  }
  const done = run()
  const of = (accountId: string) => byAccount.get(accountId) ?? []
  return {
    messages,
    of,
    types: (accountId: string) => of(accountId).map((event) => event.type),
    decisionOf: (commandId: string) =>
      until(() => {
        const found = messages.find((event) => event.type === 'CommandDecided' && event.commandId === commandId)
        return found?.type === 'CommandDecided' ? found.data : undefined
      }),
    async firstOf<T extends EngineEvent['type']>(accountId: string, type: T): Promise<DataOf<T>> {
      const event = await until(() => of(accountId).find((candidate) => candidate.type === type))
      return event.data as DataOf<T>
    },
    async stop() {
      stopping.abort()
      await done
    },
  }
}

/** Starts an engine with quick intervals; anything may be overridden. */
export async function startTestEngine(
  base: { directory: string; stream: MessageStream },
  overrides: Partial<EngineOptions> = {},
) {
  const feed = manualFeed(startingPrices)
  const log = recordingLog()
  const engine = await startEngine({
    ...base,
    feed,
    log,
    orderEntry: { host: '127.0.0.1', port: 0, token: traderToken },
    tickIntervalMs: 5,
    unknownAccountDelayMs: 20,
    failedCommandDelayMs: 20,
    streamPollMs: 5,
    ...overrides,
  })
  return { engine, feed, log, entry: orderEntryClient(engine.url) }
}

export function orderEntryClient(url: string, token = traderToken) {
  const request = async (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) => {
    const response = await fetch(url + path, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    const text = await response.text()
    return { status: response.status, headers: response.headers, text, body: JSON.parse(text) }
  }
  return {
    request,
    get: (path: string) => request('GET', path),
    order: (order: object) => request('POST', '/orders', order),
    cancel: (orderId: string) => request('DELETE', `/orders/${orderId}`),
  }
}
