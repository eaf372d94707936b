/**
 * The latest writes, kept in memory, so that live subscriptions do not read files. Each is taken apart once, for all of
 * the subscriptions: there are some thirty in a process that runs everything.
 */
import { joinedForwards } from './log-chunks.ts'
import type { RecordView } from './record.ts'

type Write = { start: number; end: number; buffer: Buffer; records: readonly RecordView[] | undefined }

export class RecentWrites {
  private readonly bytesMax: number
  private writes: Write[] = []
  private bytes = 0

  constructor(bytesMax: number) {
    this.bytesMax = bytesMax
  }

  /** Keeps a write that begins at a position; the oldest go once there are too many bytes. */
  add(start: number, buffer: Buffer): void {
    this.writes.push({ start, end: start + buffer.length, buffer, records: undefined })
    this.bytes += buffer.length
    while (this.bytes > this.bytesMax && this.writes.length > 1) this.bytes -= this.writes.shift()!.buffer.length
  }

  /** The write that holds a position, by binary search. */
  at(position: number): Write | undefined {
    if (this.writes.length === 0 || position < this.writes[0]!.start) return undefined
    let low = 0
    let high = this.writes.length - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if (this.writes[middle]!.start <= position) low = middle
      else high = middle - 1
    }
    const found = this.writes[low]!
    return position < found.end ? found : undefined
  }

  /**
   * Whole records from a record's start on to the end of its write, about `bytes` of them; undefined where it is not kept.
   * @throws {DamagedLogError} where the first one is damaged.
   */
  recordsFrom(position: number, bytes: number): readonly RecordView[] | undefined {
    const write = this.at(position)
    if (!write) return undefined
    const { start, buffer } = write
    if (position > start || buffer.length > bytes) return joinedForwards(buffer, position - start, position, bytes)
    write.records ??= joinedForwards(buffer, 0, start, bytes)
    return write.records
  }

  /** Forgets those before a position, as what they hold may be removed. */
  forgetBefore(position: number): void {
    while (this.writes.length > 0 && this.writes[0]!.start < position) this.bytes -= this.writes.shift()!.buffer.length
  }
}
