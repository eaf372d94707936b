/** A moment in the log: a time (RFC 3339) or a commit position. */
import { createdAt, type RawEvent } from './raw-log.ts'

export type Moment = { position: bigint } | { time: Date }

const DIGITS_MAX = 19
/** RFC 3339; a date alone is its midnight in UTC. */
const TIME = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d))?$/i

/** The moment that a text names; undefined where it is neither a position nor a time. */
export function parseMoment(text: string): Moment | undefined {
  if (/^\d+$/.test(text)) return text.length > DIGITS_MAX ? undefined : { position: BigInt(text) }
  if (!TIME.test(text)) return undefined
  const time = new Date(text)
  return Number.isNaN(time.getTime()) ? undefined : { time }
}

export const isAfter = (event: RawEvent, moment: Moment): boolean =>
  'position' in moment ? event.position > moment.position : createdAt(event) > moment.time
