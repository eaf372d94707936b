/**
 * Reads the log forwards, one chunk ahead of its caller: while a chunk is being sent, the next one is fetched, so that a
 * reader of history is not kept waiting at every border.
 */
import { type RecordView, recordPosition } from '../storage/record.ts'
import type { EventStore } from '../storage/store.ts'

type Records = readonly RecordView[] | undefined
type Fetched = { records: Records } | { failure: unknown }

export type LogReader = {
  /** The next records, or undefined at the end of the log; it may be called again when there is more. */
  next: () => Promise<Records>
  /** The position from which the next call reads. */
  position: () => number
}

/** `from` is a record's position, or any position behind the end. */
export function createLogReader(store: EventStore, from: number): LogReader {
  let cursor = from
  let ahead: Promise<Fetched> | undefined
  let goesOn = false
  const read = () => store.log.readForwards(cursor, store.options.readChunkBytes)
  const fetch = (): Promise<Fetched> =>
    Promise.try(read).then(
      (records) => ({ records }),
      (failure: unknown) => ({ failure }),
    )
  const recordsOf = (fetched: Fetched): Records => {
    if ('failure' in fetched) throw fetched.failure
    return fetched.records
  }
  const next = async (): Promise<Records> => {
    const fetched = ahead
    ahead = undefined
    const records = (fetched && recordsOf(await fetched)) ?? (await read())
    const last = records?.at(-1)
    if (last) {
      cursor = recordPosition(last) + last.length
      // The first chunk is all that a short read needs.
      if (goesOn && cursor < store.log.end()) ahead = fetch()
      goesOn = true
    }
    return records
  }
  return { next, position: () => cursor }
}

/** The same backwards, without reading ahead: latest records first, an empty chunk at the log's start. */
export function createBackwardsReader(store: EventStore, from: number): () => Promise<RecordView[]> {
  let cursor = from
  return async () => {
    const records = await store.log.readBackwards(cursor, store.options.readChunkBytes)
    const last = records.at(-1)
    if (last) cursor = recordPosition(last)
    return records
  }
}
