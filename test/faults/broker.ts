/** A house's NATS, past every role and proxy: what stands in its streams, and ways to lose, repeat and forge it. */
import { AckPolicy, connect, DeliverPolicy, type JetStreamManager, nanos } from 'nats'
import { natsNames } from '../../src/gateway/nats-connection.ts'
import type { StreamName } from '../../src/gateway/stream.ts'
import type { House } from './house.ts'

export interface StoredMessage {
  sequence: number
  key: string
  body: string
}

export interface Broker {
  /** Messages of a stream after a sequence, in order, those that were removed left out. */
  messages(stream: StreamName, after?: number): Promise<StoredMessage[]>
  lastSequence(stream: StreamName): Promise<number>
  /**
   * From now on nothing is removed from the stream, though its reader has acknowledged it, until the function that this
   * resolves with is called: an onlooker stands in it who acknowledges nothing.
   */
  keep(stream: StreamName): Promise<() => Promise<void>>
  publish(
    stream: StreamName,
    key: string,
    messageId: string,
    body: string,
  ): Promise<{ seq: number; duplicate: boolean }>
  /** Loses everything that a stream holds, as a broker that crashed before its fsync does. */
  purge(stream: StreamName): Promise<number>
  /** How long a message id is remembered; until a role connects anew, which puts its own setting back. */
  rememberFor(stream: StreamName, ms: number): Promise<void>
  /** How long the stream's one consumer may take to acknowledge; until it starts anew, which puts its own setting back. */
  redeliverAfter(stream: StreamName, ms: number): Promise<void>
  /** Up to which sequence everything is acknowledged by the stream's one consumer. */
  acknowledged(stream: StreamName): Promise<number>
  close(): Promise<void>
}

/** An onlooker whom nobody sends away is gone after so long. */
const ONLOOKER_MAX_MS = 60_000

export async function openBroker(house: House): Promise<Broker> {
  const { host, username, password } = new URL(house.natsUrl)
  const who = password ? { user: username, pass: password } : username ? { token: username } : {}
  const connection = await connect({ servers: host, ...who })
  const manager: JetStreamManager = await connection.jetstreamManager()
  const jetstream = connection.jetstream()
  const names = natsNames(house.natsPrefix)
  const stateOf = async (stream: StreamName) => (await manager.streams.info(names.stream(stream))).state

  const consumerOf = async (stream: StreamName) => {
    const consumers = await manager.consumers.list(names.stream(stream)).next()
    const consumer = consumers.find(({ config }) => config.durable_name)
    if (!consumer) throw new Error(`nobody consumes ${stream}`)
    return consumer
  }

  return {
    async messages(stream, after = 0) {
      const { first_seq: first, last_seq: last } = await stateOf(stream)
      const found: StoredMessage[] = []
      for (let seq = Math.max(first, after + 1); seq <= last; seq++) {
        const message = await manager.streams.getMessage(names.stream(stream), { seq })
        const key = message.subject.slice(message.subject.lastIndexOf('.') + 1)
        found.push({ sequence: seq, key, body: new TextDecoder().decode(message.data) })
      }
      return found
    },
    lastSequence: async (stream) => (await stateOf(stream)).last_seq,
    async keep(stream) {
      const { name } = await manager.consumers.add(names.stream(stream), {
        ack_policy: AckPolicy.Explicit,
        deliver_policy: DeliverPolicy.New,
        inactive_threshold: nanos(ONLOOKER_MAX_MS),
      })
      return async () => void (await manager.consumers.delete(names.stream(stream), name))
    },
    async publish(stream, key, messageId, body) {
      const subject = names.subject(stream, key)
      return jetstream.publish(subject, new TextEncoder().encode(body), { msgID: messageId })
    },
    purge: async (stream) => (await manager.streams.purge(names.stream(stream))).purged,
    async rememberFor(stream, ms) {
      const { config } = await manager.streams.info(names.stream(stream))
      await manager.streams.update(config.name, { ...config, duplicate_window: nanos(ms) })
    },
    async redeliverAfter(stream, ms) {
      const { name, config } = await consumerOf(stream)
      await manager.consumers.update(names.stream(stream), name, { ...config, ack_wait: nanos(ms) })
    },
    acknowledged: async (stream) => (await consumerOf(stream)).ack_floor.stream_seq,
    close: () => connection.close(),
  }
}
