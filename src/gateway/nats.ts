/**
 * The message stream over NATS JetStream: two file-backed streams, published to with acknowledgement, read by durable
 * pull consumers.
 *
 * Retention. A stream must keep what nobody has consumed yet, must not lose anything to make room, and must not fill up
 * with what is done. `workqueue` would allow a single consumer, so nobody else could watch the commands;
 * `interest` throws away what is published before the first consumer exists, such as commands sent before the
 * engine's first start. So the streams keep everything within named bounds (`limits`, refusing when full), and each
 * client removes, from time to time, what every consumer has acknowledged (nats-trimmer.ts). A consumer that was
 * abandoned holds that up; then the age limit bounds it. A PubAck is still no promise of durability: JetStream may fsync
 * minutes later, so senders repeat themselves until the other side's record confirms.
 */
import { ErrorCode, headers, type MsgHdrs, type NatsError, type PubAck } from 'nats'
import {
  type NatsLimits,
  type NatsLink,
  type NatsNames,
  type NatsSession,
  natsNames,
  openLink,
} from './nats-connection.ts'
import { consumeStream, type DeliveryLimits } from './nats-consumer.ts'
import { keepTrimmed, type TrimLimits } from './nats-trimmer.ts'
import { type MessageStream, type PublishReceipt, type StreamName, StreamUnavailable } from './stream.ts'

export interface NatsOptions extends Partial<NatsLimits & DeliveryLimits & TrimLimits> {
  /** One or several addresses, separated by commas; credentials may stand in the first. */
  url: string
  /** Names the streams and their subjects, so that installations can share a broker. */
  prefix: string
  /** Bound on one publish, acknowledgement included. Default 5,000. */
  publishTimeoutMs?: number
  /** Larger bodies are refused by publish. Default 512 KiB. */
  bodyBytesMax?: number
  /** Gets every failure that is being tried again; other failures are thrown. */
  onError?: (error: Error) => void
}

export const natsDefaults: Required<Omit<NatsOptions, 'url' | 'prefix' | 'onError'>> = {
  publishTimeoutMs: 5_000,
  trimIntervalMs: 5_000,
  trimBatchSize: 64,
  bodyBytesMax: 512 * 1024,
  streamBytesMax: 1024 ** 3,
  messageAgeMsMax: 30 * 24 * 60 * 60 * 1000,
  dedupeWindowMs: 2 * 60 * 1000,
  replicas: 1,
  connectTimeoutMs: 2_000,
  reconnectWaitMsMin: 50,
  reconnectWaitMsMax: 2_000,
  pingIntervalMs: 5_000,
  heartbeatMs: 5_000,
  drainMsMax: 500,
  takeOverWaitMs: 250,
}

type Settings = typeof natsDefaults & { onError: (error: Error) => void }

/**
 * Connects and resolves with the stream when the broker is there, or after `connectTimeoutMs` without it: it then goes
 * on trying, `isUp` is false and publishing is refused until it succeeds. Throws only for unusable options.
 */
export async function connectNats(options: NatsOptions): Promise<MessageStream> {
  const settings: Settings = { onError: () => undefined, ...natsDefaults, ...options }
  const names = natsNames(options.prefix)
  const link = openLink(options.url, names, settings, settings.onError)
  await link.whenUp(AbortSignal.timeout(settings.connectTimeoutMs))
  // A broker that is connected may hang, or have switched JetStream off, as on a full disk: its session counts as down
  // until JetStream answers again.
  let suspected: NatsSession | undefined
  const suspect = async (session: NatsSession | undefined) => {
    suspected = session
    try {
      await session?.manager.getAccountInfo()
      if (suspected === session) suspected = undefined
    } catch (error) {
      settings.onError(error as Error)
    }
  }
  const trimming = keepTrimmed(link, names, settings, settings.onError)
  return {
    async publish(stream, key, messageId, body, traceparent) {
      checkMessage(key, body, settings.bodyBytesMax)
      const session = link.session()
      try {
        return await publishOnce(link, names, settings, { stream, key, messageId, body, traceparent })
      } catch (error) {
        if (errorCode(error) === ErrorCode.Timeout) void suspect(session)
        if (error instanceof StreamUnavailable) throw error
        throw new StreamUnavailable(`Not published to ${names.subject(stream, key)}: ${(error as Error).message}`, {
          cause: error,
        })
      }
    },
    consume: (stream, consumeOptions) =>
      consumeStream(link, names.stream(stream), consumeOptions, settings, settings.onError),
    isUp() {
      const session = link.session()
      return session !== undefined && session !== suspected
    },
    async close() {
      await link.close()
      await trimming
    },
  }
}

interface Outgoing {
  stream: StreamName
  key: string
  messageId: string
  body: Uint8Array
  traceparent: string | undefined
}

/** Where the stream is gone it is made again and the message is sent once more, both within the same time limit. */
async function publishOnce(
  link: NatsLink,
  names: NatsNames,
  settings: Settings,
  { stream, key, messageId, body, traceparent }: Outgoing,
): Promise<PublishReceipt> {
  const session = link.session()
  if (!session) throw new StreamUnavailable(`Not connected to NATS: ${link.problem()}`)
  const deadlineMs = performance.now() + settings.publishTimeoutMs
  const named = traceparent === undefined ? {} : { headers: headersOf({ traceparent }) }
  const send = (timeout: number) =>
    session.jetstream.publish(names.subject(stream, key), body, { ...named, msgID: messageId, timeout })
  let answer: PubAck
  try {
    answer = await send(settings.publishTimeoutMs)
  } catch (error) {
    if (errorCode(error) !== ErrorCode.NoResponders) throw error
    await link.ensureStreams(session)
    answer = await send(Math.max(1, deadlineMs - performance.now()))
  }
  return { sequence: BigInt(answer.seq), duplicate: answer.duplicate }
}

function headersOf(named: Readonly<Record<string, string>>): MsgHdrs {
  const made = headers()
  for (const [name, value] of Object.entries(named)) made.set(name, value)
  return made
}

function errorCode(error: unknown): string | undefined {
  return (error as Partial<NatsError>).code
}

/** What NATS takes as one token of a subject, and a body within the limit; a mistake of the caller otherwise. */
function checkMessage(key: string, body: Uint8Array, bodyBytesMax: number): void {
  if (!/^[^\s.*>]+$/.test(key)) throw new TypeError(`Not usable as the last token of a subject: ${JSON.stringify(key)}`)
  if (body.byteLength > bodyBytesMax) {
    throw new RangeError(`A body of ${body.byteLength} bytes is over the limit of ${bodyBytesMax}`)
  }
}
