/**
 * A walk over the log that ends: when it has seen all it was to see, when it has enough, or when its budget is spent; in
 * the last two cases it says where it can be taken up. Between two slices it lets others in the process have a turn.
 */
import { setImmediate as breath } from 'node:timers/promises'
import type { RawEvent, RawLog } from './raw-log.ts'

/** What one question may cost, over all the walks that it takes. */
export interface Budget {
  spend(events?: number): void
  isSpent(): boolean
  /** Events looked at so far. */
  spent(): number
}

export interface BudgetOptions {
  eventsMax: number
  timeMaxMs: number
  /** The caller has gone. */
  signal?: AbortSignal | undefined
}

export function createBudget({ eventsMax, timeMaxMs, signal }: BudgetOptions): Budget {
  const endsAtMs = performance.now() + timeMaxMs
  let events = 0
  return {
    spend(more = 1) {
      events += more
    },
    isSpent: () => events >= eventsMax || performance.now() >= endsAtMs || signal?.aborted === true,
    spent: () => events,
  }
}

/** For those who pay with their own time: the command line. */
export const unlimited = (): Budget =>
  createBudget({ eventsMax: Number.POSITIVE_INFINITY, timeMaxMs: Number.POSITIVE_INFINITY })

export interface Walk {
  /** Begins behind this position; undefined: at the log's start. */
  after?: bigint | undefined
  /** The first event that is not wanted any more ends the walk. */
  isPast?: (event: RawEvent) => boolean
  /** Asked before each event. */
  isEnough?: () => boolean
  onProgress?: (position: bigint) => void
}

export interface Walked {
  /** Position of the last event that was visited, or where the walk began. */
  last: bigint | undefined
  /** Nothing that was to be seen is left. */
  isFinished: boolean
}

/** Between two turns of the event loop: about a millisecond. */
const SLICE_EVENTS = 256

/** Visits events in order, one at a time. */
export async function walk(
  log: Pick<RawLog, 'readAll'>,
  { after, isPast, isEnough, onProgress }: Walk,
  budget: Budget,
  visit: (event: RawEvent) => Promise<void> | void,
): Promise<Walked> {
  let last = after
  let events = 0
  for await (const event of log.readAll(after)) {
    if (isPast?.(event)) return { last, isFinished: true }
    if (events > 0 && (isEnough?.() || budget.isSpent())) return { last, isFinished: false }
    const work = visit(event)
    if (work) await work
    last = event.position
    budget.spend()
    events += 1
    if (events % SLICE_EVENTS !== 0) continue
    onProgress?.(event.position)
    await breath()
  }
  return { last, isFinished: true }
}
