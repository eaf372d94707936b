/**
 * A small file beside the log that says up to where events were acknowledged. The log alone cannot tell that its end is
 * missing: each record vouches for those before it, and nothing vouches for the last one.
 * The file is written behind each group of appends, before anybody is answered, into bytes that it has already: some
 * microseconds, and exact whatever becomes of the process. It is synced at a low frequency, so that after a power cut
 * it may be that much behind. It is never ahead of the log, so it raises no false alarm.
 */
import fs from 'node:fs'
import path from 'node:path'
import { crc32 } from 'node:zlib'
import { createFileDurably } from './segment-files.ts'
import { SEGMENT_HEADER_BYTES } from './segments.ts'

export const LOG_END_FILE = 'log-end'
const MAGIC = Buffer.from('EVTSEND1', 'latin1')
const RECORD_BYTES = 24
const SYNC_EVERY_MS = 1000

/** Up to where events were acknowledged, and which file says so. */
export type Acknowledged = { position: number; source: 'index.db' | typeof LOG_END_FILE }

/** The end of the log is missing: it ends at `position`, and events up to `acknowledgedTo` were acknowledged. */
export class LostEventsError extends Error {
  position: number
  acknowledgedTo: number
  constructor(directory: string, position: number, acknowledged: Acknowledged) {
    super(
      `the end of the log is missing: it ends at position ${position}, but events up to position ${acknowledged.position} ` +
        `were acknowledged, as ${acknowledged.source} says. The node does not start, since it would give out those ` +
        'positions again. Put the missing files back, or restore a backup. Where neither can be had, accept the loss, ' +
        `which is recorded as an event: opslog store accept-loss --directory ${directory}`,
    )
    this.name = 'LostEventsError'
    this.position = position
    this.acknowledgedTo = acknowledged.position
  }
}

/**
 * Whether events are missing where a log ends before what was acknowledged. An empty file of the log adds its header to
 * the position without holding an event.
 */
export function isLoss(logEnd: number, acknowledgedTo: number): boolean {
  return acknowledgedTo > logEnd + SEGMENT_HEADER_BYTES
}

function encode(position: number): Buffer {
  const record = Buffer.alloc(RECORD_BYTES)
  MAGIC.copy(record)
  record.writeBigUInt64LE(BigInt(position), 8)
  record.writeUInt32LE(crc32(record.subarray(0, RECORD_BYTES - 4)), RECORD_BYTES - 4)
  return record
}

/** What the file of a directory says: a position, nothing where there is no file, or that it cannot be read. */
export function readLogEnd(directory: string): number | 'missing' | 'unreadable' {
  const file = path.join(directory, LOG_END_FILE)
  if (!fs.existsSync(file)) return 'missing'
  const record = fs.readFileSync(file)
  if (record.length !== RECORD_BYTES || !record.subarray(0, 8).equals(MAGIC)) return 'unreadable'
  const position = Number(record.readBigUInt64LE(8))
  return record.equals(encode(position)) ? position : 'unreadable'
}

/** The highest position that either of the two says was acknowledged. */
export function acknowledgedBy(directory: string, indexedTo: number): Acknowledged {
  const recorded = readLogEnd(directory)
  if (typeof recorded === 'number' && recorded >= indexedTo) return { position: recorded, source: LOG_END_FILE }
  return { position: indexedTo, source: 'index.db' }
}

/** Writes the file of a directory anew, durably. */
export function writeLogEnd(directory: string, position: number): void {
  createFileDurably(path.join(directory, LOG_END_FILE), encode(position))
}

/** Keeps the file of a running node. What it cannot write is told once and costs no append. */
export class LogEndKeeper {
  private readonly descriptor: number
  private readonly record: Buffer
  private readonly onNotice: (notice: string) => void
  private syncTimer: NodeJS.Timeout | undefined
  private syncing: Promise<void> | undefined
  private hasFailed = false

  constructor(directory: string, position: number, onNotice: (notice: string) => void) {
    this.onNotice = onNotice
    if (readLogEnd(directory) !== position) writeLogEnd(directory, position)
    this.descriptor = fs.openSync(path.join(directory, LOG_END_FILE), 'r+')
    this.record = encode(position)
  }

  /** Notes that the log is on disk up to a position. */
  note(position: number): void {
    this.record.writeBigUInt64LE(BigInt(position), 8)
    this.record.writeUInt32LE(crc32(this.record.subarray(0, RECORD_BYTES - 4)), RECORD_BYTES - 4)
    try {
      fs.writeSync(this.descriptor, this.record, 0, RECORD_BYTES, 0)
    } catch (error) {
      this.report(error as Error)
      return
    }
    this.syncTimer ??= setTimeout(() => this.sync(), SYNC_EVERY_MS).unref()
  }

  private sync(): void {
    this.syncing = new Promise<void>((resolve) => {
      fs.fdatasync(this.descriptor, (error) => {
        if (error) this.report(error)
        this.syncing = undefined
        this.syncTimer = undefined
        resolve()
      })
    })
  }

  private report(error: Error): void {
    if (!this.hasFailed)
      this.onNotice(`${LOG_END_FILE}, which tells a loss of events, cannot be written: ${error.message}`)
    this.hasFailed = true
  }

  async close(): Promise<void> {
    clearTimeout(this.syncTimer)
    await this.syncing
    try {
      fs.fdatasyncSync(this.descriptor)
    } catch (error) {
      this.report(error as Error)
    }
    fs.closeSync(this.descriptor)
  }
}
