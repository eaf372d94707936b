/** One connected consumer of a persistent subscription, and how the strategies choose among several. */
import type { ResolvedRecord } from '../../protocol/read-messages.ts'
import { WireReader } from '../../protocol/wire.ts'
import { recordBody, recordNameBytes } from '../../storage/record.ts'
import type { StrategyName } from './settings.ts'

/** An event on its way to a consumer. `place` is its revision or position, undefined for a replayed parked event. */
export type Message = {
  id: string
  resolved: ResolvedRecord
  place: number | undefined
  retryCount: number
  sentAtMs: number
}

export type Consumer = {
  connectionName: string
  from: string
  bufferSize: number
  inFlight: Map<string, Message>
  totalItems: number
  countSinceLastMeasurement: number
  connectedAtMs: number
  /** Milliseconds from sending to acknowledgement of the latest messages, where statistics are asked for. */
  latenciesMs: number[]
  send: (message: Message) => void
  drop: (reason: Error) => void
}

const hasRoom = (consumer: Consumer): boolean => consumer.inFlight.size < consumer.bufferSize

/** Chooses the consumer of a message; undefined where the one it needs, or every one, is busy. */
export type Strategy = { choose: (message: Message) => Consumer | undefined; forget: (consumer: Consumer) => void }

function roundRobin(consumers: readonly Consumer[]): Strategy {
  let next = 0
  const choose = (): Consumer | undefined => {
    for (let tried = 0; tried < consumers.length; tried++) {
      const consumer = consumers[(next + tried) % consumers.length]!
      if (!hasRoom(consumer)) continue
      next = (next + tried + 1) % consumers.length
      return consumer
    }
    return undefined
  }
  return { choose, forget: () => undefined }
}

/** All to the first one; the next takes over only while that one is full. */
function dispatchToSingle(consumers: readonly Consumer[]): Strategy {
  return { choose: () => consumers.find(hasRoom), forget: () => undefined }
}

/** Messages with the same key keep going to the same consumer, as long as it is connected. */
function pinned(consumers: readonly Consumer[], keyOf: (message: Message) => string): Strategy {
  const buckets = new Map<number, Consumer>()
  const load = (consumer: Consumer) => [...buckets.values()].filter((each) => each === consumer).length
  const choose = (message: Message): Consumer | undefined => {
    const bucket = hash(keyOf(message)) % 1024
    let consumer = buckets.get(bucket)
    if (!consumer) {
      consumer = [...consumers].sort((left, right) => load(left) - load(right))[0]
      if (!consumer) return undefined
      buckets.set(bucket, consumer)
    }
    return hasRoom(consumer) ? consumer : undefined
  }
  const forget = (consumer: Consumer) => {
    for (const [bucket, owner] of buckets) if (owner === consumer) buckets.delete(bucket)
  }
  return { choose, forget }
}

/** FNV-1a, which spreads short names well enough over the buckets. */
function hash(text: string): number {
  let value = 0x811c9dc5
  for (let index = 0; index < text.length; index++) value = Math.imul(value ^ text.charCodeAt(index), 0x01000193)
  return value >>> 0
}

function streamKey(message: Message): string {
  const record = message.resolved.event ?? message.resolved.link!
  return recordNameBytes(record).toString('utf8')
}

function correlationKey(message: Message): string {
  const record = message.resolved.event ?? message.resolved.link!
  const reader = new WireReader(recordBody(record))
  while (reader.next()) {
    if (reader.field !== 7) {
      reader.skip()
      continue
    }
    const found = /"\$correlationId"\s*:\s*"([^"]*)"/.exec(reader.string())
    return found?.[1] ?? streamKey(message)
  }
  return streamKey(message)
}

export function createStrategy(name: StrategyName, consumers: readonly Consumer[]): Strategy {
  if (name === 'DispatchToSingle') return dispatchToSingle(consumers)
  if (name === 'Pinned') return pinned(consumers, streamKey)
  if (name === 'PinnedByCorrelation') return pinned(consumers, correlationKey)
  return roundRobin(consumers)
}

/** The latency figures that the protocol names, in milliseconds. */
export function latencyFigures(latenciesMs: readonly number[]): Array<[string, number]> {
  if (latenciesMs.length === 0) return []
  const sorted = [...latenciesMs].sort((left, right) => left - right)
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!
  const mean = sorted.reduce((total, each) => total + each, 0) / sorted.length
  const figures: Array<[string, number]> = [
    ['Mean', mean],
    ['Median', at(0.5)],
    ['Fastest', sorted[0]!],
    ['Quintile 1', at(0.2)],
    ['Quintile 2', at(0.4)],
    ['Quintile 3', at(0.6)],
    ['Quintile 4', at(0.8)],
    ['Quintile 5', at(1)],
    ['90%', at(0.9)],
    ['95%', at(0.95)],
    ['99%', at(0.99)],
    ['99.5%', at(0.995)],
    ['99.9%', at(0.999)],
    ['Highest', at(1)],
  ]
  return figures.map(([name, value]) => [name, Math.round(value)])
}
