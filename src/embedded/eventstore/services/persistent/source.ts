/** Where a persistent subscription reads: a stream by revision, or the whole log by position, in the same manner. */
import { compileFilter, isHidden } from '../../protocol/filter.ts'
import { type RecordView, recordPosition, recordRevision } from '../../storage/record.ts'
import type { EventStore } from '../../storage/store.ts'
import { nextTurn } from '../reading.ts'
import { ALL, type SubscriptionConfig } from './settings.ts'

export type Source = {
  /** Up to about `count` events from a revision or position on, and where to go on; undefined at the end. */
  read: (from: number, count: number) => Promise<{ records: RecordView[]; next: number } | undefined>
  /** The revision or position of an event. */
  placeOf: (record: RecordView) => number
  /** The place behind the last event. */
  end: () => number
  onCommit: (listener: () => void) => () => void
  /** A place as the protocol writes it in statistics. */
  format: (place: number) => string
}

/** Who has read a stream to its end gets all that is appended later, even what the metadata hides by then. */
function streamSource(store: EventStore, stream: string): Source {
  let liveFrom: number | undefined
  return {
    read: async (from, count) => {
      const isLive = liveFrom !== undefined
      const batches = isLive
        ? store.streams.readAppended(stream, Math.max(from, liveFrom!))
        : store.streams.read(stream, from, count, false)
      for (const batch of batches) {
        const records = batch.slice(0, count)
        const last = records.at(-1)
        if (last) return { records, next: recordRevision(last) + 1 }
        await nextTurn()
      }
      liveFrom ??= store.streams.endOf(stream)
      return undefined
    },
    placeOf: recordRevision,
    end: () => store.streams.endOf(stream),
    onCommit: (listener) => store.listeners.add(stream, listener),
    format: String,
  }
}

function allSource(store: EventStore, config: SubscriptionConfig): Source {
  const matches = config.filter ? compileFilter(config.filter) : () => true
  return {
    read: async (from, count) => {
      const start = await store.alignForwards(from)
      const chunk = await store.log.readForwards(start, store.options.readChunkBytes)
      if (!chunk) return undefined
      const records: RecordView[] = []
      let next = start
      for (const record of chunk) {
        next = recordPosition(record) + record.length
        if (!isHidden(record) && matches(record)) records.push(record)
        if (records.length === count) break
      }
      return { records, next }
    },
    placeOf: recordPosition,
    end: () => store.log.end(),
    onCommit: (listener) => store.listeners.add(undefined, listener),
    format: (place) => `C:${place}/P:${place}`,
  }
}

export function openSource(store: EventStore, config: SubscriptionConfig): Source {
  return config.source === ALL ? allSource(store, config) : streamSource(store, config.source)
}
