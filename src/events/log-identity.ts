/**
 * Which log this is. A log carries an identity, written into it once, and an installation remembers the identity and the
 * events that its checkpoints stand at. An event store may be another one after any reconnection: an empty one, an older
 * copy, one that belongs to somebody else. So whoever is about to read from a connection, or to write to it, confirms it
 * here first.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { z } from 'zod'
import type { EventDeclarations } from './registry.ts'
import { StoreUnavailable } from './unavailable.ts'

export const LOG_IDENTITY_STREAM = 'opslog.log-identity'
export const LOG_IDENTIFIED = 'opslog.LogIdentified.v1'
export const LOG_ADOPTED = 'opslog.LogAdopted.v1'

const position = z.string().regex(/^\d+$/)

export const logEvents: EventDeclarations = {
  schemas: {
    [LOG_IDENTIFIED]: z.object({ logId: z.uuid(), occurredAt: z.iso.datetime() }),
    [LOG_ADOPTED]: z.object({
      logId: z.uuid(),
      /** The log that the installation had before; null: it had none on record. */
      formerLogId: z.uuid().nullable(),
      /** How far the installation had come in its former log. */
      formerPosition: position,
      formerEventId: z.uuid(),
      /** Up to here the two are alike, as far as is known; null: they have nothing in common. */
      commonPosition: position.nullable(),
      occurredAt: z.iso.datetime(),
    }),
  },
  sentences: {
    [LOG_IDENTIFIED]: 'This log was given its identity {logId}',
    [LOG_ADOPTED]: 'An installation that had come to position {formerPosition} of its log went on with this one',
  },
}

/** An event that stands, or is to stand, in the log. */
export interface Mark {
  position: bigint
  eventId: string
}

/** What an installation knows of its log. */
export interface KnownLog {
  /** Undefined where it has none on record yet. */
  logId: string | undefined
  /** The furthest of its checkpoints; undefined before the first event. */
  mark: Mark | undefined
}

/** The log that a connection leads to, as its leader knows it. */
export interface LogView {
  logId(): Promise<string | undefined>
  eventIdAt(position: bigint): Promise<string | undefined>
  /** Position of the last event; undefined in an empty log. */
  headPosition(): Promise<bigint | undefined>
}

/** The event store has another log than this installation's. Nothing was written. It goes on when the right one is back. */
export class LogMismatch extends StoreUnavailable {
  override name = 'LogMismatch'
}

export interface LogGuard {
  /**
   * Rejects with LogMismatch where a connection leads to another log, and with what the store or the database reject with
   * where that cannot be learned. `own`: an event that has to be in it too.
   */
  confirm(view: LogView, own?: Mark): Promise<void>
  /** Remembers an event that this process has just written: it has to be in the log from now on. */
  wrote(mark: Mark): void
  /** What was wrong when it was last asked for, in a sentence; undefined where nothing was. */
  mismatch(): string | undefined
  /** Has `listener` called when the log turns out to be another one, and when the right one is back. */
  onChange(listener: () => void): void
}

export interface LogGuardOptions {
  known: () => Promise<KnownLog>
  /** So long an answer that is wrong is asked for again: a follower, or a leader that has just been elected, may be behind. */
  patienceMs?: number
  /** Between two times. */
  retryMs?: number
  onMismatch?: (sentence: string) => void
  onMatch?: () => void
}

const PATIENCE_MS = 4_000
const RETRY_MS = 500

export function createLogGuard(options: LogGuardOptions): LogGuard {
  const { patienceMs = PATIENCE_MS, retryMs = RETRY_MS } = options
  const listeners: (() => void)[] = []
  let mismatch: string | undefined
  let last: KnownLog | undefined
  let written: Mark | undefined

  /** While the database is away, what it said last is as good: an identity does not change, and marks only grow. */
  async function known(): Promise<KnownLog> {
    try {
      last = await options.known()
      return last
    } catch (error) {
      if (last) return last
      throw error
    }
  }

  function settle(found: string | undefined): void {
    if (found === mismatch) return
    const hasChanged = (found === undefined) !== (mismatch === undefined)
    mismatch = found
    if (!hasChanged) return
    if (found === undefined) options.onMatch?.()
    else options.onMismatch?.(found)
    for (const listener of listeners) listener()
  }

  async function faultOf(view: LogView, own: Mark | undefined): Promise<string | undefined> {
    const { logId, mark } = await known()
    // What was written to a log that the installation has left since does not count any more.
    if (last && written && last.logId !== logId) written = undefined
    return differenceOf(view, { logId, marks: [mark, own, written].filter((each) => each !== undefined) })
  }

  return {
    async confirm(view, own) {
      // Who knows already that it is another log is not kept waiting.
      const deadlineMs = performance.now() + (mismatch === undefined ? patienceMs : 0)
      let fault = await faultOf(view, own)
      while (fault !== undefined && performance.now() < deadlineMs) {
        await delay(retryMs)
        fault = await faultOf(view, own)
      }
      settle(fault)
      if (fault !== undefined) throw new LogMismatch(fault)
    },
    wrote(mark) {
      if (written === undefined || mark.position > written.position) written = mark
    },
    mismatch: () => mismatch,
    onChange: (listener) => void listeners.push(listener),
  }
}

/** Why a log is not the one that is known, in a sentence; undefined where it is. */
export async function differenceOf(
  view: LogView,
  { logId, marks }: { logId: string | undefined; marks: readonly Mark[] },
): Promise<string | undefined> {
  const found = await view.logId()
  if (logId !== undefined && found !== logId) {
    const other = found === undefined ? 'a log without an identity' : `the log ${found}`
    const head = await view.headPosition()
    const extent = head === undefined ? 'which is empty' : `which ends at position ${head}`
    return `The event store has ${other}, ${extent}; this installation belongs to the log ${logId}.`
  }
  const seen = new Set<bigint>()
  for (const { position: at, eventId } of marks) {
    if (seen.has(at)) continue
    seen.add(at)
    const there = await view.eventIdAt(at)
    if (there === eventId) continue
    const head = await view.headPosition()
    const instead = there === undefined ? 'no event there' : `the event ${there} there`
    return (
      `The event store has an older or another copy of the log: this installation has come to position ${at} ` +
      `(event ${eventId}), and the store, which ends at position ${head ?? 0}, has ${instead}.`
    )
  }
  return undefined
}

/** Who stands still because the event store has another log shows it, and shows when it goes on. Rejects as `look` does. */
export async function haltAtMismatch(
  figures: { state: string; fault: string | undefined },
  look: () => Promise<void>,
): Promise<void> {
  try {
    await look()
    if (figures.state !== 'halted') return
    figures.state = 'leading'
    figures.fault = undefined
  } catch (error) {
    if (error instanceof LogMismatch) {
      figures.state = 'halted'
      figures.fault = error.message
    }
    throw error
  }
}
