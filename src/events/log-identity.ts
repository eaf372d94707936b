/**
 * The identity of the log, written into it once. An installation remembers it, and the events that its checkpoints stand at.
 * After any reconnection the event store may be another one: an empty one, an older copy, or one of another installation.
 * So every reader and writer confirms its connection here first.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { z } from 'zod'
import type { EventDeclarations } from './registry.ts'
import { StoreUnavailable } from './unavailable.ts'

export const LOG_IDENTITY_STREAM = 'opslog.log-identity'
export const LOG_IDENTIFIED = 'opslog.LogIdentified.v1'
export const LOG_ADOPTED = 'opslog.LogAdopted.v1'

const position = z.string().regex(/^\d+$/)

export const logEvents: Omit<EventDeclarations, 'categories'> = {
  schemas: {
    [LOG_IDENTIFIED]: z.object({ logId: z.uuid(), occurredAt: z.iso.datetime() }),
    [LOG_ADOPTED]: z.object({
      logId: z.uuid(),
      /** The log that the installation had before; null: it had none on record. */
      formerLogId: z.uuid().nullable(),
      /** How far the installation had come in its former log. */
      formerPosition: position,
      formerEventId: z.uuid(),
      /** The two logs are known to be alike up to here; null: they have nothing in common. */
      commonPosition: position.nullable(),
      occurredAt: z.iso.datetime(),
    }),
  },
  sentences: {
    [LOG_IDENTIFIED]: 'This log was given its identity {logId}',
    [LOG_ADOPTED]: 'An installation that had come to position {formerPosition} of its log went on with this one',
  },
}

/** An event that the log has or should have. */
export interface Mark {
  position: bigint
  eventId: string
}

/** What an installation knows of its log. */
export interface KnownLog {
  /** Undefined: none on record yet. */
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

/** The event store has another log than this installation's. Nothing was written; work resumes when the right one is back. */
export class LogMismatch extends StoreUnavailable {
  override name = 'LogMismatch'
}

/** For people. */
export const MISMATCH_REMEDY =
  'Nothing was written. Put the right event store back (EVENTSTORE_URL); where its log is lost, see opslog store adopt-log --help.'

export interface LogGuard {
  /**
   * Rejects with LogMismatch where a connection leads to another log, and with the error of the store or the database where
   * it cannot find out. `own` is an event that the log has to have as well.
   */
  confirm(view: LogView, own?: Mark): Promise<void>
  /** Remembers an event that this process has just written: from now on the log has to have it. */
  wrote(mark: Mark): void
  /** What the last confirmation found wrong, in a sentence; undefined: nothing. */
  mismatch(): string | undefined
  /** Calls `listener` when the log turns out to be another one, and when the right one is back. */
  onChange(listener: () => void): void
}

export interface LogGuardOptions {
  known: () => Promise<KnownLog>
  /** How long a wrong answer is checked again: a follower, or a leader that was just elected, may be behind. */
  patienceMs: number
  /** Between two checks. */
  retryMs?: number
  onMismatch?: (sentence: string) => void
  onMatch?: () => void
}

/** Between two looks at a store that shows another log, which LOG_MISMATCH_PATIENCE_MS bounds. */
const RETRY_MS = 500

export function createLogGuard(options: LogGuardOptions): LogGuard {
  const { patienceMs, retryMs = RETRY_MS } = options
  const listeners: (() => void)[] = []
  let mismatch: string | undefined
  let last: KnownLog | undefined
  let written: Mark | undefined

  /** While the database is away its last answer is as good: an identity does not change, and marks only grow. */
  async function known(): Promise<KnownLog> {
    try {
      last = await options.known()
      return last
    } catch (error) {
      if (last) return last
      throw error
    }
  }

  function record(found: string | undefined): void {
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
    // The installation has adopted another log since: the event in the former one no longer counts.
    if (last && written && last.logId !== logId) written = undefined
    return differenceOf(view, { logId, marks: [mark, own, written].filter((each) => each !== undefined) })
  }

  return {
    async confirm(view, own) {
      // Where a mismatch is known already, nobody has to wait.
      const deadlineMs = performance.now() + (mismatch === undefined ? patienceMs : 0)
      let fault = await faultOf(view, own)
      while (fault !== undefined && performance.now() < deadlineMs) {
        await delay(retryMs)
        fault = await faultOf(view, own)
      }
      record(fault)
      if (fault !== undefined) throw new LogMismatch(fault)
    },
    wrote(mark) {
      if (written === undefined || mark.position > written.position) written = mark
    },
    mismatch: () => mismatch,
    onChange: (listener) => void listeners.push(listener),
  }
}

/** Why a log is not the known one, in a sentence; undefined where it is. */
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

/** Shows a halt in `health` while the event store has another log, and its end. Rejects as `look` does. */
export async function haltAtMismatch(
  health: { state: string; fault: string | undefined },
  look: () => Promise<void>,
): Promise<void> {
  try {
    await look()
    if (health.state !== 'halted') return
    health.state = 'leading'
    health.fault = undefined
  } catch (error) {
    if (error instanceof LogMismatch) {
      health.state = 'halted'
      health.fault = error.message
    }
    throw error
  }
}
