/**
 * An event in a sentence, for readers of a history. Placeholders are paths into the event's data. A type without a
 * sentence of its own is shown by its name and its data, so that a new one is never missing.
 */
import type { AnyEvent } from '../events/event.ts'

/** The envelope tells the time already, and ids and hashes say nothing to a reader; the data has them all. */
const isNameless = (key: string): boolean => key === 'occurredAt' || /(Id|Hash)$/.test(key)
/** What a sentence can carry. */
const VALUES_MAX = 6
/** A reason that a score was given is of this order. */
const VALUE_LENGTH_MAX = 160

/**
 * The event in a sentence. In a pattern `{a.b}` is a value; `{a?text}` is the text, with its own placeholders as `<a>`,
 * where there is a value.
 */
export function sentenceOf({ type, data }: AnyEvent, sentences: Readonly<Record<string, string>>): string {
  const pattern = sentences[type]
  if (pattern === undefined) return genericSentence(type, data)
  // In one pass: what an event brings along is never taken for a placeholder.
  return pattern.replace(/\{([\w.]+)(?:\?([^}]*))?\}/g, (_, path: string, text: string | undefined) => {
    const value = valueAt(data, path)
    if (text === undefined) return shown(value)
    if (value === undefined) return ''
    return text.replace(/<([\w.]+)>/g, (_match, inner: string) => shown(valueAt(data, inner)))
  })
}

/** `noctant.ChallengeStepPassed.v1` → `Challenge step passed: instanceId …, step 2`. */
function genericSentence(type: string, data: Record<string, unknown>): string {
  const name = type.split('.')[1] ?? type
  const words = name.replace(
    /([a-z])([A-Z])/g,
    (_, before: string, after: string) => `${before} ${after.toLowerCase()}`,
  )
  const values = Object.entries(data)
    .filter(([key, value]) => !isNameless(key) && value !== null && typeof value !== 'object')
    .slice(0, VALUES_MAX)
    .map(([key, value]) => `${key} ${shown(value)}`)
  return values.length === 0 ? words : `${words}: ${values.join(', ')}`
}

function valueAt(data: Record<string, unknown>, path: string): unknown {
  let value: unknown = data
  for (const key of path.split('.')) {
    value =
      typeof value === 'object' && value !== null && Object.hasOwn(value, key)
        ? (value as Record<string, unknown>)[key]
        : undefined
  }
  return value ?? undefined
}

/** On one line, bounded: what stands in an event may come from outside. */
function shown(value: unknown): string {
  const text = value === undefined ? 'unknown' : typeof value === 'object' ? JSON.stringify(value) : String(value)
  const line = text.replace(/\p{Cc}+/gu, ' ')
  return line.length > VALUE_LENGTH_MAX ? `${line.slice(0, VALUE_LENGTH_MAX)}…` : line
}
