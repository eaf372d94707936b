/** The log's events as they are stored, byte for byte, for whoever checks them. It only ever reads. */
import { openConnection, SilentStore } from '../eventstore/connection.ts'
import { isAway, isDeleted, reasonOf } from '../eventstore/failure.ts'
import { NoSuchPosition } from '../eventstore/read.ts'
import { type RawEvent, readRaw } from '../eventstore/read-raw.ts'
import type { Selection } from '../eventstore/selection.ts'
import { StoreUnavailable } from './store.ts'

export { NoSuchPosition } from '../eventstore/read.ts'
export type { RawEvent } from '../eventstore/read-raw.ts'

export interface RawEvents {
  /** All events after the event at a position (undefined: from the first), the store's own left out unless asked for. */
  readAll(after?: bigint, withSystem?: boolean): AsyncIterable<RawEvent>
  /** The same from a position that somebody has named, the event at it included; it may be that of no event. */
  readFrom(position: bigint): AsyncIterable<RawEvent>
  /** A stream's events from a revision on, at most `maxCount`; none where there is no such stream, or it was deleted. */
  readStream(stream: string, from?: bigint, maxCount?: bigint): AsyncIterable<RawEvent>
  /** The event at a commit position; undefined where no event has it. */
  at(position: bigint): Promise<RawEvent | undefined>
  /** Commit position of the last event that is not the system's own; of those near the end that are wanted. */
  head(isWanted?: (event: RawEvent) => boolean): Promise<bigint | undefined>
  close(): Promise<void>
}

const isSystem = ({ type }: RawEvent): boolean => type.startsWith('$')

/** Events looked at from the end for one that is not the system's. */
const TAIL_MAX = 64n

/**
 * Opens a connection of its own. Reads reject with StoreUnavailable where the store is away or says nothing for so long,
 * and with NoSuchPosition where they are to begin at a position that no event has.
 */
export function openRawEvents(url: string, readTimeoutMs: number): RawEvents {
  const connection = openConnection(url)

  async function* read(selection: Selection): AsyncGenerator<RawEvent> {
    try {
      yield* readRaw(connection, selection, readTimeoutMs)
    } catch (error) {
      if (error instanceof SilentStore) throw new StoreUnavailable(error.message, { cause: error })
      throw isAway(error) ? new StoreUnavailable(`the event store failed: ${reasonOf(error)}`, { cause: error }) : error
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
      if (!(error instanceof NoSuchPosition)) throw error
    }
    return undefined
  }

  return {
    readAll,
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
        if (!isDeleted(error)) throw error
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
