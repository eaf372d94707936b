/**
 * The event store without its protocol: appends in group commits, reads of streams and of the whole log, and a call to
 * whoever waits for new events. Everything that it answers is on disk.
 */
import fs from 'node:fs'
import type { Health } from '../node-info.ts'
import type { EventStoreLimits } from '../options.ts'
import type { GroupEntry, StoredFacts, WriteOutcome, WriteRequest } from './group.ts'
import { IndexFlusher } from './index-flusher.ts'
import { copyIndex, isWritable } from './index-reading.ts'
import { CommitListeners } from './listeners.ts'
import { lockDirectory } from './lock.ts'
import { EventLog } from './log.ts'
import {
  FLAG_ID_INDEXED,
  FLAG_TOMBSTONE,
  type RecordView,
  recordCreatedMs,
  recordData,
  recordFlags,
  recordId,
  recordNameBytes,
  recordPosition,
  recordRevision,
  recordTypeBytes,
} from './record.ts'
import { SEGMENT_HEADER_BYTES } from './segments.ts'
import { idText, StreamIndex } from './stream-index.ts'
import {
  isMetastream,
  METADATA_EVENT_TYPE,
  METASTREAM_METADATA,
  metastreamOf,
  NO_METADATA,
  parseStreamMetadata,
  type StreamMetadata,
} from './stream-metadata.ts'
import { type StreamState, StreamTable } from './stream-table.ts'
import { Writer } from './writer.ts'

export type StoreOptions = EventStoreLimits & { directory: string; onNotice: (notice: string) => void }

/** A stream as a reader sees it. */
export type StreamStatus =
  | { kind: 'missing' }
  | { kind: 'deleted' }
  | { kind: 'present'; firstRevision: number; lastRevision: number; state: StreamState; metadata: StreamMetadata }

const STREAM_BATCH = 128
/** How many lags of the index fit into memory before appends wait for it. */
const LAGS_BEFORE_WAITING = 32

export class EventStore {
  readonly options: StoreOptions
  readonly log: EventLog
  private readonly index: StreamIndex
  private readonly table: StreamTable
  private readonly releaseDirectory: () => void
  private readonly removeCopy: () => void
  readonly writer: Writer
  private readonly flusher: IndexFlusher
  readonly listeners = new CommitListeners()
  private closed = false
  private idleTimer: NodeJS.Timeout | undefined

  /**
   * Opens the directory, creating what is missing, and replays what the index lacks. Where nothing can be written, the
   * store serves reads, with a copy of the index among the temporary files.
   * @throws {Error} when another process uses the directory, {LostEventsError} when the end of the log is missing, and
   * {DamagedLogError} when acknowledged events cannot be read.
   */
  constructor(options: StoreOptions) {
    this.options = options
    fs.mkdirSync(options.directory, { recursive: true })
    const isReadOnly = !isWritable(options.directory)
    const opened: Array<() => void> = []
    try {
      this.releaseDirectory = isReadOnly ? () => undefined : lockDirectory(options.directory).release
      opened.push(this.releaseDirectory)
      const copy = isReadOnly ? copyIndex(options.directory) : undefined
      if (copy) opened.push(copy.remove)
      this.removeCopy = copy?.remove ?? (() => undefined)
      const place = { ...options, directory: copy?.path ?? options.directory }
      this.index = new StreamIndex(place.directory, options.indexCacheKiB, options.onNotice)
      opened.push(() => this.index.close())
      this.table = new StreamTable(this.index, options.cachedStreams)
      this.flusher = new IndexFlusher({ ...place, index: this.index, table: this.table })
      this.log = new EventLog({ ...options, isReadOnly }, this.index.indexedTo, (record) => this.replay(record))
    } catch (error) {
      for (const release of opened.toReversed()) release()
      throw error
    }
    this.flusher.catchUp(this.log.end())
    this.writer = new Writer({
      ...options,
      log: this.log,
      factsOf: (stream) => this.factsOf(stream),
      publish: (entries) => this.publish(entries),
      afterGroup: () => this.indexGroup(),
      whenIdle: () => this.scheduleIdleFlush(),
    })
    this.scheduleIdleFlush()
  }

  private replay(record: RecordView): void {
    const flags = recordFlags(record)
    this.table.add(
      recordNameBytes(record).toString('utf8'),
      {
        revision: recordRevision(record),
        position: recordPosition(record),
        length: record.length,
        id: idText(recordId(record)),
      },
      (flags & FLAG_TOMBSTONE) !== 0,
      (flags & FLAG_ID_INDEXED) !== 0,
    )
    if (this.table.lag() >= this.options.indexLagEvents) this.flusher.catchUp(recordPosition(record) + record.length)
  }

  /** Queues a write. The outcome comes once it, and every event that it rests on, is on disk. */
  write(request: WriteRequest): Promise<WriteOutcome> {
    return this.writer.write(request)
  }

  private publish(entries: readonly GroupEntry[]): void {
    const streams = new Set<string>()
    for (const { stream, event, placement, length } of entries) {
      const place = { revision: placement.revision, position: placement.position, length, id: idText(event.id) }
      const { flags } = placement
      this.table.add(stream, place, (flags & FLAG_TOMBSTONE) !== 0, (flags & FLAG_ID_INDEXED) !== 0)
      if (isMetastream(stream) && event.type === METADATA_EVENT_TYPE) {
        const original = this.table.get(stream.slice(2))
        if (original) original.metadata = parseStreamMetadata(event.data)
      }
      streams.add(stream)
    }
    this.listeners.notify(streams)
  }

  private factsOf(name: string): StoredFacts {
    const state = this.table.get(name)
    const metadata = this.metadataOf(name)
    if (!state) {
      const none = () => undefined
      return { lastRevision: -1, tombstoned: false, metadata, eventAt: none, positionOf: none, revisionOf: none }
    }
    return {
      lastRevision: state.lastRevision,
      tombstoned: state.tombstoned,
      metadata,
      eventAt: (revision) => this.eventAt(state, revision),
      positionOf: (revision) => this.table.places(state, revision, 1, false)[0]?.position,
      revisionOf: (id) => this.table.revisionOf(state, idText(id)),
    }
  }

  private eventAt(state: StreamState, revision: number): RecordView | undefined {
    const place = this.table.places(state, revision, 1, false)[0]
    return place?.revision === revision && this.log.holds(place.position)
      ? this.log.readRecord(place.position, place.length)
      : undefined
  }

  /** The metadata of a stream; that of a metastream is fixed. */
  metadataOf(name: string): StreamMetadata {
    if (isMetastream(name)) return METASTREAM_METADATA
    const state = this.table.get(name)
    if (state?.metadata) return state.metadata
    const metastream = this.table.get(metastreamOf(name))
    const record = metastream && this.eventAt(metastream, metastream.lastRevision)
    const isMetadata = record && recordTypeBytes(record).toString() === METADATA_EVENT_TYPE
    const metadata = isMetadata ? parseStreamMetadata(recordData(record)) : NO_METADATA
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
    const firstRevision = Math.max(0, byCount, metadata.truncateBefore)
    return { kind: 'present', firstRevision, lastRevision: state.lastRevision, state, metadata }
  }

  /** The event of a stream at a revision, where a reader may see it. */
  readEvent(name: string, revision: number): RecordView | undefined {
    for (const batch of this.readStream(name, revision, 1, false)) {
      const record = batch[0]
      if (record && recordRevision(record) === revision) return record
    }
    return undefined
  }

  /**
   * The visible events of a stream from a revision on, in batches. A stream that is not there gives none; truncation
   * is looked up anew for each batch, so that a long read does not return what has been truncated meanwhile.
   */
  *readStream(name: string, from: number, limit: number, backwards: boolean): Generator<RecordView[]> {
    let next = from
    let rest = limit
    while (rest > 0) {
      const status = this.status(name)
      if (status.kind !== 'present') return
      next = backwards ? Math.min(next, status.lastRevision) : Math.max(next, status.firstRevision)
      if (backwards ? next < status.firstRevision : next > status.lastRevision) return
      const places = this.table.places(status.state, next, Math.min(rest, STREAM_BATCH), backwards)
      if (places.length === 0) return
      const oldest = status.metadata.maxAgeMs === undefined ? 0 : Date.now() - status.metadata.maxAgeMs
      const batch: RecordView[] = []
      for (const place of places) {
        if (place.revision < status.firstRevision) break
        const record = this.log.readRecord(place.position, place.length)
        if (recordCreatedMs(record) >= oldest) batch.push(record)
      }
      const last = places.at(-1)!.revision
      next = backwards ? last - 1 : last + 1
      rest -= batch.length
      if (batch.length > 0) yield batch
    }
  }

  /** The position of the first record at or behind any position; the log's end where there is none. */
  async alignForwards(position: number): Promise<number> {
    if (position >= this.log.end()) return this.log.end()
    if (this.log.startsRecord(position)) return position
    let cursor = Math.max(SEGMENT_HEADER_BYTES, this.index.markBefore(position))
    for (;;) {
      const chunk = await this.log.readForwards(cursor, this.options.readChunkBytes)
      if (!chunk) return this.log.end()
      for (const record of chunk) {
        if (recordPosition(record) >= position) return recordPosition(record)
        cursor = recordPosition(record) + record.length
      }
    }
  }

  /** Brings the index up to date with the log. */
  flushIndex(): Promise<void> {
    return this.flusher.flush(this.log.end())
  }

  /** Lets the index follow. Appends wait for it only where it has fallen far behind, so that memory stays bounded. */
  private async indexGroup(): Promise<void> {
    const { indexLagEvents, indexLagBytes } = this.options
    if (this.table.lag() < indexLagEvents && this.log.end() - this.index.indexedTo < indexLagBytes) return
    const flushed = this.flushIndex()
    if (this.table.unindexedCount() > indexLagEvents * LAGS_BEFORE_WAITING) await flushed
  }

  private scheduleIdleFlush(): void {
    if (this.idleTimer || this.closed || this.table.lag() === 0) return
    this.idleTimer = setTimeout(() => {
      this.idleTimer = undefined
      const flushed = this.writer.isWriting() ? Promise.resolve() : this.flushIndex()
      void flushed.then(() => this.scheduleIdleFlush())
    }, this.options.indexIdleMs)
    this.idleTimer.unref()
  }

  counts(): { events: number; streams: number; endPosition: number } {
    const events = this.index.eventCount + this.table.unindexedCount()
    return { events, streams: this.index.streamCount(), endPosition: this.log.end() }
  }

  /** How the store is: whether appends succeed, and if not, why. */
  health(): Health {
    const failure = this.log.failure()
    return { isWritable: failure === undefined, reason: failure?.message, endPosition: this.log.end() }
  }

  /** Finishes the appends that were accepted, brings the index up to date and gives the directory free. */
  async close(): Promise<void> {
    if (this.closed) return
    this.closed = true
    clearTimeout(this.idleTimer)
    await this.writer.close()
    await this.flusher.close(this.log.end())
    await this.log.close()
    this.index.close()
    this.removeCopy()
    this.releaseDirectory()
  }
}
