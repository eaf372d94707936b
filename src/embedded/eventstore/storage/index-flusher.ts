/**
 * Brings the index up to date behind the log. A few events are written on the spot; once appends come in numbers, a
 * thread of its own takes over, since a transaction of many rows, and a checkpoint of SQLite's log even more, would hold
 * up appends for tens of milliseconds. It gives way to them, and ends when few come again, as it takes some 40 MiB. Until an
 * event is in the index, the stream table answers for it from memory.
 */
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { ID_BYTES, type IndexEntry, idText, type StreamIndex } from './stream-index.ts'
import type { StreamTable } from './stream-table.ts'

export type IndexBatch = {
  entries: IndexEntry[]
  streams: Array<{ id: number; name: string; lastRevision: number; tombstoned: boolean }>
  indexedTo: number
}
export type PackedBatch = Omit<IndexBatch, 'entries'> & {
  numbers: Float64Array<ArrayBuffer>
  ids: Uint8Array<ArrayBuffer>
  /** Events that the index has before these. */
  eventsBefore: number
}
export type IndexWorkerAnswer = { failure: string | undefined }

export type IndexFlusherOptions = {
  index: StreamIndex
  table: StreamTable
  directory: string
  indexCacheKiB: number
  indexLagEvents: number
  indexLagBytes: number
  indexIdleMs: number
  indexThreadIdleMs: number
  onNotice: (notice: string) => void
}

const RETRY_AFTER_MS = 1000
/** A batch of so many events starts the thread, or of as many as the index may lag behind; fewer take milliseconds. */
const THREAD_EVENTS_MIN = 1024
/** Where the thread is there it takes all but the smallest batches, and stays as long as there are such. */
const KEEP_EVENTS_MIN = 64
/** How many lags of the index fit into memory before appends wait for it. */
const LAGS_BEFORE_WAITING = 32
const REACH_ATTEMPTS_MAX = 10
const NUMBERS = 5
const NO_ID = ''

export class IndexFlusher {
  private readonly options: IndexFlusherOptions
  private worker: Worker | undefined
  private flushing: Promise<void> | undefined
  private retryAtMs = 0
  private threadWorks = true
  private lastNotice: string | undefined
  private idleTimer: NodeJS.Timeout | undefined
  private catchUpTimer: NodeJS.Timeout | undefined
  private closed = false

  constructor(options: IndexFlusherOptions) {
    this.options = options
  }

  /** Starts a flush unless one is on its way, and resolves with it. `to` is the log's end, with all its events in the table. */
  flush(to: number): Promise<void> {
    if (!this.flushing && this.options.table.lag() > 0 && Date.now() >= this.retryAtMs) {
      this.flushing = this.flushBatch(to).finally(() => {
        this.flushing = undefined
      })
    }
    return this.flushing ?? Promise.resolve()
  }

  /** Resolves once the index has all events before a position. @throws where it does not take them. */
  async reach(position: number, end: () => number): Promise<void> {
    const { index, table } = this.options
    for (let attempt = 0; attempt < REACH_ATTEMPTS_MAX; attempt++) {
      if (index.indexedTo >= position || table.unindexedCount() === 0) return
      await this.flush(end())
    }
    throw new Error('the index cannot be written')
  }

  /** Takes events up to these revisions out of the index where the log no longer holds them, some at a time. */
  async remove(upTo: ReadonlyMap<string, number>, isHeld: (position: number) => boolean): Promise<void> {
    for (const [stream, revision] of upTo) {
      for (let next: number | undefined = 0; next !== undefined && !this.closed; ) {
        while (this.flushing) await this.flushing
        next = this.options.index.removePage(stream, next, revision, isHeld)
        await new Promise((resolve) => setImmediate(resolve))
      }
    }
  }

  /** Lets the index follow. Appends wait for it only where it has fallen far behind, so that memory stays bounded. */
  async follow(to: number): Promise<void> {
    const { table, index, indexLagEvents, indexLagBytes } = this.options
    if (table.lag() < indexLagEvents && to - index.indexedTo < indexLagBytes) return
    const flushed = this.flush(to)
    if (table.unindexedCount() > indexLagEvents * LAGS_BEFORE_WAITING) await flushed
  }

  /** Brings the index up to date once nothing was appended for a while; `endIfIdle` gives the log's end, if so. */
  catchUpWhenIdle(endIfIdle: () => number | undefined): void {
    if (this.catchUpTimer || this.closed || this.options.table.lag() === 0) return
    this.catchUpTimer = setTimeout(() => {
      this.catchUpTimer = undefined
      const to = endIfIdle()
      const flushed = to === undefined ? Promise.resolve() : this.flush(to)
      void flushed.then(() => this.catchUpWhenIdle(endIfIdle))
    }, this.options.indexIdleMs)
    this.catchUpTimer.unref()
  }

  private async flushBatch(to: number): Promise<void> {
    const { table, index, indexLagEvents } = this.options
    const batch = table.takeUnindexed(to)
    try {
      const events = this.worker ? KEEP_EVENTS_MIN : THREAD_EVENTS_MIN
      const isLarge = batch.entries.length >= Math.min(events, indexLagEvents)
      if (isLarge && this.threadWorks) await this.flushInThread(batch)
      else index.add(batch.entries, batch.streams, to)
      table.indexed(batch)
      this.lastNotice = undefined
    } catch (error) {
      // The log has the events and the table answers for them, so nothing is lost: a later flush takes them along.
      table.putBack(batch)
      this.retryAtMs = Date.now() + RETRY_AFTER_MS
      this.tell(`the index could not be written and is tried again: ${(error as Error).message}`)
    }
  }

  private async flushInThread(batch: IndexBatch): Promise<void> {
    const worker = this.worker ?? this.startWorker()
    this.worker = worker
    clearTimeout(this.idleTimer)
    const packed = pack(batch, this.options.index.eventCount)
    // The thread keeps the process alive only while it has work.
    worker.ref()
    worker.postMessage(packed, [packed.numbers.buffer, packed.ids.buffer])
    try {
      const [answer] = (await once(worker, 'message')) as [IndexWorkerAnswer]
      worker.unref()
      if (answer.failure !== undefined) throw new Error(answer.failure)
    } catch (error) {
      // A thread that is gone does not come back; the next flush is written on the spot.
      if (this.worker === undefined) this.threadWorks = false
      throw error
    }
    this.options.index.noteAdded(batch.entries.length, batch.indexedTo)
    const { indexThreadIdleMs, onNotice } = this.options
    const end = () => this.endThread().catch((error: Error) => onNotice(`the index's thread failed: ${error.message}`))
    this.idleTimer = setTimeout(end, indexThreadIdleMs).unref()
  }

  private startWorker(): Worker {
    const { directory, indexCacheKiB } = this.options
    const worker = new Worker(new URL('./index-worker.ts', import.meta.url), {
      workerData: { directory, cacheKiB: indexCacheKiB },
      resourceLimits: { maxOldGenerationSizeMb: 128, maxYoungGenerationSizeMb: 8 },
    })
    const gone = () => {
      if (this.worker === worker) this.worker = undefined
    }
    worker.once('error', gone)
    worker.once('exit', gone)
    worker.unref()
    return worker
  }

  /** Writes what the index lacks before anything else happens. What it does not take now it takes later. */
  catchUp(to: number): void {
    if (Date.now() < this.retryAtMs) return
    try {
      this.options.table.flush(to)
    } catch (error) {
      this.retryAtMs = Date.now() + RETRY_AFTER_MS
      this.tell(`the index could not be written, and follows later: ${(error as Error).message}`)
    }
  }

  /** Says it once, however often it happens in a row. */
  private tell(notice: string): void {
    if (notice !== this.lastNotice) this.options.onNotice(notice)
    this.lastNotice = notice
  }

  /** Waits for what is on its way, ends the thread, and writes the rest on the spot; the next start makes up for it. */
  async close(to: number): Promise<void> {
    this.closed = true
    clearTimeout(this.catchUpTimer)
    await this.flushing
    clearTimeout(this.idleTimer)
    await this.endThread()
    this.retryAtMs = 0
    this.catchUp(to)
  }

  private async endThread(): Promise<void> {
    const { worker } = this
    if (!worker) return
    this.worker = undefined
    const exited = once(worker, 'exit')
    worker.ref()
    worker.postMessage('close')
    await exited
  }
}

/**
 * Everything of the events travels to the thread in two transferred arrays: five numbers to an event, the last of them the
 * place of its id among the ids, or -1 where it has none to be found by.
 */
export function pack({ entries, streams, indexedTo }: IndexBatch, eventsBefore: number): PackedBatch {
  const numbers = new Float64Array(entries.length * NUMBERS)
  const ids = new Uint8Array(entries.length * ID_BYTES)
  const texts = Buffer.from(ids.buffer)
  let idCount = 0
  for (const [index, { streamId, revision, position, length, id, isIdIndexed }] of entries.entries()) {
    if (isIdIndexed) texts.write(id, idCount * ID_BYTES, ID_BYTES, 'latin1')
    numbers.set([streamId, revision, position, length, isIdIndexed ? idCount++ : -1], index * NUMBERS)
  }
  return { numbers, ids: ids.slice(0, idCount * ID_BYTES), streams, indexedTo, eventsBefore }
}

export function unpack({ numbers, ids, streams, indexedTo }: Omit<PackedBatch, 'eventsBefore'>): IndexBatch {
  const entries: IndexEntry[] = []
  for (let at = 0; at < numbers.length; at += NUMBERS) {
    const [streamId, revision, position, length] = [numbers[at]!, numbers[at + 1]!, numbers[at + 2]!, numbers[at + 3]!]
    const place = numbers[at + 4]!
    const id = place < 0 ? NO_ID : idText(Buffer.from(ids.buffer, place * ID_BYTES, ID_BYTES))
    entries.push({ streamId, revision, position, length, id, isIdIndexed: place >= 0 })
  }
  return { entries, streams, indexedTo }
}
