/** The command stream in both its kinds: in process, and over NATS JetStream where the run has a server. */
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { openStream } from '../../src/embedded/stream.ts'
import { connectNats } from '../../src/gateway/nats.ts'
import type { MessageStream, StreamMessage } from '../../src/gateway/stream.ts'
import { natsUrl, temporaryDirectory } from './services.ts'

/** The broker sets aside what a stream may grow to, so a test's share is small. */
export const STREAM_BYTES_MAX = 16 * 1024 ** 2

export interface StreamKind {
  name: string
  open(): Promise<MessageStream>
}

/** The kinds that this machine can run; CI sees to it that both are there. */
export function streamKinds(): StreamKind[] {
  const inProcess: StreamKind = {
    name: 'the in-process stream',
    open: async () => openStream({ file: join(temporaryDirectory().path, 'stream.db') }),
  }
  const url = natsUrl()
  if (!url) return [inProcess]
  const prefix = `test-${randomBytes(6).toString('hex')}`
  const nats: StreamKind = {
    name: 'NATS JetStream',
    open: () => connectNats({ url, prefix, publishTimeoutMs: 2_000, streamBytesMax: STREAM_BYTES_MAX }),
  }
  return [inProcess, nats]
}

/** A log that keeps what it is told, for tests to look at. */
export function recordingLog() {
  const lines: { level: string; message: string; fields: object }[] = []
  const at = (level: string) => (fields: object, message: string) => void lines.push({ level, message, fields })
  return { lines, info: at('info'), warn: at('warn'), error: at('error') }
}

/** The next `count` messages of a stream, acknowledged. */
export async function receive(
  stream: MessageStream,
  name: 'commands' | 'events',
  count: number,
): Promise<StreamMessage[]> {
  const done = new AbortController()
  const options = { durable: 'test', maxAckPending: 100, ackWaitMs: 5_000, signal: done.signal }
  const received: StreamMessage[] = []
  for await (const batch of stream.consume(name, options)) {
    for (const message of batch) {
      message.ack()
      received.push(message)
    }
    if (received.length >= count) done.abort()
  }
  return received
}
