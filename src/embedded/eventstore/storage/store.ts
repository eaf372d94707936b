/**
 * The event store without its protocol: appends in group commits, reads of streams and of the whole log, and a call to
 * whoever waits for new events. Everything that it answers is on disk.
 */
import type { EventStoreLimits } from '../options.ts'
import { StoreCare } from './care.ts'
import type { GroupEntry, StoredFacts, WriteOutcome, WriteRequest } from './group.ts'
import { IndexFlusher } from './index-flusher.ts'
import { CommitListeners } from './listeners.ts'
import { EventLog } from './log.ts'
import { firstKnownPosition } from './recent-ids.ts'
import {
  FLAG_ID_INDEXED,
  FLAG_TOMBSTONE,
  type RecordView,
  recordFlags,
  recordId,
  recordNameBytes,
  recordPosition,
  recordRevision,
} from './record.ts'
import { nextIntact, walkRecords } from './recovery.ts'
import { SEGMENT_HEADER_BYTES } from './segments.ts'
import { claimDirectory, type StoreDirectory } from './store-directory.ts'
import { type DamagedEvent, idText, StreamIndex } from './stream-index.ts'
import { isMetastream, NO_METADATA, parseStreamMetadata } from './stream-metadata.ts'
import { StreamReader } from './stream-reader.ts'
import { StreamTable } from './stream-table.ts'
import { Writer } from './writer.ts'

export type StoreOptions = EventStoreLimits & { directory: string; onNotice: (notice: string) => void }

/** `events`: the first of those that were there; `next` undefined: nothing whole follows. */
export type Damage = { events: DamagedEvent[]; next: number | undefined }

/** Events of a damaged place that are named: they go into the trailers of an answer. */
const DAMAGED_NAMED_MAX = 20
/** Damaged places that are remembered: each takes a look through the index. */
const DAMAGED_KNOWN_MAX = 1_000

export class EventStore {
  readonly options: StoreOptions
  readonly log: EventLog
  private readonly index: StreamIndex
  private readonly table: StreamTable
  private readonly directory: StoreDirectory
  readonly care: StoreCare
  readonly streams: StreamReader
  readonly writer: Writer
  private readonly flusher: IndexFlusher
  readonly listeners = new CommitListeners()
  private lastPosition: number | undefined
  private readonly damaged = new Map<number, Damage>()
  private closing = false
  private closed = false

  /**
   * Opens the directory, creating what is missing, and replays what the index lacks. Where nothing can be written, the
   * store serves reads, with a copy of the index among the temporary files.
   * @throws {Error} when another process uses the directory, {LostEventsError} when the end of the log is missing, and
   * {DamagedLogError} when acknowledged events cannot be read.
   */
  constructor(options: StoreOptions) {
    this.options = options
    this.directory = claimDirectory(options.directory)
    const { isReadOnly, indexDirectory } = this.directory
    try {
      this.index = new StreamIndex(indexDirectory, options.indexCacheKiB, options.onNotice)
      try {
        this.table = new StreamTable(this.index, options.cachedStreams)
        const { index, table } = this
        this.flusher = new IndexFlusher({ ...options, directory: indexDirectory, index, table })
        this.log = new EventLog({ ...options, isReadOnly }, index.indexedTo, (record) => this.replay(record))
      } catch (error) {
        this.index.close()
        throw error
      }
    } catch (error) {
      this.directory.release()
      throw error
    }
    this.flusher.catchUp(this.log.end())
    this.rememberIds(this.log.end())
    this.streams = new StreamReader(this.table, this.log)
    this.writer = new Writer({
      ...options,
      log: this.log,
      factsOf: (stream) => this.factsOf(stream),
      publish: (entries) => this.publish(entries),
      afterGroup: () => this.flusher.follow(this.log.end()),
      whenIdle: () => this.catchUpWhenIdle(),
    })
    const { log, writer, flusher, streams } = this
    this.care = new StoreCare({ ...options, log, writer, flusher, streams })
    this.catchUpWhenIdle()
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

  /** Looks at the end of the log once more, since the index knows by their ids only those that it may need for ever. */
  private rememberIds(end: number): void {
    const from = Math.max(SEGMENT_HEADER_BYTES, this.index.markBefore(firstKnownPosition(end)))
    this.table.forgetIds()
    walkRecords(this.log.segments, from, (record, position) => {
      const name = recordNameBytes(record).toString('utf8')
      const id = idText(recordId(record))
      this.table.rememberId(name, { revision: recordRevision(record), position, length: record.length, id })
      this.lastPosition = position
    })
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
      if (isMetastream(stream)) {
        const original = this.table.get(stream.slice(2))
        if (original) {
          original.metadata = event.json ? parseStreamMetadata(event.data) : NO_METADATA
          original.expiredBefore = 0
        }
      }
      streams.add(stream)
      this.lastPosition = placement.position
    }
    this.listeners.notify(streams)
  }

  private factsOf(name: string): StoredFacts {
    const state = this.table.get(name)
    const facts = { metadata: this.streams.metadataOf(name), lastPosition: this.lastPosition }
    if (!state) {
      const none = () => undefined
      return { ...facts, lastRevision: -1, tombstoned: false, eventAt: none, positionOf: none, revisionOf: none }
    }
    return {
      ...facts,
      lastRevision: state.lastRevision,
      tombstoned: state.tombstoned,
      eventAt: (revision) => this.streams.eventAt(state, revision),
      positionOf: (revision) => this.table.places(state, revision, 1, false)[0]?.position,
      revisionOf: (id) => this.table.revisionOf(state, idText(id)),
    }
  }

  /** The position of the first record at or behind any position; the log's end where there is none. */
  async alignForwards(position: number): Promise<number> {
    return (await this.findForwards(position)).position
  }

  /** The same, and whether the position is in the middle of an event, where no reader of ours can have got it. */
  async findForwards(position: number): Promise<{ position: number; isInside: boolean }> {
    if (position >= this.log.end()) return { position: this.log.end(), isInside: position > this.log.end() }
    if (this.log.startsRecord(position)) return { position, isInside: false }
    let cursor = Math.max(SEGMENT_HEADER_BYTES, this.index.markBefore(position))
    let behindPrevious = 0
    for (;;) {
      const chunk = await this.log.readForwards(cursor, this.options.readChunkBytes)
      const isInside = () => position < behindPrevious
      if (!chunk) return { position: this.log.end(), isInside: isInside() }
      for (const record of chunk) {
        if (recordPosition(record) >= position) return { position: recordPosition(record), isInside: isInside() }
        behindPrevious = recordPosition(record) + record.length
        cursor = behindPrevious
      }
    }
  }

  /** Brings the index up to date with the log. */
  flushIndex(): Promise<void> {
    return this.flusher.flush(this.log.end())
  }

  /** Which events stood in a damaged place, as the index has them, and where the next whole one is. */
  damageAt(position: number): Damage {
    const known = this.damaged.get(position)
    if (known) return known
    // A reader may be told while the store is being closed.
    if (this.closed) return { events: [], next: undefined }
    const next = nextIntact(this.log.segments, position + 1)
    const found = { events: this.index.eventsBetween(position, next ?? this.log.end(), DAMAGED_NAMED_MAX), next }
    if (this.damaged.size < DAMAGED_KNOWN_MAX) this.damaged.set(position, found)
    return found
  }

  private catchUpWhenIdle(): void {
    this.flusher.catchUpWhenIdle(() => (this.writer.isWriting() ? undefined : this.log.end()))
  }

  counts(): { events: number; streams: number; endPosition: number } {
    const events = this.index.eventCount + this.table.unindexedCount()
    return { events, streams: this.index.streamCount(), endPosition: this.log.end() }
  }

  /** Whether nothing was ever written to the log, and something can be. */
  isUntouched(): boolean {
    return !this.directory.isReadOnly && this.log.end() === SEGMENT_HEADER_BYTES
  }

  /** Takes no more writes, and waits for those that were accepted, though not longer than this. */
  async finishWrites(graceMs: number): Promise<void> {
    this.closing = true
    await this.writer.drained(graceMs)
  }

  /** Whether writes are refused because the node is closing. */
  isClosing(): boolean {
    return this.closing
  }

  /** Finishes the appends that were accepted, brings the index up to date and gives the directory free. */
  async close(): Promise<void> {
    if (this.closed) return
    this.closed = true
    const careEnded = this.care.close()
    await this.writer.close()
    await careEnded
    await this.flusher.close(this.log.end())
    await this.log.close()
    this.index.close()
    this.directory.release()
  }
}
