/**
 * The queue in front of the log. While one group of appends is on its way to the disk, the next one gathers, so that any
 * number of concurrent appends share a write and a sync. Answers are given only afterwards.
 */
import { crashPoint } from '../../../runtime/crash-points.ts'
import { Group, type GroupEntry, type StoredFacts, type WriteOutcome, type WriteRequest } from './group.ts'
import type { EventLog } from './log.ts'

/** An append that was not decided: the log cannot be written, the queue is full, or the node is closing. */
export class AppendUnavailableError extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, { cause })
    this.name = 'AppendUnavailableError'
  }
}

type Queued = {
  request: WriteRequest
  bytes: number
  resolve: (outcome: WriteOutcome) => void
  reject: (error: Error) => void
}

export type WriterOptions = {
  log: EventLog
  maxGroupBytes: number
  maxQueuedBytes: number
  factsOf: (stream: string) => StoredFacts
  /** Makes the events of a group visible; they are on disk by then. */
  publish: (entries: readonly GroupEntry[]) => void
  /** Called after each group, and once when the queue has run empty. */
  afterGroup: () => Promise<void>
  whenIdle: () => void
}

/** What an append takes beyond its payload: header, type, stream name and the protocol's framing, generously. */
const OVERHEAD_BYTES = 512
const GATHERING_TURNS = 4
/** A queue of so many appends is one group, and on a slow disk one that has an append for each so many milliseconds. */
const SPLIT_MIN = 6
const WORTH_A_WRITE_MS = 0.05
/** How often deadlines are looked at while appends wait. */
const SWEEP_MS = 100
const ROLL_POLL_MS = 10

export class Writer {
  /** The size and duration of the latest group commit, for statistics. */
  lastGroup = { bytes: 0, durationMs: 0 }
  private readonly options: WriterOptions
  private queue: Queued[] = []
  private queuedBytes = 0
  private inFlight: Queued[] = []
  private writing: Promise<void> | undefined
  private closed = false

  constructor(options: WriterOptions) {
    this.options = options
  }

  queueLength(): number {
    return this.queue.length
  }

  isWriting(): boolean {
    return this.writing !== undefined
  }

  /** Queues a write. The outcome comes once it, and every event that it rests on, is on disk. */
  write(request: WriteRequest): Promise<WriteOutcome> {
    return new Promise((resolve, reject) => {
      if (this.closed) return reject(new AppendUnavailableError('the node is shutting down'))
      let bytes = OVERHEAD_BYTES
      for (const event of request.events) bytes += event.data.length + event.customMetadata.length + OVERHEAD_BYTES
      if (this.queuedBytes + bytes > this.options.maxQueuedBytes && this.queue.length > 0) {
        return reject(new AppendUnavailableError('too many appends are waiting'))
      }
      this.queue.push({ request, bytes, resolve, reject })
      this.queuedBytes += bytes
      this.writing ??= this.drain()
    })
  }

  private async drain(): Promise<void> {
    await this.gather()
    const sweeper = setInterval(() => this.answerExpired(), SWEEP_MS)
    while (this.queue.length > 0) {
      this.inFlight = this.takeQueued()
      await this.commitGroup(this.inFlight)
      await this.options.afterGroup()
      // A turn of the event loop sends the answers before the rest of the queue holds it up.
      if (this.queue.length > 0) await new Promise((resolve) => setImmediate(resolve))
    }
    clearInterval(sweeper)
    this.inFlight = []
    this.writing = undefined
    this.options.whenIdle()
  }

  /** Lets what is arriving right now into the same group: a turn of the event loop, and a few more while appends come in. */
  private async gather(): Promise<void> {
    for (let turn = 0; turn < GATHERING_TURNS; turn++) {
      const before = this.queue.length
      await new Promise((resolve) => setImmediate(resolve))
      if (this.queue.length === before) return
    }
  }

  /**
   * Tells clients whose deadline passes while the disk is busy. What is still queued is not written any more; what is on
   * its way may be written yet, and a repetition with the same ids finds out.
   */
  private answerExpired(): void {
    const nowMs = Date.now()
    const expired = ({ request }: Queued) => request.deadlineMs !== undefined && request.deadlineMs < nowMs
    for (const each of [...this.inFlight, ...this.queue]) if (expired(each)) each.resolve({ kind: 'deadline-exceeded' })
    this.queue = this.queue.filter((each) => {
      if (!expired(each)) return true
      this.queuedBytes -= each.bytes
      return false
    })
  }

  /**
   * The next group. A client with as many appends under way as it wants can send more only once it is answered: were all
   * of them one group, client and disk would wait for each other in turn, for ever. So half the queue is written and
   * answered before the other half, as long as a half takes us about as long as it takes the disk.
   */
  private takeQueued(): Queued[] {
    const { maxGroupBytes, log } = this.options
    const most = Math.max(SPLIT_MIN, Math.ceil(this.queue.length / 2), log.typicalWriteMs() / WORTH_A_WRITE_MS)
    let bytes = 0
    let count = 0
    while (
      count < this.queue.length &&
      count < most &&
      (count === 0 || bytes + this.queue[count]!.bytes <= maxGroupBytes)
    ) {
      bytes += this.queue[count++]!.bytes
    }
    this.queuedBytes -= bytes
    return this.queue.splice(0, count)
  }

  private async commitGroup(queued: Queued[]): Promise<void> {
    const settled: Array<() => void> = []
    try {
      const bytes = queued.reduce((total, each) => total + each.bytes, 0)
      const group = new Group(await this.options.log.reserve(bytes), Date.now(), this.options.factsOf)
      for (const each of queued) settled.push(decide(group, each))
      if (group.entries.length > 0) await this.writeGroup(group)
    } catch (error) {
      const unavailable = new AppendUnavailableError(`the log cannot be written: ${(error as Error).message}`, error)
      for (const { reject } of queued) reject(unavailable)
      return
    }
    for (const settle of settled) settle()
  }

  private async writeGroup(group: Group): Promise<void> {
    const encoded = group.encode()
    const startedAtMs = performance.now()
    crashPoint('store.before-write', group.entries)
    await this.options.log.write(encoded)
    crashPoint('store.before-answer', group.entries)
    this.lastGroup = { bytes: encoded.length, durationMs: performance.now() - startedAtMs }
    this.options.publish(group.entries)
  }

  /** Begins a new file of the log as soon as no write is on its way; resolves once that is done. */
  async rollLog(): Promise<void> {
    const { log } = this.options
    log.mustRoll = true
    // Under load the next group does it; with nothing to write, nobody does.
    while (log.mustRoll) {
      if (this.writing) await new Promise((resolve) => setTimeout(resolve, ROLL_POLL_MS))
      else await this.rollIdleLog()
    }
  }

  private async rollIdleLog(): Promise<void> {
    const rolling = this.options.log.reserve(0)
    const settled = rolling.then(
      () => undefined,
      () => undefined,
    )
    this.writing = settled.then(() => {
      this.writing = this.queue.length > 0 ? this.drain() : undefined
    })
    await rolling
  }

  /** Stops taking writes, and waits for those that were accepted, though not longer than this. */
  async drained(graceMs: number): Promise<void> {
    this.closed = true
    const writing = this.writing
    if (!writing) return
    let timer: NodeJS.Timeout | undefined
    const grace = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, graceMs)
    })
    await Promise.race([writing, grace])
    clearTimeout(timer)
  }

  /** Stops taking writes, and waits for those that were accepted. */
  async close(): Promise<void> {
    this.closed = true
    await this.writing
  }
}

/** Decides on one write now; what it returns gives the answer, once the group is on disk. */
function decide(group: Group, { request, resolve, reject }: Queued): () => void {
  if (request.deadlineMs !== undefined && request.deadlineMs < group.nowMs) {
    return () => resolve({ kind: 'deadline-exceeded' })
  }
  try {
    const outcome = group.take(request)
    return () => resolve(outcome)
  } catch (error) {
    return () => reject(error as Error)
  }
}
