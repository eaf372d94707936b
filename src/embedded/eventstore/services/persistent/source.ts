/** Where a persistent subscription reads: a stream by revision, or the whole log by position, in the same manner. */
import { compileFilter } from '../../protocol/filter.ts'
import { type RecordView, recordNameBytes, recordPosition, recordRevision } from '../../storage/record.ts'
import type { EventStore } from '../../storage/store.ts'
import { ALL, type SubscriptionConfig } from './settings.ts'

export type Source = {
  /** Up to about `count` events from a revision or position on, and where to go on; undefined at the end. */
  read: (from: number, count: number) => Promise<{ records: RecordView[]; next: number } | undefined>
  /** The revision or position of an event. */
  locationDigest: (record: RecordView) => number
  /** The place behind the last event. */
  end: () => number
  onCommit: (listener: () => void) => () => void
  /** A place as the protocol writes it in statistics. */
  format: (place: number) => string
}

/** The node's own bookkeeping of persistent subscriptions; one to $all would otherwise feed itself for ever. */
const OWN_STREAMS = [
  Buffer.from('$persistentSubscriptionConfig'),
  Buffer.from('$persistentsubscription-'),
  Buffer.from('$$$persistentsubscription-'),
]

function isOwn(record: RecordView): boolean {
  const name = recordNameBytes(record)
  return OWN_STREAMS.some((own) => name.length >= own.length && name.compare(own, 0, own.length, 0, own.length) === 0)
}

function streamSource(store: EventStore, stream: string): Source {
  return {
    read: async (from, count) => {
      for (const records of store.readStream(stream, from, count, false)) {
        return { records, next: recordRevision(records.at(-1)!) + 1 }
      }
      return undefined
    },
    locationDigest: recordRevision,
    end: () => {
      const status = store.status(stream)
      return status.kind === 'present' ? status.lastRevision + 1 : 0
    },
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
        if (!isOwn(record) && matches(record)) records.push(record)
        if (records.length === count) break
      }
      return { records, next }
    },
    locationDigest: recordPosition,
    end: () => store.log.end(),
    onCommit: (listener) => store.listeners.add(undefined, listener),
    format: (place) => `C:${place}/P:${place}`,
  }
}

export function openSource(store: EventStore, config: SubscriptionConfig): Source {
  return config.source === ALL ? allSource(store, config) : streamSource(store, config.source)
}
