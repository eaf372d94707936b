/**
 * Zeros written ahead of the log's end. A synchronous write into bytes that the file already has does not change the
 * file's size, so that it does not wait for the file system's journal, which other programs keep busy. Measured with a
 * database syncing on the same disk: 0.3 ms instead of 1 to 2 ms on average.
 * Readers never see the zeros: start-up and closing cut them off.
 */
import fs from 'node:fs'

const RETRY_AFTER_MS = 5000

export class Preallocation {
  private readonly chunk: Buffer
  private descriptor: number | undefined
  /** File offsets: what is allocated, and what a fill on its way will reach. */
  private allocatedTo = 0
  private filling: Promise<void> | undefined
  private retryAtMs = 0

  /** @param bytes How much is allocated at a time; 0 turns it off. */
  constructor(bytes: number) {
    this.chunk = Buffer.alloc(bytes)
  }

  /** Begins with another file, of which this much is in use. */
  begin(file: string, used: number): void {
    this.descriptor = fs.openSync(file, 'r+')
    this.allocatedTo = used
  }

  /**
   * Call before writing up to a file offset: waits where a fill on its way would overlap the write, and starts the next
   * fill in good time.
   */
  async beforeWrite(to: number): Promise<void> {
    if (this.filling && to > this.allocatedTo) await this.filling
    this.allocatedTo = Math.max(this.allocatedTo, to)
    if (this.chunk.length === 0 || this.filling || this.descriptor === undefined) return
    if (this.allocatedTo - to > this.chunk.length / 2 || Date.now() < this.retryAtMs) return
    const from = this.allocatedTo
    this.filling = this.fill(this.descriptor, from).then((filled) => {
      if (filled) this.allocatedTo = from + this.chunk.length
      else this.retryAtMs = Date.now() + RETRY_AFTER_MS
      this.filling = undefined
    })
  }

  /** A disk without room for the zeros is no fault: the log then grows by its writes, and they say when it is full. */
  private fill(descriptor: number, from: number): Promise<boolean> {
    return new Promise((resolve) => {
      fs.write(descriptor, this.chunk, 0, this.chunk.length, from, (failure, written) => {
        if (failure || written < this.chunk.length) return resolve(false)
        fs.fdatasync(descriptor, (error) => resolve(!error))
      })
    })
  }

  /** Resolves once no fill is on its way. */
  async settled(): Promise<void> {
    await this.filling
  }

  /** The file was cut to this length. */
  cut(to: number): void {
    this.allocatedTo = to
  }

  /** Waits for a fill on its way and lets the file go. */
  async end(): Promise<void> {
    await this.filling
    if (this.descriptor !== undefined) fs.closeSync(this.descriptor)
    this.descriptor = undefined
  }
}
