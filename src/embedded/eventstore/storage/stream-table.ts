/**
 * What the node knows of each stream: its last revision and the events that the index does not hold yet. The states of
 * recently used streams stay in memory; the others are one look-up in the index away.
 */
import type { IndexBatch } from './index-flusher.ts'
import { RecentIds } from './recent-ids.ts'
import type { EventPlace, IndexEntry, StreamIndex } from './stream-index.ts'
import type { StreamMetadata } from './stream-metadata.ts'

export type StreamState = {
  id: number
  name: string
  lastRevision: number
  tombstoned: boolean
  /** Events that are on disk and not in the index yet, in order of revision. */
  tail: IndexEntry[]
  /** The ids of the tail that the index is to have, from the first time that they are asked for. */
  tailIds: Map<string, number> | undefined
  /** Parsed once, on first need; replaced when a metadata event is committed. */
  metadata: StreamMetadata | undefined
  /** Events before this revision are past the maximum age in the metadata; the next reader does not look at them. */
  expiredBefore: number
}

export class StreamTable {
  private states = new Map<string, StreamState>()
  private unindexed: IndexEntry[] = []
  private touched = new Set<StreamState>()
  private handedOut = 0
  private nextStreamId: number
  private recentIds = new RecentIds()
  private index: StreamIndex
  private capacity: number

  constructor(index: StreamIndex, capacity: number) {
    this.index = index
    this.capacity = capacity
    this.nextStreamId = index.nextStreamId
  }

  /** The state of a stream, or undefined where nothing was ever written to it. */
  get(name: string): StreamState | undefined {
    const cached = this.states.get(name)
    if (cached) {
      this.states.delete(name)
      this.states.set(name, cached)
      return cached
    }
    const row = this.index.stream(name)
    if (!row) return undefined
    return this.remember({ ...row, name, tail: [], tailIds: undefined, metadata: undefined, expiredBefore: 0 })
  }

  private remember(state: StreamState): StreamState {
    this.states.set(state.name, state)
    if (this.states.size > this.capacity) this.evict()
    return state
  }

  /** Forgets the streams used longest ago, except those that the index does not know in full yet. */
  private evict(): void {
    for (const [name, state] of this.states) {
      if (this.states.size <= this.capacity) return
      if (state.tail.length > 0 || this.touched.has(state)) return
      this.states.delete(name)
    }
  }

  /** Takes a committed event in. */
  add(name: string, place: EventPlace & { id: string }, tombstone: boolean, isIdIndexed: boolean): StreamState {
    const state =
      this.get(name) ??
      this.remember({
        id: this.nextStreamId++,
        name,
        lastRevision: -1,
        tombstoned: false,
        tail: [],
        tailIds: undefined,
        metadata: undefined,
        expiredBefore: 0,
      })
    state.lastRevision = place.revision
    if (tombstone) state.tombstoned = true
    const { revision, position, length, id } = place
    const entry = { streamId: state.id, revision, position, length, id, isIdIndexed }
    state.tail.push(entry)
    if (isIdIndexed && state.tailIds && !state.tailIds.has(id)) state.tailIds.set(id, revision)
    this.recentIds.add(state.id, id, revision, position)
    this.touched.add(state)
    this.unindexed.push(entry)
    return state
  }

  /** Events that wait to be handed to the index. */
  lag(): number {
    return this.unindexed.length
  }

  /** All events that the index does not have. */
  unindexedCount(): number {
    return this.unindexed.length + this.handedOut
  }

  /** Writes what the index lacks on the spot. @throws where it takes nothing; the table goes on answering then. */
  flush(indexedTo: number): void {
    const batch = this.takeUnindexed(indexedTo)
    try {
      if (batch.entries.length > 0) this.index.add(batch.entries, batch.streams, batch.indexedTo)
    } catch (error) {
      this.putBack(batch)
      throw error
    }
    this.indexed(batch)
  }

  /** Hands out what the index lacks; the table goes on answering for it until it is told that the index has it. */
  takeUnindexed(indexedTo: number): IndexBatch {
    const streams = [...this.touched].map(({ id, name, lastRevision, tombstoned }) => ({
      id,
      name,
      lastRevision,
      tombstoned,
    }))
    const batch = { entries: this.unindexed, streams, indexedTo }
    this.unindexed = []
    this.touched.clear()
    this.handedOut = batch.entries.length
    return batch
  }

  /** The index has the batch: from now on it answers for those events. */
  indexed(batch: IndexBatch): void {
    for (const { name } of batch.streams) {
      const state = this.states.get(name)
      if (!state) continue
      const kept = state.tail.findIndex(({ position }) => position >= batch.indexedTo)
      state.tail = kept < 0 ? [] : state.tail.slice(kept)
      state.tailIds = undefined
    }
    this.handedOut = 0
    if (this.states.size > this.capacity) this.evict()
  }

  /** The index did not take the batch: it goes with the next one. */
  putBack(batch: IndexBatch): void {
    this.unindexed = [...batch.entries, ...this.unindexed]
    for (const { name } of batch.streams) {
      const state = this.states.get(name)
      if (state) this.touched.add(state)
    }
    this.handedOut = 0
  }

  /** Up to `count` places of a stream from a revision on, in the direction asked for. */
  places(state: StreamState, from: number, count: number, backwards: boolean): EventPlace[] {
    const tailStart = state.tail[0]?.revision ?? Number.POSITIVE_INFINITY
    if (!backwards) {
      if (from >= tailStart) {
        const first = tailIndexOf(state.tail, from)
        return state.tail.slice(first, first + count)
      }
      // The index may have taken in what is still in the tail, which then answers for it.
      const places = this.index.places(state.id, from, count, false).filter(({ revision }) => revision < tailStart)
      return places.length < count ? [...places, ...state.tail.slice(0, count - places.length)] : places
    }
    if (from < tailStart) return this.index.places(state.id, from, count, true)
    const end = Math.min(tailIndexOf(state.tail, from + 1), state.tail.length)
    const places: EventPlace[] = state.tail.slice(Math.max(0, end - count), end).reverse()
    if (places.length === count) return places
    return [...places, ...this.index.places(state.id, tailStart - 1, count - places.length, true)]
  }

  forgetIds(): void {
    this.recentIds = new RecentIds()
  }

  /** Takes an event in that the index has already, for the sake of its id. */
  rememberId(name: string, place: EventPlace & { id: string }): void {
    const state = this.get(name)
    if (state) this.recentIds.add(state.id, place.id, place.revision, place.position)
  }

  /** The revision of an event id in a stream, where it was appended without an exact revision or is still recent. */
  revisionOf(state: StreamState, id: string): number | undefined {
    const recent = this.recentIds.revisionOf(state.id, id)
    if (recent !== undefined) return recent
    if (!state.tailIds) {
      state.tailIds = new Map()
      for (const entry of state.tail.toReversed()) if (entry.isIdIndexed) state.tailIds.set(entry.id, entry.revision)
    }
    return this.index.revisionOf(state.id, id) ?? state.tailIds.get(id)
  }
}

/** Where the first entry at or behind a revision is. Revisions follow each other, unless a scavenge removed some. */
function tailIndexOf(tail: readonly IndexEntry[], revision: number): number {
  const first = tail[0]!.revision
  if (tail.at(-1)!.revision - first === tail.length - 1) return revision - first
  const index = tail.findIndex((entry) => entry.revision >= revision)
  return index < 0 ? tail.length : index
}
