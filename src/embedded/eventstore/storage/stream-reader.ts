/**
 * Reads of single streams: what a reader may see of one, by its metadata, and what was appended to it, whatever the
 * metadata says, for those who were there when it came.
 */
import type { EventLog } from './log.ts'
import { type RecordView, recordCreatedMs } from './record.ts'
import { DamagedLogError } from './segments.ts'
import type { EventPlace } from './stream-index.ts'
import {
  isMetastream,
  METASTREAM_METADATA,
  metadataOfRecord,
  metastreamOf,
  NO_METADATA,
  type StreamMetadata,
} from './stream-metadata.ts'
import type { StreamState, StreamTable } from './stream-table.ts'

/** A stream as a reader sees it. */
export type StreamStatus =
  | { kind: 'missing' }
  | { kind: 'deleted' }
  | { kind: 'present'; firstRevision: number; lastRevision: number; state: StreamState; metadata: StreamMetadata }

type Present = Extract<StreamStatus, { kind: 'present' }>

const BATCH_EVENTS = 128

export class StreamReader {
  private readonly table: StreamTable
  private readonly log: EventLog

  constructor(table: StreamTable, log: EventLog) {
    this.table = table
    this.log = log
  }

  /** The event of a stream at a revision, whether a reader may see it or not. */
  eventAt(state: StreamState, revision: number): RecordView | undefined {
    const place = this.table.places(state, revision, 1, false)[0]
    const isHeld = place?.revision === revision && this.log.holds(place.position)
    return isHeld ? this.recordAt(place) : undefined
  }

  private recordAt(place: EventPlace): RecordView {
    return this.log.readRecord(place.position, place.length)
  }

  /** The same, or why it cannot be read, for those who give out what is whole before it. */
  private wholeRecordAt(place: EventPlace): RecordView | DamagedLogError {
    try {
      return this.recordAt(place)
    } catch (error) {
      if (error instanceof DamagedLogError) return error
      throw error
    }
  }

  /** The metadata of a stream; that of a metastream is fixed. */
  metadataOf(name: string): StreamMetadata {
    if (isMetastream(name)) return METASTREAM_METADATA
    const state = this.table.get(name)
    if (state?.metadata) return state.metadata
    const metastream = this.table.get(metastreamOf(name))
    const record = metastream && this.eventAt(metastream, metastream.lastRevision)
    const metadata = record ? metadataOfRecord(record) : NO_METADATA
    if (state) state.metadata = metadata
    return metadata
  }

  /** What a reader of the stream finds: whether it is there, and its visible revisions. */
  status(name: string): StreamStatus {
    const state = this.table.get(name)
    if (state?.tombstoned) return { kind: 'deleted' }
    if (isMetastream(name) && this.table.get(name.slice(2))?.tombstoned) return { kind: 'deleted' }
    if (!state || state.lastRevision < 0) return { kind: 'missing' }
    const metadata = this.metadataOf(name)
    if (metadata.softDeleted) return { kind: 'missing' }
    const byCount = metadata.maxCount === undefined ? 0 : state.lastRevision - metadata.maxCount + 1
    const firstRevision = Math.max(0, byCount, metadata.truncateBefore, state.expiredBefore)
    return { kind: 'present', firstRevision, lastRevision: state.lastRevision, state, metadata }
  }

  /** The event of a stream at a revision, where a reader may see it. */
  readEvent(name: string, revision: number): RecordView | undefined {
    const status = this.status(name)
    if (status.kind !== 'present' || revision < status.firstRevision) return undefined
    const record = this.eventAt(status.state, revision)
    return record && recordCreatedMs(record) >= oldestVisibleMs(status) ? record : undefined
  }

  /**
   * The visible events of a stream from a revision on, in batches. A stream that is not there gives none; truncation
   * is looked up anew for each batch, so that a long read does not return what has been truncated meanwhile. A batch is
   * empty where all that it looked at is past its age, so that a reader can let others run before it goes on.
   */
  *read(name: string, from: number, limit: number, backwards: boolean): Generator<RecordView[]> {
    let next = from
    let rest = limit
    let most = Math.min(rest, BATCH_EVENTS)
    const expired = createExpiryNote()
    while (rest > 0) {
      const status = this.status(name)
      if (status.kind !== 'present') return
      next = backwards ? Math.min(next, status.lastRevision) : Math.max(next, status.firstRevision)
      if (backwards ? next < status.firstRevision : next > status.lastRevision) return
      const places = this.table.places(status.state, next, most, backwards)
      if (places.length === 0) return
      const oldestMs = oldestVisibleMs(status)
      const batch: RecordView[] = []
      let damage: DamagedLogError | undefined
      for (const place of places) {
        if (place.revision < status.firstRevision || batch.length === rest) break
        if (!this.log.holds(place.position)) continue
        const record = this.wholeRecordAt(place)
        if (record instanceof DamagedLogError) {
          damage = record
          break
        }
        const isVisible = recordCreatedMs(record) >= oldestMs
        if (isVisible) batch.push(record)
        expired(status, place.revision, isVisible, backwards)
      }
      const last = places.at(-1)!.revision
      next = backwards ? last - 1 : last + 1
      rest -= batch.length
      most = batch.length === 0 ? BATCH_EVENTS : Math.min(rest, BATCH_EVENTS)
      yield batch
      // What is whole before the damage was given out.
      if (damage) throw damage
    }
  }

  /** What was appended to a stream from a revision on, in batches, whatever its metadata says of it now; no batch is empty. */
  *readAppended(name: string, from: number): Generator<RecordView[]> {
    let next = from
    for (;;) {
      const state = this.table.get(name)
      const places = state && next <= state.lastRevision ? this.table.places(state, next, BATCH_EVENTS, false) : []
      const last = places.at(-1)
      if (!last) return
      const held = places.filter(({ position }) => this.log.holds(position))
      const records = held.map((place) => this.wholeRecordAt(place))
      const damagedAt = records.findIndex((record) => record instanceof DamagedLogError)
      const batch = (damagedAt < 0 ? records : records.slice(0, damagedAt)) as RecordView[]
      if (batch.length > 0) yield batch
      if (damagedAt >= 0) throw records[damagedAt]
      next = last.revision + 1
    }
  }

  /** The revision behind the last event that was ever appended to a stream. */
  endOf(name: string): number {
    return (this.table.get(name)?.lastRevision ?? -1) + 1
  }
}

function oldestVisibleMs({ metadata }: Present): number {
  return metadata.maxAgeMs === undefined ? Number.NEGATIVE_INFINITY : Date.now() - metadata.maxAgeMs
}

/** Notes in the stream's state up to where all events are past their age, so that no later reader looks at them again. */
function createExpiryNote() {
  let runFrom: number | undefined
  return ({ state, firstRevision }: Present, revision: number, isVisible: boolean, backwards: boolean): void => {
    if (!backwards) {
      if (!isVisible && revision === Math.max(firstRevision, state.expiredBefore)) state.expiredBefore = revision + 1
      return
    }
    if (isVisible) runFrom = undefined
    else runFrom ??= revision
    if (runFrom !== undefined && revision === firstRevision) state.expiredBefore = runFrom + 1
  }
}
