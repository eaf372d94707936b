/**
 * What it takes to tell others of an event by webhook: a public name and a choice of its facts, in snake case. Each
 * context declares its catalogue; these names and fields are a promise to whoever receives webhooks.
 */
import { snakeCase } from '../runtime/letter-case.ts'

export interface PublishedEvent {
  /** What receivers call it: `account.opened`. */
  type: string
  /** One sentence on when it comes. */
  says: string
  /** Members of the event's data that are passed on, in snake case. */
  fields: readonly string[]
  /** Which of the events of this type; absent: all. */
  only?: (data: Readonly<Record<string, unknown>>) => boolean
}

/** The facts that are passed on, as receivers read them: snake case down to the last member. */
export function publishedData(
  { fields }: PublishedEvent,
  data: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  return Object.fromEntries(fields.map((field) => [snakeCase(field), inSnakeCase(data[field])]))
}

function inSnakeCase(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inSnakeCase)
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [snakeCase(name), inSnakeCase(member)]))
}
