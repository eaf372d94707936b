/**
 * One durable consumer of the in-process stream: what was handed out, what is acknowledged, and when something is due
 * again. The state is in memory and written down with the stream's next transaction; after a restart whatever was
 * not acknowledged is due at once.
 */
import type { ConsumeOptions, StreamMessage, StreamName } from './stream.ts'
import type { StoredMessage, StreamFile } from './stream-file.ts'

export interface Deliveries {
  consume(options: ConsumeOptions): AsyncGenerator<StreamMessage[]>
  /** Messages may have arrived. */
  wake(): void
  /** Whether there is something to save. */
  isChanged(): boolean
  /** Writes what has changed, inside a transaction of the caller. */
  save(): void
  /** The transaction is committed; until then the changes count as unsaved. */
  saved(): void
}

interface HandedOut {
  sequence: bigint
  deliveryCount: number
  acknowledged: boolean
  /** Milliseconds on the monotonic clock, so that a clock that is set does not redeliver everything. */
  dueAt: number
}

/** `changed` is called when there is something to save. */
export function createDeliveries(
  file: StreamFile,
  stream: StreamName,
  durable: string,
  changed: () => void,
): Deliveries {
  const loaded = file.loadConsumer(stream, durable)
  const handedOut = new Map<bigint, HandedOut>(
    loaded.handedOut.map((entry) => [entry.sequence, { ...entry, dueAt: 0 }]),
  )
  const unsaved = new Set<HandedOut>()
  const waiting = new Set<() => void>()
  let floor = loaded.floor
  let savedFloor = floor
  /** The last sequence ever handed out. */
  let cursor = loaded.handedOut.at(-1)?.sequence ?? floor

  const mark = (entry: HandedOut) => {
    unsaved.add(entry)
    changed()
  }
  const wake = () => {
    for (const resolve of waiting) resolve()
    waiting.clear()
  }
  const acknowledge = (entry: HandedOut) => {
    if (entry.acknowledged) return
    entry.acknowledged = true
    // Sequences are handed out in order, so the map is sorted and the floor rises to its first open entry.
    for (const [sequence, first] of handedOut) {
      if (!first.acknowledged) break
      handedOut.delete(sequence)
      unsaved.delete(first)
      floor = sequence
    }
    if (handedOut.has(entry.sequence)) mark(entry)
    else changed()
    wake()
  }

  const handOut = (message: StoredMessage, ackWaitMs: number): StreamMessage => {
    const known = handedOut.get(message.sequence)
    const entry = known ?? { sequence: message.sequence, deliveryCount: 0, acknowledged: false, dueAt: 0 }
    entry.deliveryCount++
    entry.dueAt = performance.now() + ackWaitMs
    handedOut.set(message.sequence, entry)
    if (message.sequence > cursor) cursor = message.sequence
    mark(entry)
    return {
      ...message,
      deliveryCount: entry.deliveryCount,
      ack: () => acknowledge(entry),
      nak(delayMs = 0) {
        if (entry.acknowledged) return
        entry.dueAt = performance.now() + delayMs
        wake()
      },
    }
  }

  /** What is due again, then what is new, as far as the limit of unacknowledged messages allows. */
  const takeBatch = ({ maxAckPending, ackWaitMs }: ConsumeOptions): StreamMessage[] => {
    const now = performance.now()
    const open = [...handedOut.values()].filter((entry) => !entry.acknowledged)
    const batch: StreamMessage[] = []
    for (const entry of open) {
      if (entry.dueAt > now || batch.length === maxAckPending) continue
      const message = file.read(stream, entry.sequence)
      if (message) batch.push(handOut(message, ackWaitMs))
      // Too old, and removed unacknowledged.
      else acknowledge(entry)
    }
    const room = Math.min(maxAckPending - open.length, maxAckPending - batch.length)
    if (room > 0) {
      for (const message of file.readAfter(stream, cursor, room)) batch.push(handOut(message, ackWaitMs))
    }
    return batch
  }

  /** Resolves on news, on abort, or when the next redelivery is due. */
  const untilNews = (signal: AbortSignal): Promise<void> =>
    new Promise((resolve) => {
      const dueAt = Math.min(
        ...[...handedOut.values()].filter((entry) => !entry.acknowledged).map(({ dueAt }) => dueAt),
      )
      const timer = Number.isFinite(dueAt) ? setTimeout(wake, Math.max(1, dueAt - performance.now())) : undefined
      const finish = () => {
        clearTimeout(timer)
        signal.removeEventListener('abort', wake)
        resolve()
      }
      waiting.add(finish)
      signal.addEventListener('abort', wake, { once: true })
    })

  return {
    async *consume(options) {
      if (options.takesOver) for (const entry of handedOut.values()) entry.dueAt = 0
      while (!options.signal.aborted) {
        const batch = takeBatch(options)
        if (batch.length > 0) yield batch
        else await untilNews(options.signal)
      }
    },
    wake,
    isChanged: () => unsaved.size > 0 || floor > savedFloor,
    save() {
      for (const entry of unsaved) file.saveHandedOut(stream, durable, entry)
      if (floor > savedFloor) file.saveFloor(stream, durable, floor)
    },
    saved() {
      savedFloor = floor
      unsaved.clear()
    },
  }
}
