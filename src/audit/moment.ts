/** A moment in the log: a time (RFC 3339) or a commit position. */
import { timeMs } from '../runtime/rfc3339.ts'
import { createdAt, type RawEvent } from './raw-log.ts'

export type Moment = { position: bigint } | { time: Date }

/** Of a position in the log: 64 bits. */
const DIGITS_MAX = 19
/** A date alone is its midnight in UTC. */
const DAY = /^\d{4}-\d\d-\d\d$/

/** The moment that a text names; undefined where it is neither a position nor a time. */
export function parseMoment(text: string): Moment | undefined {
  if (/^\d+$/.test(text)) return text.length > DIGITS_MAX ? undefined : { position: BigInt(text) }
  const ms = timeMs(DAY.test(text) ? `${text}T00:00:00Z` : text)
  return Number.isNaN(ms) ? undefined : { time: new Date(ms) }
}

export const isAfter = (event: RawEvent, moment: Moment): boolean =>
  'position' in moment ? event.position > moment.position : createdAt(event) > moment.time
