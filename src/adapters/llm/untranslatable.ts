/**
 * What one format can say and the other cannot. It is never left out in silence: the provider of the other format is skipped,
 * with these words as the reason.
 */
import type { JsonValue } from './json-value.ts'

export class Untranslatable extends Error {
  override name = 'Untranslatable'
}

/** The value of a member that a request may have; undefined where it is absent, null, or stands for its absence. */
export const given = (value: JsonValue | undefined): JsonValue | undefined =>
  value === undefined || value.isNull ? undefined : value

/** `false`, `0`, `""`, `[]` and `{}`: what a client sends for what it does not want. */
export const isNeutral = (value: JsonValue): boolean =>
  value.isNull ||
  value.kind === 'false' ||
  ((value.kind === 'array' || value.kind === 'object' || value.kind === 'string') && value.size === 0) ||
  (value.kind === 'number' && Number(value.source) === 0)

/** Throws where the object has a member that is in neither list, unless it is neutral. */
export function refuseOthers(value: JsonValue, known: ReadonlySet<string>, what: string): void {
  for (const { key, value: member } of value.entries()) {
    if (!known.has(key) && !isNeutral(member)) throw new Untranslatable(`${what} ${key} has no counterpart`)
  }
}

export const words = (text: string): ReadonlySet<string> => new Set(text.trim().split(/\s+/))
