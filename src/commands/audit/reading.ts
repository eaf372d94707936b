/**
 * Puts on record what an auditor has read. There is nothing to decide, so nothing is loaded but the stream's end; that
 * is kept for the next time, and another process that has written meanwhile is noticed by the expected revision.
 */
import { READING_CATEGORY, type ReadingEvent } from '../../events/audit/reading.ts'
import type { Recorded } from '../../events/event.ts'
import { type EventStore, StoreUnavailable, WrongExpectedRevision } from '../../events/store.ts'
import { createKeyedQueue } from '../../runtime/keyed-queue.ts'
import { createLru } from '../../runtime/lru.ts'
import type { CommandContext } from '../handle.ts'
import { eventId } from '../identity.ts'

export interface ReadingRecorder {
  /** Resolves when it is stored. Rejects with StoreUnavailable where it is not known to be. */
  record(event: ReadingEvent, context: CommandContext): Promise<void>
  /** What a key has read last, at most `max`, the newest first. Rejects with StoreUnavailable. */
  last(keyId: string, max: number): Promise<Recorded<ReadingEvent>[]>
}

export interface ReadingRecorderLimits {
  /** Auditors whose stream's end is remembered. */
  auditorsMax: number
  /** Other processes that may come first before it is given up. */
  conflictRetriesMax: number
}

interface Tail {
  revision: bigint | undefined
  hash: string
}

export function createReadingRecorder(
  store: Pick<EventStore, 'append' | 'readLast' | 'readStream'>,
  limits: ReadingRecorderLimits,
): ReadingRecorder {
  const tails = createLru<string, Tail>(limits.auditorsMax)
  const { runInOrder } = createKeyedQueue()

  async function tailOf(stream: string): Promise<Tail> {
    const last = await store.readLast(stream)
    return { revision: last?.revision, hash: last?.metadata.hash ?? '' }
  }

  async function write(stream: string, event: ReadingEvent, context: CommandContext): Promise<void> {
    const { correlationId, commandId, actor, requestId, traceparent } = context
    const id = eventId(commandId, requestId, 0)
    const cause = {
      $correlationId: correlationId,
      $causationId: commandId,
      actor,
      requestId,
      commandId,
      ...(traceparent === undefined ? {} : { traceparent }),
    }
    for (let attempt = 0; attempt <= limits.conflictRetriesMax; attempt++) {
      const tail = tails.get(stream) ?? (await tailOf(stream))
      tails.delete(stream)
      try {
        const { revision, lastHash } = await store.append(stream, tail.revision, tail.hash, [{ id, event, cause }])
        tails.set(stream, { revision, hash: lastHash })
        return
      } catch (error) {
        if (!(error instanceof WrongExpectedRevision)) throw error
      }
    }
    throw new StoreUnavailable('what was read could not be recorded: others kept writing to the same stream')
  }

  const streamOf = (keyId: string) => `${READING_CATEGORY}-${keyId}`

  return {
    async last(keyId, max) {
      const stream = streamOf(keyId)
      const end = await store.readLast(stream)
      if (!end) return []
      const from = end.revision < BigInt(max) ? 0n : end.revision - BigInt(max) + 1n
      const found = await Array.fromAsync(store.readStream<ReadingEvent>(stream, { from, maxCount: BigInt(max) }))
      return found.reverse()
    },
    record(event, context) {
      const stream = streamOf(event.data.keyId)
      // Each needs the hash of the one before.
      return runInOrder(stream, () => write(stream, event, context))
    },
  }
}
