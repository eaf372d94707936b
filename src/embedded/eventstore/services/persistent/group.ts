/**
 * A subscription group at work: it reads ahead of its consumers, hands messages out by its strategy, takes
 * acknowledgements and refusals, retries and parks, and writes checkpoints. Order is not promised, as in the protocol.
 */

import { type RecordView, recordId, uuidText } from '../../storage/record.ts'
import type { EventStore } from '../../storage/store.ts'
import { resolveRecord } from '../reading.ts'
import { Bookkeeping } from './bookkeeping.ts'
import { type Consumer, createStrategy, type Message, type Strategy } from './consumer.ts'
import type { SubscriptionConfig } from './settings.ts'
import { openSource, type Source } from './source.ts'

export type NackAction = 'park' | 'retry' | 'skip' | 'stop' | 'unknown'

const LATENCIES_KEPT = 1000
const TICK_MS = 100

export class SubscriptionGroup {
  readonly config: SubscriptionConfig
  readonly consumers: Consumer[] = []
  readonly bookkeeping: Bookkeeping
  readonly source: Source
  lastCheckpoint: number | undefined
  lastKnown: number | undefined
  totalItems = 0
  countSinceLastMeasurement = 0
  readonly startedAtMs = Date.now()
  private readonly store: EventStore
  private readonly strategy: Strategy
  private readonly stopListening: () => void
  private readonly onNotice: (notice: string) => void
  /** Read and not sent yet, in order. */
  private buffer: Message[] = []
  /** To be sent again, before what is in the buffer. */
  private retries: Message[] = []
  /** Places that were read and are not dealt with, in order; each with the place before it. */
  private readonly unsettled = new Map<number, number | undefined>()
  private nextToRead: number
  private reading = false
  private atEnd = false
  private closed = false
  private settledSinceCheckpoint = 0
  private checkpointedAtMs = Date.now()
  private bookkeepingDone: Promise<void> = Promise.resolve()
  private readonly ticker: NodeJS.Timeout

  constructor(store: EventStore, config: SubscriptionConfig, onNotice: (notice: string) => void) {
    this.store = store
    this.config = config
    this.onNotice = onNotice
    this.source = openSource(store, config)
    this.bookkeeping = new Bookkeeping(store, config)
    this.strategy = createStrategy(config.settings.strategy, this.consumers)
    this.lastCheckpoint = this.bookkeeping.checkpoint()
    this.nextToRead = this.lastCheckpoint === undefined ? config.firstToRead : this.lastCheckpoint + 1
    this.lastKnown = this.lastCheckpoint
    this.stopListening = this.source.onCommit(() => {
      this.atEnd = false
      this.fill()
    })
    this.ticker = setInterval(() => this.tick(), TICK_MS)
    this.ticker.unref()
    this.fill()
  }

  /** Live once everything that is stored has been read; behind before that. */
  status(): 'Live' | 'Behind' {
    return this.atEnd ? 'Live' : 'Behind'
  }

  counts(): { buffered: number; retries: number; outstanding: number } {
    const outstanding = this.consumers.reduce((total, { inFlight }) => total + inFlight.size, 0)
    return { buffered: this.buffer.length, retries: this.retries.length, outstanding }
  }

  connect(consumer: Consumer): void {
    this.consumers.push(consumer)
    this.pump()
  }

  /** Takes a consumer away; what it had in flight goes to the others. */
  disconnect(consumer: Consumer): void {
    const index = this.consumers.indexOf(consumer)
    if (index < 0) return
    this.consumers.splice(index, 1)
    this.strategy.forget(consumer)
    for (const message of consumer.inFlight.values())
      this.retries.push({ ...message, retryCount: message.retryCount + 1 })
    consumer.inFlight.clear()
    this.pump()
  }

  private fill(): void {
    if (this.reading || this.closed || this.atEnd) return
    if (this.buffer.length + this.config.settings.readBatchSize > this.config.settings.historyBufferSize) return
    this.reading = true
    this.readBatch().then(
      () => {
        this.reading = false
        this.pump()
        this.fill()
      },
      (error: unknown) => {
        this.reading = false
        // A record that cannot be read stops the group where it is, rather than being passed over.
        this.atEnd = true
        this.onNotice(`persistent subscription ${this.config.group} on ${this.config.source} cannot read: ${error}`)
      },
    )
  }

  private async readBatch(): Promise<void> {
    const end = this.source.end()
    const batch = await this.source.read(this.nextToRead, Math.max(1, this.config.settings.readBatchSize))
    if (this.closed) return
    if (!batch) {
      if (this.source.end() === end) this.atEnd = true
      return
    }
    for (const record of batch.records) {
      const place = this.source.placeOf(record)
      this.unsettled.set(place, this.lastKnown)
      this.lastKnown = place
      this.buffer.push(this.messageOf(record, place))
    }
    this.nextToRead = batch.next
  }

  private messageOf(record: RecordView, place: number | undefined): Message {
    const resolved = resolveRecord(this.store, record, this.config.settings.resolveLinks)
    const id = uuidText(recordId(resolved.link ?? resolved.event!))
    return { id, resolved, place, retryCount: 0, sentAtMs: 0 }
  }

  /** Sends as many messages as the consumers have room for; one whose consumer is full does not hold up the rest. */
  private pump(): void {
    if (this.closed || this.consumers.length === 0) return
    this.retries = this.sendFrom(this.retries)
    this.buffer = this.sendFrom(this.buffer)
    this.fill()
  }

  private sendFrom(messages: Message[]): Message[] {
    const kept: Message[] = []
    for (const [index, message] of messages.entries()) {
      if (this.consumers.every(({ inFlight, bufferSize }) => inFlight.size >= bufferSize)) {
        return [...kept, ...messages.slice(index)]
      }
      const consumer = this.strategy.choose(message)
      if (!consumer) {
        kept.push(message)
        continue
      }
      message.sentAtMs = Date.now()
      consumer.inFlight.set(message.id, message)
      consumer.totalItems++
      consumer.countSinceLastMeasurement++
      this.totalItems++
      this.countSinceLastMeasurement++
      consumer.send(message)
    }
    return kept
  }

  acknowledge(consumer: Consumer, ids: readonly string[]): void {
    for (const id of ids) {
      const message = consumer.inFlight.get(id)
      if (!message) continue
      consumer.inFlight.delete(id)
      if (this.config.settings.extraStatistics) {
        consumer.latenciesMs.push(Date.now() - message.sentAtMs)
        if (consumer.latenciesMs.length > LATENCIES_KEPT) consumer.latenciesMs.shift()
      }
      this.settle(message)
    }
    this.pump()
  }

  refuse(consumer: Consumer, ids: readonly string[], action: NackAction, reason: string): void {
    for (const id of ids) {
      const message = consumer.inFlight.get(id)
      if (!message) continue
      consumer.inFlight.delete(id)
      if (action === 'skip') this.settle(message)
      else if (action === 'park') this.park(message, `Client explicitly NAK'ed message.\n${reason}`, true)
      else if (action !== 'stop') this.retry(message, true)
      // With `stop` nobody gets the message again before the next start, and no checkpoint goes past it.
    }
    this.pump()
  }

  private retry(message: Message, isRefused: boolean): void {
    const { maxRetryCount } = this.config.settings
    if (message.retryCount >= maxRetryCount) this.park(message, `Reached retry count of ${maxRetryCount}`, isRefused)
    else this.retries.push({ ...message, retryCount: message.retryCount + 1 })
  }

  private park(message: Message, reason: string, isRefused: boolean): void {
    const record = message.resolved.link ?? message.resolved.event!
    // A replayed event is parked again as what it is, and not as a link to its link.
    const original = message.place === undefined ? (message.resolved.event ?? record) : record
    this.keep(
      () => this.bookkeeping.park(original, reason, isRefused ? message.place : undefined),
      () => this.settle(message),
    )
  }

  /** Writes one after the other; where that fails the message is retried by its timeout or the next start. */
  private keep(write: () => Promise<void>, done: () => void): void {
    this.bookkeepingDone = this.bookkeepingDone.then(write).then(done, (error: unknown) => {
      this.onNotice(`persistent subscription ${this.config.group} on ${this.config.source} cannot write: ${error}`)
    })
  }

  private settle(message: Message): void {
    if (message.place === undefined || !this.unsettled.delete(message.place)) return
    this.settledSinceCheckpoint++
    if (this.settledSinceCheckpoint >= this.config.settings.maxCheckpointCount) this.writeCheckpoint()
  }

  /** The place up to which nothing is left to do. */
  private settledTo(): number | undefined {
    for (const before of this.unsettled.values()) return before
    return this.lastKnown
  }

  private writeCheckpoint(): void {
    const place = this.settledTo()
    this.settledSinceCheckpoint = 0
    this.checkpointedAtMs = Date.now()
    if (place === undefined || place === this.lastCheckpoint) return
    this.lastCheckpoint = place
    this.keep(
      () => this.bookkeeping.writeCheckpoint(place),
      () => undefined,
    )
  }

  private tick(): void {
    const now = Date.now()
    const { messageTimeoutMs, checkpointAfterMs, minCheckpointCount } = this.config.settings
    if (messageTimeoutMs > 0) {
      for (const consumer of this.consumers) {
        for (const message of [...consumer.inFlight.values()]) {
          if (now - message.sentAtMs < messageTimeoutMs) continue
          consumer.inFlight.delete(message.id)
          this.retry(message, false)
        }
      }
      if (this.retries.length > 0) this.pump()
    }
    const due = checkpointAfterMs > 0 && now - this.checkpointedAtMs >= checkpointAfterMs
    if (due && this.settledSinceCheckpoint > 0 && this.settledSinceCheckpoint >= minCheckpointCount)
      this.writeCheckpoint()
  }

  /** Sends parked events again, oldest first, up to this revision of the parked stream. */
  async replayParked(stopAt: number): Promise<void> {
    await this.bookkeepingDone
    let next: number | undefined
    for (const { revision, original } of this.bookkeeping.parked(stopAt)) {
      next = revision + 1
      const record = original && this.store.streams.readEvent(original.stream, original.revision)
      if (record) this.retries.push(this.messageOf(record, undefined))
    }
    if (next !== undefined) await this.bookkeeping.truncateParked(next)
    this.pump()
  }

  /** Ends the group's work: consumers are dropped with this reason, and the last checkpoint is written. */
  async close(reason: Error): Promise<void> {
    if (this.closed) return
    this.closed = true
    clearInterval(this.ticker)
    this.stopListening()
    if (this.settledSinceCheckpoint > 0) this.writeCheckpoint()
    for (const consumer of this.consumers.splice(0)) consumer.drop(reason)
    await this.bookkeepingDone
  }
}
