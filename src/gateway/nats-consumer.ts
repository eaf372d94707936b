/**
 * A durable pull consumer as an async iterable of batches. The client library pushes messages into a queue that cannot
 * grow past what the broker allows unacknowledged; whatever goes wrong with it (connection, consumer or stream gone,
 * heartbeats missed) ends that delivery, and the next one is set up from scratch after a pause.
 */
import {
  AckPolicy,
  type ConsumerConfig,
  ConsumerEvents,
  type ConsumerInfo,
  type ConsumerMessages,
  DeliverPolicy,
  type JsMsg,
  type NatsError,
  nanos,
  ReplayPolicy,
  type Subscription,
} from 'nats'
import { backoff, type NatsLimits, type NatsLink, type NatsSession, pause } from './nats-connection.ts'
import type { ConsumeOptions, StreamMessage } from './stream.ts'

export interface DeliveryLimits {
  /** The broker sends a sign of life this often on a quiet stream; two missed ones renew the delivery. */
  heartbeatMs: number
  /** Longest wait of an ending consumer for what the broker has already sent, to hand it back. */
  drainMsMax: number
  /** Time for the broker to notice that a predecessor's messages are due again; it checks every 100 ms. */
  takeOverWaitMs: number
}

interface Queue {
  /** By stream sequence, in order of arrival. A redelivery takes the place of the copy that still waits here. */
  messages: Map<number, JsMsg>
  wake(): void
  /** Resolves when there may be something to do. */
  changed(): Promise<void>
}

const consumerNotFound = 10014
/** What a reader has had for less may yet be acknowledged by it, where it is not gone after all. */
const HELD_MIN_MS = 50

/** Batches from the stream until the signal aborts or the link is closed. */
export async function* consumeStream(
  link: NatsLink,
  streamName: string,
  options: ConsumeOptions,
  limits: NatsLimits & DeliveryLimits,
  onError: (error: Error) => void,
): AsyncGenerator<StreamMessage[]> {
  const signal = AbortSignal.any([options.signal, link.closing])
  let isOurs = !options.takesOver
  for (let failures = 0; !signal.aborted; failures++) {
    const session = await link.whenUp(signal)
    if (!session) return
    try {
      if (failures > 0) await link.ensureStreams(session)
      const { num_ack_pending: held } = await ensureConsumer(session, streamName, options)
      if (!isOurs && held > 0) await takeOver(session, streamName, options, limits, signal)
      isOurs = true
      for await (const batch of deliver(link, session, streamName, options, limits, signal)) {
        failures = 0
        yield batch
      }
    } catch (error) {
      if (!signal.aborted) onError(error as Error)
    }
    if (!signal.aborted) await backoff(failures, limits, signal)
  }
}

async function* deliver(
  link: NatsLink,
  session: NatsSession,
  streamName: string,
  options: ConsumeOptions,
  limits: DeliveryLimits,
  signal: AbortSignal,
): AsyncGenerator<StreamMessage[]> {
  if (signal.aborted) return
  const queue = createQueue()
  const consumer = await session.jetstream.consumers.get(streamName, options.durable)
  // More is asked for than may be unacknowledged, so that a request is always waiting when an acknowledgement is in.
  const wanted = Math.max(10, options.maxAckPending)
  const messages = await consumer.consume({
    max_messages: wanted,
    threshold_messages: Math.floor(wanted / 2),
    expires: limits.heartbeatMs * 4,
    idle_heartbeat: limits.heartbeatMs,
    abort_on_missing_resource: true,
    callback: (message) => {
      queue.messages.set(message.seq, message)
      queue.wake()
    },
  })
  let ended: Error | undefined
  const end = (error: Error) => {
    ended ??= error
    queue.wake()
  }
  const onAbort = () => queue.wake()
  signal.addEventListener('abort', onAbort, { once: true })
  messages.closed().then((error) => end(error ?? new Error(`Delivery from ${streamName} ended`)), end)
  session.connection.closed().then((error) => end(error ?? new Error('The connection to NATS was closed')), end)
  watchHeartbeats(messages).then((missed) => missed && end(new Error(`${streamName}: heartbeats missed`)), end)
  try {
    while (!signal.aborted && !ended) {
      const batch = [...queue.messages.values()].slice(0, options.maxAckPending)
      for (const message of batch) queue.messages.delete(message.seq)
      if (batch.length > 0) yield batch.map((message) => toStreamMessage(link, queue, message))
      else await queue.changed()
    }
    if (ended && !signal.aborted) throw ended
  } finally {
    signal.removeEventListener('abort', onAbort)
    await drain(messages, limits.drainMsMax)
    messages.stop()
    // What nobody saw is handed back at once instead of after the acknowledgement wait.
    for (const message of queue.messages.values()) respond(link, message, '-NAK')
  }
}

/**
 * Ends the subscription at the broker and resolves when what had been sent before is here. `stop` alone would close our
 * ears first. The library's delivery has a subscription, though its types do not show it. Where the connection is lost,
 * or the broker says nothing in time, those messages come again after the acknowledgement wait.
 */
async function drain(messages: ConsumerMessages, durationMsMax: number): Promise<void> {
  const { sub: subscription } = messages as ConsumerMessages & { sub?: Subscription }
  if (!subscription) throw new Error('A delivery without a subscription')
  if (subscription.isClosed()) return
  const late = new AbortController()
  await Promise.race([subscription.drain().catch(() => undefined), pause(durationMsMax, late.signal)])
  late.abort()
}

async function ensureConsumer(
  session: NatsSession,
  streamName: string,
  options: ConsumeOptions,
): Promise<ConsumerInfo> {
  const { consumers } = session.manager
  const adjustable = { ack_wait: nanos(options.ackWaitMs), max_ack_pending: options.maxAckPending, max_deliver: -1 }
  const wanted: Partial<ConsumerConfig> = {
    durable_name: options.durable,
    ack_policy: AckPolicy.Explicit,
    deliver_policy: DeliverPolicy.All,
    replay_policy: ReplayPolicy.Instant,
    ...adjustable,
  }
  try {
    const info = await consumers.info(streamName, options.durable)
    const { config } = info
    const differs = config.ack_wait !== adjustable.ack_wait || config.max_ack_pending !== adjustable.max_ack_pending
    return differs ? await consumers.update(streamName, options.durable, adjustable) : info
  } catch (error) {
    if ((error as NatsError).api_error?.err_code !== consumerNotFound) throw error
    return consumers.add(streamName, wanted)
  }
}

/**
 * Makes everything due again that is with a reader. JetStream has no word for it, but looks through what is unacknowledged
 * when the acknowledgement wait changes; what it found due then stays due when the wait is as it was.
 */
async function takeOver(
  { manager }: NatsSession,
  streamName: string,
  { durable, ackWaitMs }: ConsumeOptions,
  { takeOverWaitMs }: DeliveryLimits,
  signal: AbortSignal,
): Promise<void> {
  await manager.consumers.update(streamName, durable, { ack_wait: nanos(HELD_MIN_MS) })
  await pause(takeOverWaitMs, signal)
  await manager.consumers.update(streamName, durable, { ack_wait: nanos(ackWaitMs) })
}

/** True as soon as heartbeats are missed; false where the delivery ended otherwise. */
async function watchHeartbeats(messages: ConsumerMessages): Promise<boolean> {
  for await (const status of await messages.status()) {
    if (status.type === ConsumerEvents.HeartbeatsMissed) return true
  }
  return false
}

function createQueue(): Queue {
  let wake: () => void = () => undefined
  let pending: Promise<void> | undefined
  return {
    messages: new Map(),
    wake() {
      wake()
      pending = undefined
    },
    changed() {
      pending ??= new Promise((resolve) => {
        wake = resolve
      })
      return pending
    },
  }
}

function toStreamMessage(link: NatsLink, queue: Queue, message: JsMsg): StreamMessage {
  return {
    key: message.subject.slice(message.subject.lastIndexOf('.') + 1),
    body: message.data,
    deliveryCount: message.info.deliveryCount,
    sequence: BigInt(message.seq),
    traceparent: message.headers?.get('traceparent') || undefined,
    ack() {
      queue.messages.delete(message.seq)
      respond(link, message, '+ACK')
    },
    nak(delayMs) {
      respond(link, message, delayMs ? `-NAK ${JSON.stringify({ delay: nanos(delayMs) })}` : '-NAK')
    },
  }
}

/**
 * An acknowledgement is a message to the reply subject and does not depend on the connection that delivered, so it
 * goes out on the present one. Where there is none it is lost and the message comes again. The library's messages have
 * the reply subject, though its types do not show it.
 */
function respond(link: NatsLink, message: JsMsg, answer: string): void {
  if (!('reply' in message) || typeof message.reply !== 'string') throw new Error('A message without a reply subject')
  link.session()?.connection.publish(message.reply, answer)
}
