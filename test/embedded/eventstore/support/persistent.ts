/** What the tests of persistent subscriptions share. */
import {
  type EventStoreDBClient,
  NO_STREAM,
  type PersistentSubscriptionToStream,
  type PersistentSubscriptionToStreamSettings,
  persistentSubscriptionToStreamSettingsFromDefaults,
  type ResolvedEvent,
  START,
} from '@eventstore/db-client'
import { newStream, numbered } from './node.ts'

/** The numbers from `first` on. */
export const upTo = (count: number, first = 0) => Array.from({ length: count }, (_, index) => first + index)
export const settingsOf = (settings: Partial<PersistentSubscriptionToStreamSettings> = {}) =>
  persistentSubscriptionToStreamSettingsFromDefaults({ startFrom: START, ...settings })

/** A stream of numbered events and a group on it. */
export async function groupOn(
  client: EventStoreDBClient,
  count: number,
  settings: Partial<PersistentSubscriptionToStreamSettings> = {},
) {
  const stream = newStream()
  const group = newStream('group')
  if (count > 0) await client.appendToStream(stream, numbered(count), { expectedRevision: NO_STREAM })
  await client.createPersistentSubscriptionToStream(stream, group, settingsOf(settings))
  return { stream, group }
}

export type Received = { number: number; retryCount: number }

/** Takes events, doing with each what the test says, until `count` were taken. */
export async function work(
  subscription: PersistentSubscriptionToStream,
  count: number,
  handle: (event: ResolvedEvent & { retryCount: number }, number: number) => Promise<void>,
): Promise<Received[]> {
  const received: Received[] = []
  const iterator = subscription[Symbol.asyncIterator]()
  while (received.length < count) {
    const { value, done } = await iterator.next()
    if (done) throw new Error('the subscription ended')
    const { number } = value.event!.data as { number: number }
    received.push({ number, retryCount: value.retryCount })
    await handle(value, number)
  }
  return received
}

/** Asks until the condition holds; the test's timeout is the bound. */
export async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setImmediate(resolve))
}
