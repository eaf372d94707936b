/**
 * Removes from the streams what every consumer has acknowledged.
 *
 * Message by message, though JetStream could purge up to a sequence in one request: nats-server before 2.9.15 (Debian 12
 * has 2.9.10) forgets at such a purge what its consumers have been given and not acknowledged. Messages that were on
 * their way to a reader that died, or handed back for later, then never come again (nats-server pull request 3892,
 * "lose ack pending state during partial stream purge"). It costs the broker some 30 µs a message, and keeps those who
 * publish meanwhile waiting for about as long as a purge does.
 */
import { type NatsLink, type NatsNames, type NatsSession, pause } from './nats-connection.ts'

export interface TrimLimits {
  /** How often the streams are looked at, give or take a half, so that clients of one broker rarely do it at once. */
  trimIntervalMs: number
  /** Removals between two questions to the broker: other messages wait for no more than these. */
  trimBatchSize: number
}

const removalSubject = (streamName: string) => `$JS.API.STREAM.MSG.DELETE.${streamName}`

/** Goes on until the link is closed. Failures go to `onError`, and the next round tries again. */
export async function keepTrimmed(
  link: NatsLink,
  names: NatsNames,
  limits: TrimLimits,
  onError: (error: Error) => void,
): Promise<void> {
  for (;;) {
    await pause(limits.trimIntervalMs * (0.5 + Math.random()), link.closing)
    if (link.closing.aborted) return
    for (const stream of ['commands', 'events'] as const) {
      try {
        const session = link.session()
        if (session) await trim(session, names.stream(stream), limits.trimBatchSize, link.closing)
      } catch (error) {
        if (!link.closing.aborted) onError(error as Error)
      }
    }
  }
}

/** Without a consumer nothing is removed. */
async function trim(session: NatsSession, streamName: string, batchSize: number, closing: AbortSignal): Promise<void> {
  const acknowledged = await lowestAcknowledged(session, streamName)
  for (let lastFirst = 0; !closing.aborted; ) {
    const { first_seq: first, messages } = (await session.manager.streams.info(streamName)).state
    // A stream that never held a message says that its first has the number 0.
    if (messages === 0 || first > acknowledged) return
    if (first === lastFirst) throw new Error(`${streamName}: acknowledged messages from ${first} on are not removed`)
    lastFirst = first
    const end = Math.min(first + batchSize, acknowledged + 1)
    for (let sequence = first; sequence < end; sequence++) {
      // Nobody waits for the answers: how far the broker has come tells more than they would.
      session.connection.publish(removalSubject(streamName), JSON.stringify({ seq: sequence, no_erase: true }))
    }
  }
}

async function lowestAcknowledged(session: NatsSession, streamName: string): Promise<number> {
  let lowest: number | undefined
  for await (const consumer of session.manager.consumers.list(streamName)) {
    lowest = Math.min(lowest ?? Number.POSITIVE_INFINITY, consumer.ack_floor.stream_seq)
  }
  return lowest ?? 0
}
