/**
 * The append-only log: one writer, any number of readers. A write returns after the bytes are on disk (the file is
 * opened with O_DSYNC, so that one system call in the thread pool writes and syncs). The latest writes stay in
 * memory, so that live subscriptions do not read files.
 */
import fs from 'node:fs'
import { openWriter, writeFully } from './file-writes.ts'
import { joinedBackwards, joinedForwards } from './log-chunks.ts'
import { LogEndKeeper } from './log-end.ts'
import { openLog } from './log-opening.ts'
import { Preallocation } from './preallocation.ts'
import { RecentWrites } from './recent-writes.ts'
import { isIntact, type RecordView, recordPosition } from './record.ts'
import { closeSegments, createSegment } from './segment-files.ts'
import {
  DamagedLogError,
  holdingFile,
  holdsPosition,
  locate,
  readSegment,
  readSegmentAsync,
  retireFile,
  SEGMENT_HEADER_BYTES,
  type Segment,
  type SegmentFile,
  segmentIndexOf,
  segmentOf,
} from './segments.ts'

export type LogOptions = {
  directory: string
  /** A segment that would grow past this is closed and the next one begun. */
  segmentBytes: number
  /** How much of the latest writes stays in memory. */
  recentBytes: number
  /** How much is allocated ahead of the log's end at a time; 0 turns that off. */
  preallocateBytes: number
  /** While writes take less than this on average, small ones are made in the event loop instead of the thread pool. */
  inlineWriteBelowMs: number
  /** The file system takes no writes: the log is read only, and each append is told so. */
  isReadOnly: boolean
  /** Bytes read at once in search of a record. */
  readChunkBytes: number
  onNotice: (notice: string) => void
}

type Records = readonly RecordView[] | undefined
type Place = { segment: Segment; position: number }

const INLINE_WRITE_BYTES = 256 * 1024
const WRITES_IN_AVERAGE = 4
const WRITES_BETWEEN_PROBES = 32
/** By so much an estimated median follows each value on its other side. */
const MEDIAN_STEP = 1.05

/** A full disk, by its different names: the write can succeed later. */
const FULL_DISK = ['ENOSPC', 'EDQUOT', 'EFBIG']

export class EventLog {
  readonly segments: Segment[]
  private readonly options: LogOptions
  private logEnd: number
  private writer: number
  private dirty = false
  private broken: Error | undefined
  /** Why the latest write failed; undefined once one succeeds. */
  private writeFailure: Error | undefined
  private readonly recent: RecentWrites
  /** How long writes in the event loop took lately, on average and typically. */
  private inlineWriteMs = 0
  private medianWriteMs = 0.1
  private writesSinceProbe = 0
  private readonly preallocation: Preallocation
  private readonly endKeeper: LogEndKeeper | undefined

  /**
   * Opens the log. Records behind `indexedTo` are handed to `visit`, in order, so that an index can catch up; a torn
   * tail is cut off and reported through `onNotice`.
   * @throws {DamagedLogError} where acknowledged records cannot be read, {LostEventsError} where the log's end is missing.
   */
  constructor(options: LogOptions, indexedTo: number, visit: (record: RecordView) => void) {
    this.options = options
    const { segments, end } = openLog({ ...options, indexedTo, visit })
    this.segments = segments
    this.logEnd = end
    this.recent = new RecentWrites(options.recentBytes)
    this.preallocation = new Preallocation(options.preallocateBytes)
    this.writer = openWriter(this.current(), options.isReadOnly)
    if (options.isReadOnly) {
      this.broken = new Error(`nothing can be written to ${options.directory}; restart the node once that has changed`)
      options.onNotice(this.broken.message)
      return
    }
    this.endKeeper = new LogEndKeeper(options.directory, end, options.onNotice)
    this.preallocation.begin(this.current().file.path, this.used())
  }

  private used(): number {
    return this.logEnd - this.current().start
  }

  private current(): Segment {
    return this.segments.at(-1)!
  }

  /** The position behind the last event that is on disk. */
  end(): number {
    return this.logEnd
  }

  /** Why appends fail: the latest write did, or nothing can be written until a restart; undefined while all is well. */
  failure(): Error | undefined {
    return this.broken ?? this.writeFailure
  }

  private async roll(): Promise<void> {
    await this.preallocation.end()
    fs.ftruncateSync(this.writer, this.used())
    const next = createSegment(this.options.directory, this.logEnd)
    const descriptor = openWriter(next)
    fs.closeSync(this.writer)
    this.writer = descriptor
    this.segments.push(next)
    this.logEnd = next.end
    this.preallocation.begin(next.file.path, this.used())
  }

  /** Where a write of about this many bytes will start: the end, or behind the header of a new segment. */
  async reserve(bytes: number): Promise<number> {
    if (this.broken) throw this.broken
    if (this.dirty) await this.cutFailedWrite()
    const isFull = this.used() + bytes > this.options.segmentBytes
    if (this.used() > SEGMENT_HEADER_BYTES && (isFull || this.mustRoll)) await this.roll()
    this.mustRoll = false
    return this.logEnd
  }

  /** Has the next `reserve` begin a new file; false once that is done. */
  mustRoll = false

  /** Puts the segments of another file, which is durable under its name, in the place of those of these files. */
  replaceFiles(files: readonly SegmentFile[], replacement: readonly Segment[]): void {
    const first = this.segments.findIndex(({ file }) => file === files[0])
    const last = this.segments.findLastIndex(({ file }) => file === files.at(-1))
    this.recent.forgetBefore(this.segments[last]!.end)
    this.segments.splice(first, last - first + 1, ...replacement)
    for (const file of files) retireFile(file)
  }

  private async cutFailedWrite(): Promise<void> {
    await this.preallocation.settled()
    fs.ftruncateSync(this.writer, this.used())
    this.preallocation.cut(this.used())
    this.dirty = false
  }

  /** Writes at the reserved position; the promise resolves once the bytes are on disk. */
  async write(buffer: Buffer): Promise<void> {
    await this.preallocation.beforeWrite(this.used() + buffer.length)
    this.dirty = true
    try {
      await this.writeDurably(buffer)
    } catch (error) {
      // After a failed sync the kernel may have dropped the pages: only a restart can tell what is on disk. A full
      // disk is different, there the rest of the write is cut off again and a later append may succeed.
      this.writeFailure = error as Error
      if (!FULL_DISK.includes((error as NodeJS.ErrnoException).code ?? '')) this.broken = error as Error
      throw error
    }
    this.dirty = false
    this.writeFailure = undefined
    this.recent.add(this.logEnd, buffer)
    this.logEnd += buffer.length
    this.current().end = this.logEnd
    this.endKeeper?.note(this.logEnd)
  }

  /**
   * On a quick disk a synced write takes less time than the way to a pool thread and back, which under load means two
   * waits for the scheduler. So small writes stay in the event loop as long as the disk is quick. While it is slow they
   * go to the pool, and one in a while is made here, to see whether that has changed.
   */
  private async writeDurably(buffer: Buffer): Promise<void> {
    const isQuick = this.inlineWriteMs < this.options.inlineWriteBelowMs
    const isProbe = ++this.writesSinceProbe >= WRITES_BETWEEN_PROBES && this.options.inlineWriteBelowMs > 0
    if (buffer.length > INLINE_WRITE_BYTES || !(isQuick || isProbe)) return writeFully(this.writer, buffer, this.used())
    this.writesSinceProbe = 0
    const startedAtMs = performance.now()
    let written = 0
    while (written < buffer.length) {
      written += fs.writeSync(this.writer, buffer, written, buffer.length - written, this.used() + written)
    }
    const tookMs = performance.now() - startedAtMs
    this.medianWriteMs *= tookMs > this.medianWriteMs ? MEDIAN_STEP : 1 / MEDIAN_STEP
    // One write that waited long says little; several in a row say that the disk is slow.
    const counted = Math.min(tookMs, 2 * this.options.inlineWriteBelowMs)
    this.inlineWriteMs += (counted - this.inlineWriteMs) / WRITES_IN_AVERAGE
  }

  /** What a small write takes in milliseconds, of late; infinite while the disk is slow. */
  typicalWriteMs(): number {
    return this.inlineWriteMs < this.options.inlineWriteBelowMs ? this.medianWriteMs : Number.POSITIVE_INFINITY
  }

  /** Whether the log holds a byte at the position; what a scavenge removed it does not. */
  holds(position: number): boolean {
    return holdsPosition(this.segments, position)
  }

  /** The record at a position whose length is known from an index. */
  readRecord(position: number, length: number): RecordView {
    const cached = this.recent.at(position)
    const view = cached
      ? { buffer: cached.buffer, offset: position - cached.start, length }
      : { buffer: readSegment(segmentOf(this.segments, position), position, length), offset: 0, length }
    if (!isIntact(view.buffer, view.offset, position)) throw new DamagedLogError(position, 'the checksum does not hold')
    return view
  }

  /**
   * Whole records from a record's start on, about `bytes` of them (at least one); undefined at the end of the log. Of the
   * latest writes they are there at once.
   * @throws {DamagedLogError} where the first one is damaged; a later one ends what is returned.
   */
  readForwards(from: number, bytes: number): Records | Promise<Records> {
    const found = locate(this.segments, from)
    if (!found || found.position >= this.logEnd) return undefined
    return this.recent.recordsFrom(found.position, bytes) ?? this.readFileForwards(found, bytes)
  }

  private async readFileForwards({ segment, position }: Place, bytes: number): Promise<Records> {
    const limit = Math.min(segment.end, this.logEnd)
    const chunk = await holdingFile(segment.file, async () => {
      const part = await readSegmentAsync(segment, position, Math.min(bytes, limit - position))
      const first = part.length >= 4 ? part.readUInt32LE(0) : 0
      const isWhole = first <= part.length || position + first > limit
      return isWhole ? part : readSegmentAsync(segment, position, first)
    })
    return joinedForwards(chunk, 0, position, Number.POSITIVE_INFINITY)
  }

  /**
   * Whole records that end at or before a record boundary, latest first; empty at the start of the log.
   * @throws {DamagedLogError} where the last one is damaged; an earlier one ends what is returned.
   */
  async readBackwards(to: number, bytes: number): Promise<RecordView[]> {
    let position = Math.min(to, this.logEnd)
    let index = segmentIndexOf(this.segments, Math.max(0, position - 1))
    while (index > 0 && position <= this.segments[index]!.first) index--
    const segment = this.segments[index]!
    position = Math.min(position, segment.end)
    const lowest = segment.first
    if (position <= lowest) return []
    let start = Math.max(lowest, position - bytes)
    const chunk = await holdingFile(segment.file, async () => {
      const part = await readSegmentAsync(segment, start, position - start)
      const lastLength = part.length >= 4 ? part.readUInt32LE(part.length - 4) : 0
      if (lastLength <= part.length || position - lastLength < lowest) return part
      start = position - lastLength
      return readSegmentAsync(segment, start, lastLength)
    })
    return joinedBackwards(chunk, start)
  }

  /** Whether an intact record starts at the position. */
  startsRecord(position: number): boolean {
    if (position >= this.logEnd || !this.holds(position)) return false
    const segment = segmentOf(this.segments, position)
    const head = readSegment(segment, position, 4)
    const length = head.length === 4 ? head.readUInt32LE(0) : 0
    if (length === 0 || position + length > segment.end) return false
    return isIntact(readSegment(segment, position, length), 0, position)
  }

  /**
   * The position of the first record at or behind any position; the log's end where there is none. `markBefore` gives a
   * position before it at which a record begins, or began.
   */
  async alignForwards(position: number, markBefore: () => number): Promise<number> {
    if (position >= this.logEnd) return this.logEnd
    if (this.startsRecord(position)) return position
    for (let cursor = markBefore(); ; ) {
      const chunk = await this.readForwards(cursor, this.options.readChunkBytes)
      if (!chunk) return this.logEnd
      for (const record of chunk) {
        if (recordPosition(record) >= position) return recordPosition(record)
        cursor = recordPosition(record) + record.length
      }
    }
  }

  async close(): Promise<void> {
    await this.preallocation.end()
    if (!this.broken) fs.ftruncateSync(this.writer, this.used())
    fs.closeSync(this.writer)
    await this.endKeeper?.close()
    closeSegments(this.segments)
  }
}
