/**
 * Whether the times at which the store says that it recorded events can be true: they follow each other as the events
 * do, none lies in the future, and each fits what its own event says of when it occurred. Clocks of several machines
 * differ, hence the tolerances; what a seal covers is covered to the tick.
 */
import { createdAt, type RawEvent } from './raw-log.ts'

export interface TimeTolerances {
  /** How far a clock may be set back between two events. */
  clockStepMaxMs: number
  /** How far the clocks of the store and of the deciding process may be apart. */
  clockSkewMaxMs: number
  /** From a decision by a request to its record, attempts that failed included. */
  recordingMaxMs: number
}

export const defaultTimeTolerances: TimeTolerances = {
  clockStepMaxMs: 1_000,
  clockSkewMaxMs: 5_000,
  recordingMaxMs: 300_000,
}

export interface Times {
  /** The log's events in order, with what they say themselves, where that can be read. */
  check(event: RawEvent, occurredAt: unknown, actorKind: unknown): void
}

/** Those who decide on request: what they decide is recorded at once. Engines may be cut off for as long as it takes. */
const PROMPT = ['operator', 'admin', 'auditor']

export function createTimes(
  tell: (event: RawEvent, detail: string) => void,
  nowMs: number,
  { clockStepMaxMs, clockSkewMaxMs, recordingMaxMs }: TimeTolerances = defaultTimeTolerances,
): Times {
  /** The last two events whose times follow each other, and these times. */
  let before: { event: RawEvent; atMs: number } | undefined
  let last: { event: RawEvent; atMs: number } | undefined
  /** A log that was copied from another store is late as a whole, and reported once. */
  let wereLate = false

  function followed(event: RawEvent, atMs: number): void {
    if (!last || atMs >= last.atMs - clockStepMaxMs) {
      before = last
      last = { event, atMs }
      return
    }
    // One of the two is wrong: the one that does not fit what stood before them.
    if (before && before.atMs > atMs + clockStepMaxMs) {
      tell(event, `it was recorded ${last.atMs - atMs} ms before the event before it`)
      return
    }
    tell(last.event, `it was recorded ${last.atMs - atMs} ms after the event behind it`)
    last = { event, atMs }
  }

  return {
    check(event, occurredAt, actorKind) {
      const atMs = createdAt(event).getTime()
      if (atMs > nowMs + clockSkewMaxMs) {
        tell(event, 'it was recorded at a time that is yet to come')
        return
      }
      followed(event, atMs)
      const occurredMs = typeof occurredAt === 'string' ? Date.parse(occurredAt) : Number.NaN
      if (Number.isNaN(occurredMs)) return
      if (atMs < occurredMs - clockSkewMaxMs) {
        tell(event, `it was recorded ${occurredMs - atMs} ms before it occurred`)
        return
      }
      if (!PROMPT.includes(String(actorKind))) return
      const isLate = atMs > occurredMs + recordingMaxMs
      if (isLate && !wereLate) tell(event, `it was recorded ${atMs - occurredMs} ms after it occurred`)
      wereLate = isLate
    },
  }
}
