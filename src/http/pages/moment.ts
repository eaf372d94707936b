/** A time as people write it: UTC where nothing else is said. */
import { invalid } from '../errors.ts'

const MOMENT = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?))?\s*(Z|UTC|[+-]\d\d:\d\d)?$/

/** RFC 3339 in UTC. Throws a Problem (400) that names the place. */
export function momentOf(text: string, place: string): string {
  const [, day, clock = '00:00', zone = 'Z'] = MOMENT.exec(text) ?? []
  const ms = day === undefined ? Number.NaN : Date.parse(`${day}T${clock}${zone === 'UTC' ? 'Z' : zone}`)
  if (Number.isNaN(ms)) throw invalid(place, 'invalid_format', 'A time is written like 2026-01-31 09:00, in UTC.')
  return new Date(ms).toISOString()
}
