/**
 * The message stream for a machine without NATS: the same durable logs, consumers and redelivery, inside this process,
 * in one SQLite file. It has the shape of the engine's MessageStream without importing it.
 *
 * Publishes of one turn of the event loop share a transaction that is synced to disk before they are acknowledged.
 * Acknowledgements and delivery counts are written too, but not synced: after a power cut a message may come again,
 * which receivers have to bear with anyway. Messages that every consumer has acknowledged are removed once the
 * deduplication window has passed them.
 */
import { setImmediate as nextTurn } from 'node:timers'
import { createDeliveries, type Deliveries } from './stream-deliveries.ts'
import { openStreamFile, type StreamFile } from './stream-file.ts'

export type StreamName = 'commands' | 'events'

export interface StreamOptions {
  /** Path of the SQLite file; created where it is missing. */
  file: string
  /** A repeated message id is stored once in this time. Default two minutes. */
  dedupeWindowMs?: number
  /** Bodies of one stream together; a full stream refuses what is published to it. Default 1 GiB. */
  streamBytesMax?: number
  /** Older messages are removed, acknowledged or not. Default 30 days; 0 is for ever. */
  messageAgeMsMax?: number
  /** Default 30,000. */
  trimIntervalMs?: number
  /** Larger bodies are refused by publish. Default 512 KiB. */
  bodyBytesMax?: number
}

export interface StreamMessage {
  key: string
  body: Uint8Array
  deliveryCount: number
  sequence: bigint
  ack(): void
  nak(delayMs?: number): void
}

export interface ConsumeOptions {
  durable: string
  maxAckPending: number
  ackWaitMs: number
  takesOver?: boolean
  signal: AbortSignal
}

export interface EmbeddedStream {
  publish(
    stream: StreamName,
    key: string,
    messageId: string,
    body: Uint8Array,
  ): Promise<{ sequence: bigint; duplicate: boolean }>
  consume(stream: StreamName, options: ConsumeOptions): AsyncIterable<StreamMessage[]>
  isUp(): boolean
  close(): Promise<void>
}

/** The stream is closed or full, or its file cannot be written; the message's fate is unknown. */
export class StreamUnavailable extends Error {
  override name = 'StreamUnavailable'
}

export interface Publish {
  stream: StreamName
  key: string
  messageId: string
  body: Uint8Array
  resolve(receipt: { sequence: bigint; duplicate: boolean }): void
  reject(error: Error): void
}

type Settings = Required<Omit<StreamOptions, 'file'>>

const defaults: Settings = {
  dedupeWindowMs: 2 * 60 * 1000,
  streamBytesMax: 1024 ** 3,
  messageAgeMsMax: 30 * 24 * 60 * 60 * 1000,
  trimIntervalMs: 30_000,
  bodyBytesMax: 512 * 1024,
}

/** Opens or creates the file. It must be this process's alone: the caller holds the data directory's lock. */
export function openStream(options: StreamOptions): EmbeddedStream {
  const settings: Settings = { ...defaults, ...options }
  const file = openStreamFile(options.file)
  const deliveries = new Map<string, Deliveries>()
  const closing = new AbortController()
  let queue: Publish[] = []
  let scheduled = false
  let healthy = true

  /** Writes what has gathered: publishes first, then delivery state. */
  const flush = () => {
    scheduled = false
    if (closing.signal.aborted) return
    const publishes = queue
    queue = []
    try {
      writePublishes(file, publishes, settings)
      writeDeliveries(file, [...deliveries.values()])
      healthy = true
    } catch (error) {
      // Delivery state that could not be written stays marked as changed and goes with the next write.
      healthy = false
      for (const { reject } of publishes) reject(unavailable(error))
    }
    for (const stream of new Set(publishes.map((publish) => publish.stream))) {
      for (const [name, delivery] of deliveries) if (name.startsWith(`${stream}/`)) delivery.wake()
    }
  }
  const schedule = () => {
    if (scheduled || closing.signal.aborted) return
    scheduled = true
    nextTurn(flush)
  }
  const trim = () => {
    try {
      file.trim({ messageAgeMsMax: settings.messageAgeMsMax, keepMs: settings.dedupeWindowMs })
      healthy = true
    } catch {
      // A disk that is full or failing: publish says what is wrong with it, and the next round tries again.
      healthy = false
    }
  }
  trim()
  const trimmer = setInterval(trim, settings.trimIntervalMs)
  trimmer.unref()

  return {
    async publish(stream, key, messageId, body) {
      checkMessage(key, body, settings.bodyBytesMax)
      if (closing.signal.aborted) throw new StreamUnavailable('The stream is closed')
      return new Promise((resolve, reject) => {
        queue.push({ stream, key, messageId, body, resolve, reject })
        schedule()
      })
    },
    async *consume(stream, consumeOptions) {
      if (closing.signal.aborted) return
      const name = `${stream}/${consumeOptions.durable}`
      const delivery = deliveries.get(name) ?? createDeliveries(file, stream, consumeOptions.durable, schedule)
      deliveries.set(name, delivery)
      yield* delivery.consume({ ...consumeOptions, signal: AbortSignal.any([consumeOptions.signal, closing.signal]) })
    },
    isUp: () => healthy && !closing.signal.aborted,
    async close() {
      if (closing.signal.aborted) return
      flush()
      closing.abort()
      clearInterval(trimmer)
      file.close()
    },
  }
}

/** One synced transaction for all; nobody is told before it is on disk. */
function writePublishes(file: StreamFile, publishes: Publish[], settings: Settings): void {
  if (publishes.length === 0) return
  const settle: (() => void)[] = []
  file.transaction('FULL', () => {
    const now = Date.now()
    for (const { stream, key, messageId, body, resolve, reject } of publishes) {
      const known = file.findSince(stream, messageId, now - settings.dedupeWindowMs)
      if (known !== undefined) settle.push(() => resolve({ sequence: known, duplicate: true }))
      else if (file.bytes(stream) + body.byteLength > settings.streamBytesMax) {
        settle.push(() => reject(new StreamUnavailable(`The stream ${stream} is full`)))
      } else {
        const sequence = file.append(stream, key, messageId, body, now)
        settle.push(() => resolve({ sequence, duplicate: false }))
      }
    }
  })
  for (const tell of settle) tell()
}

/** Not synced: losing it means delivering again. */
function writeDeliveries(file: StreamFile, deliveries: Deliveries[]): void {
  const changed = deliveries.filter((delivery) => delivery.isChanged())
  if (changed.length === 0) return
  file.transaction('NORMAL', () => {
    for (const delivery of changed) delivery.save()
  })
  for (const delivery of changed) delivery.saved()
}

function unavailable(error: unknown): StreamUnavailable {
  return new StreamUnavailable(`The stream's file could not be written: ${(error as Error).message}`, { cause: error })
}

/** The same rules as NATS has for a token of a subject, so that nothing works here that fails there. */
function checkMessage(key: string, body: Uint8Array, bodyBytesMax: number): void {
  if (!/^[^\s.*>]+$/.test(key)) throw new TypeError(`Not usable as the last token of a subject: ${JSON.stringify(key)}`)
  if (body.byteLength > bodyBytesMax) {
    throw new RangeError(`A body of ${body.byteLength} bytes is over the limit of ${bodyBytesMax}`)
  }
}
