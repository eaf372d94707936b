/** What webhooks tell of an event, in which order, and whose personal data is in it. */
import type { Recorded } from '../events/event.ts'
import type { PublishedEvent, PublishedEvents } from '../events/published.ts'
import type { Registry } from '../events/registry.ts'
import type { Named, WebhookNames } from '../events/webhook.ts'

/** An event under one of its public names, and whose it is. */
export interface Told<R> {
  event: Recorded
  entry: PublishedEvent
  recipient: R
}

/** Deliveries that are written at once. */
const WRITES_MAX = 16

/** What is published of this event. */
export function publishedEventsOf(
  published: PublishedEvents,
  { type, data }: Pick<Recorded, 'type' | 'data'>,
): PublishedEvent[] {
  const entries = published.get(type) ?? []
  const all: readonly PublishedEvent[] = 'type' in entries ? [entries] : entries
  return all.filter(({ only }) => only?.(data) ?? true)
}

/** Whose personal data is published with this event; nobody's where none is left of it. */
export function personToldOf(
  { person }: WebhookNames,
  registry: Registry,
  { type, data }: Recorded,
  { fields }: PublishedEvent,
): Named {
  const told = registry.personalFieldsOf(type)?.filter(({ name }) => fields.includes(name)) ?? []
  const personId = data[person]
  if (typeof personId !== 'string' || !told.some(({ name }) => data[name] !== null)) return {}
  return { [person]: personId }
}

/** The items of each order in turn; one that is in none stands alone. */
export function inOrder<T>(items: readonly T[], orderOf: (item: T) => string | undefined): T[][] {
  const orders = new Map<string, T[]>()
  const all: T[][] = []
  for (const item of items) {
    const order = orderOf(item)
    const known = order === undefined ? undefined : orders.get(order)
    if (known) known.push(item)
    else {
      const begun = [item]
      all.push(begun)
      if (order !== undefined) orders.set(order, begun)
    }
  }
  return all
}

/** Does the work for all of them, some side by side. Throws the first failure after all that had begun have ended. */
export async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  for (let start = 0; start < items.length; start += WRITES_MAX) {
    const settled = await Promise.allSettled(items.slice(start, start + WRITES_MAX).map(work))
    const failed = settled.find((result) => result.status === 'rejected')
    if (failed) throw failed.reason
  }
}
