/**
 * A walk over the log that ends: when it has seen all it was to see, when it has enough, or when its budget is spent; in
 * the last two cases it says where it can be taken up. Between two slices of time it lets others in the process have a turn.
 */
import { setImmediate as turn } from 'node:timers/promises'
import type { RawEvent, RawLog } from './raw-log.ts'

/** What one question may cost, over all the walks that it takes. */
export interface Budget {
  spend(events?: number): void
  isSpent(): boolean
  /** Events looked at so far. */
  spent(): number
  /** Asked at each event: undefined, until a slice is over. Then it resolves when others in the process have had a turn. */
  breath(): Promise<void> | undefined
}

export interface BudgetOptions {
  eventsMax: number
  timeMaxMs: number
  /** The caller has gone. */
  signal?: AbortSignal | undefined
}

/** Of the event loop, of which a read takes so much at a time: some fifty events. */
const SLICE_MAX_MS = 1

export function createBudget({ eventsMax, timeMaxMs, signal }: BudgetOptions): Budget {
  const endsAtMs = performance.now() + timeMaxMs
  let events = 0
  let sliceEndsAtMs = performance.now() + SLICE_MAX_MS
  const rest = async () => {
    await turn()
    sliceEndsAtMs = performance.now() + SLICE_MAX_MS
  }
  return {
    breath: () => (performance.now() < sliceEndsAtMs ? undefined : rest()),
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
    const breath = budget.breath()
    if (!breath) continue
    onProgress?.(event.position)
    await breath
  }
  return { last, isFinished: true }
}
