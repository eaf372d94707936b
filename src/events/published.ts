/**
 * How webhooks publish an event: under a public name, with a choice of its facts in snake case. Each context declares its
 * catalogue. These names and fields are a promise to the receivers.
 */
import { inSnakeCase, snakeCase } from '../runtime/letter-case.ts'

export interface PublishedEvent {
  /** Its public name: `account.opened`. */
  type: string
  /** One sentence that says when it comes. */
  says: string
  /** The published members of the event's data. */
  fields: readonly string[]
  /** Which of the events of this type; absent: all. */
  only?: (data: Readonly<Record<string, unknown>>) => boolean
}

/** Event type → how it is published; several: it is told as each of them. */
export type PublishedEvents = ReadonlyMap<string, PublishedEvent | readonly PublishedEvent[]>

/** The published facts as receivers read them: in snake case at every depth. */
export function publishedData(
  { fields }: PublishedEvent,
  data: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  return Object.fromEntries(fields.map((field) => [snakeCase(field), inSnakeCase(data[field])]))
}
