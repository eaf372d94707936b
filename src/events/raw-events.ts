/** The log's events as they are stored, byte for byte, for verification. It only reads. */
import { openConnection } from '../eventstore/connection.ts'
import { failureOf } from '../eventstore/failure.ts'
import { NoSuchPosition, readRaw } from '../eventstore/read.ts'
import type { RawEvent } from '../eventstore/read-messages.ts'
import type { Selection } from '../eventstore/read-requests.ts'
import { StoreUnavailable } from './store.ts'

export type { RawEvent } from '../eventstore/read-messages.ts'

/** A read was to begin at a position that no event of this log has. */
export class UnknownPosition extends Error {
  override name = 'UnknownPosition'
}

export interface RawEvents {
  /** All events after the event at a position (undefined: from the first), without the store's own by default. */
  readAll(after?: bigint, withSystem?: boolean): AsyncIterable<RawEvent>
  /** The same from any position on, including the event at it; no event need stand there. */
  readFrom(position: bigint): AsyncIterable<RawEvent>
  /** The newest event first, or those before the event at a position, without the store's own. */
  readBack(before?: bigint): AsyncIterable<RawEvent>
  /** A stream's events from a revision on, at most `maxCount`; none where there is no such stream, or it was deleted. */
  readStream(stream: string, from?: bigint, maxCount?: bigint): AsyncIterable<RawEvent>
  /** The event at a commit position; undefined where no event has it. */
  at(position: bigint): Promise<RawEvent | undefined>
  /** Commit position of the last wanted event near the end that is not the store's own. */
  head(isWanted?: (event: RawEvent) => boolean): Promise<bigint | undefined>
  close(): Promise<void>
}

const isSystem = ({ type }: RawEvent): boolean => type.startsWith('$')

/** Events at the end that `head` searches for one that is not the store's own. */
const TAIL_MAX = 64n

/**
 * Opens a connection of its own. Reads reject with StoreUnavailable where the store is away or says nothing for
 * `readTimeoutMs`. They reject with UnknownPosition where no event has the position that they begin at.
 */
export function openRawEvents(url: string, readTimeoutMs: number): RawEvents {
  const connection = openConnection(url)

  async function* read(selection: Selection): AsyncGenerator<RawEvent> {
    try {
      yield* readRaw(connection, selection, readTimeoutMs)
    } catch (error) {
      if (error instanceof NoSuchPosition) throw new UnknownPosition(error.message, { cause: error })
      const { kind, reason } = failureOf(error)
      throw kind === 'away' ? new StoreUnavailable(`the event store failed: ${reason}`, { cause: error }) : error
    }
  }

  async function* readAll(after?: bigint, withSystem = false): AsyncGenerator<RawEvent> {
    for await (const event of read({ from: after ?? 'start', direction: 'forwards' })) {
      if ((!withSystem && isSystem(event)) || (after !== undefined && event.position <= after)) continue
      yield event
    }
  }

  async function at(position: bigint): Promise<RawEvent | undefined> {
    try {
      for await (const event of read({ from: position, direction: 'forwards', count: 1n })) {
        if (event.position === position) return event
      }
    } catch (error) {
      if (!(error instanceof UnknownPosition)) throw error
    }
    return undefined
  }

  return {
    readAll,
    async *readBack(before) {
      for await (const event of read({ from: before ?? 'end', direction: 'backwards' })) {
        if (!isSystem(event) && (before === undefined || event.position < before)) yield event
      }
    },
    async *readFrom(position) {
      const first = await at(position)
      if (first && !isSystem(first)) yield first
      // A read may begin at an event's own position alone.
      for await (const event of readAll(first?.position)) if (event.position >= position) yield event
    },
    async *readStream(stream, from = 0n, count) {
      try {
        yield* read({ stream, from, direction: 'forwards', ...(count === undefined ? {} : { count }) })
      } catch (error) {
        if (failureOf(error).kind !== 'deleted') throw error
      }
    },
    at,
    async head(isWanted = () => true) {
      for await (const event of read({ from: 'end', direction: 'backwards', count: TAIL_MAX })) {
        if (!isSystem(event) && isWanted(event)) return event.position
      }
      return undefined
    },
    close: () => connection.close(),
  }
}
