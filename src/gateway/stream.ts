/**
 * The message stream between the operator side and any matching engine: two durable, ordered logs of small
 * JSON messages, with acknowledgement and redelivery. NATS JetStream is the real thing (nats.ts); a machine without
 * it runs the in-process stream of src/embedded/, which has the same shape without importing this file.
 *
 * Delivery is at least once and may repeat or, after a crash of the broker, lose what it acknowledged: receivers
 * deduplicate by command or event id for ever, and senders send again until the other side's record confirms.
 */

/** Commands go to the engine; events come back from its write-ahead log. */
export type StreamName = 'commands' | 'events'

export interface PublishReceipt {
  /** Position in the stream, from 1. */
  sequence: bigint
  /** The broker had this message id within its deduplication window; the message is stored once. */
  duplicate: boolean
}

export interface StreamMessage {
  /** The last token of the subject: the execution account id. */
  key: string
  body: Uint8Array
  /** 1 on the first delivery. */
  deliveryCount: number
  sequence: bigint
  /** The trace that the message belongs to, where its sender named one and the broker carries it. */
  traceparent?: string | undefined
  /** Done with: never delivered again to this consumer, unless the broker loses the acknowledgement. */
  ack(): void
  /** Not now: deliver again after the delay (milliseconds). */
  nak(delayMs?: number): void
}

export interface ConsumeOptions {
  /** Name of the durable consumer: it resumes where it stopped. */
  durable: string
  /** Messages handed out and not yet acknowledged, at most. */
  maxAckPending: number
  /** A message not acknowledged in this time is delivered again. */
  ackWaitMs: number
  /**
   * What the durable consumer's last reader has left unacknowledged is delivered at the start, instead of when its
   * acknowledgement wait is over: for one whose predecessor is gone, or who does no harm in doing something twice.
   */
  takesOver?: boolean
  /** Ends the iteration; unacknowledged messages are delivered again to the next consumer. */
  signal: AbortSignal
}

export interface MessageStream {
  /**
   * Appends one message. Resolves when the broker has acknowledged it; rejects with StreamUnavailable where it is not
   * reachable or does not answer in time (the message may or may not be stored). `traceparent`: the trace that it belongs to.
   */
  publish(
    stream: StreamName,
    key: string,
    messageId: string,
    body: Uint8Array,
    traceparent?: string,
  ): Promise<PublishReceipt>
  /**
   * Messages in stream order, in batches of what is at hand (at least one, at most `maxAckPending`). Survives broker
   * restarts by itself: it reconnects and goes on. Ends only on `signal`.
   */
  consume(stream: StreamName, options: ConsumeOptions): AsyncIterable<StreamMessage[]>
  /** True while the broker answers. */
  isUp(): boolean
  close(): Promise<void>
}

/** The broker cannot be reached or did not answer in time; the message's fate is unknown. */
export class StreamUnavailable extends Error {
  override name = 'StreamUnavailable'
}
