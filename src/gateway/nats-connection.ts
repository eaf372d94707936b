/**
 * Keeps a connection to NATS for ever. Each connection is used once: when it is lost, everything that hung on it fails
 * at once and a new one is made, streams included. The client library's own reconnection is switched off, since it
 * buffers what is published meanwhile, and gives up for good on some errors; one path for the first connection, a
 * broker that was restarted and a stream that was deleted is easier to trust than three.
 */
import { setTimeout as delay } from 'node:timers/promises'
import {
  connect,
  DiscardPolicy,
  type JetStreamClient,
  type JetStreamManager,
  type NatsConnection,
  type NatsError,
  nanos,
  RetentionPolicy,
  StorageType,
  type StreamConfig,
} from 'nats'
import type { StreamName } from './stream.ts'

/** Bounds of each of the two streams, and of the connection. */
export interface NatsLimits {
  /** A full stream refuses what is published to it; nothing stored is dropped for it. */
  streamBytesMax: number
  /** Older messages go, acknowledged or not: a command this old must not be carried out any more. 0 is for ever. */
  messageAgeMsMax: number
  /** A repeated message id is stored once in this time. */
  dedupeWindowMs: number
  replicas: number
  connectTimeoutMs: number
  /** Wait before the second attempt to connect; doubled each time up to the maximum. */
  reconnectWaitMsMin: number
  reconnectWaitMsMax: number
  /** The broker is asked for a sign of life this often; two missed answers end the connection. */
  pingIntervalMs: number
}

export interface NatsSession {
  connection: NatsConnection
  jetstream: JetStreamClient
  manager: JetStreamManager
}

export interface NatsLink {
  /** The present session, undefined while there is none. */
  session(): NatsSession | undefined
  /** Resolves with a session as soon as there is one, or undefined when the signal aborts or the link is closed. */
  whenUp(signal: AbortSignal): Promise<NatsSession | undefined>
  /** Why there is no session, in the words of the last failure. */
  problem(): string
  /** Creates or repairs the two streams. */
  ensureStreams(session: NatsSession): Promise<void>
  /** Aborted by close. */
  closing: AbortSignal
  close(): Promise<void>
}

export interface NatsNames {
  stream(name: StreamName): string
  subject(name: StreamName, key: string): string
}

const streamNames: StreamName[] = ['commands', 'events']
const pingsOutstandingMax = 2
// JetStream error code "stream name already in use", with another configuration.
const streamNameInUse = 10058

/** `<PREFIX>_COMMANDS` with subjects `<prefix>.commands.*`, and the same for events. */
export function natsNames(prefix: string): NatsNames {
  if (!/^[a-z][a-z0-9-]*$/.test(prefix)) throw new TypeError(`Not a usable prefix for NATS subjects: ${prefix}`)
  return {
    stream: (name) => `${prefix}_${name}`.toUpperCase(),
    subject: (name, key) => `${prefix}.${name}.${key}`,
  }
}

/**
 * Starts connecting and goes on until closed. `url` is one or several `nats://[user:password@|token@]host:port`,
 * separated by commas. Failures go to `onError` and are tried again.
 */
export function openLink(url: string, names: NatsNames, limits: NatsLimits, onError: (error: Error) => void): NatsLink {
  const closing = new AbortController()
  const waiting = new Set<(session: NatsSession | undefined) => void>()
  let current: NatsSession | undefined
  let problem = 'no answer yet'

  const report = (error: Error) => {
    problem = error.message
    onError(error)
  }
  const announce = (session: NatsSession | undefined) => {
    for (const resolve of waiting) resolve(session)
    waiting.clear()
  }
  const ensureStreams = async ({ manager }: NatsSession) => {
    for (const name of streamNames) await ensureStream(manager, streamConfiguration(names, name, limits))
  }

  const keepConnected = async () => {
    for (let failures = 0; !closing.signal.aborted; failures++) {
      try {
        const session = await openSession(url, limits)
        try {
          await ensureStreams(session)
          if (closing.signal.aborted) return
          current = session
          failures = 0
          announce(session)
          const cause = await session.connection.closed()
          if (cause) report(cause)
        } finally {
          current = undefined
          await session.connection.close()
        }
      } catch (error) {
        report(error as Error)
      }
      await backoff(failures, limits, closing.signal)
    }
  }
  const finished = keepConnected()

  return {
    session: () => (current?.connection.isClosed() ? undefined : current),
    whenUp(signal) {
      if (current && !current.connection.isClosed()) return Promise.resolve(current)
      if (signal.aborted || closing.signal.aborted) return Promise.resolve(undefined)
      return new Promise((resolve) => {
        const settle = (session: NatsSession | undefined) => {
          signal.removeEventListener('abort', abandon)
          waiting.delete(settle)
          resolve(session)
        }
        const abandon = () => settle(undefined)
        signal.addEventListener('abort', abandon, { once: true })
        waiting.add(settle)
      })
    },
    problem: () => problem,
    ensureStreams,
    closing: closing.signal,
    async close() {
      const session = current
      closing.abort()
      announce(undefined)
      // Flushing sends the acknowledgements still on their way; a broker that does not answer must not hold us up.
      if (session) await Promise.race([session.connection.flush().catch(onError), delay(500)])
      await session?.connection.close()
      await finished
    },
  }
}

/** Waits longer after each failure, with jitter so that many clients do not come back in step. */
export async function backoff(failures: number, limits: NatsLimits, signal: AbortSignal): Promise<void> {
  const ceiling = Math.min(limits.reconnectWaitMsMax, limits.reconnectWaitMsMin * 2 ** Math.min(failures, 16))
  await pause(ceiling * (0.5 + Math.random() / 2), signal)
}

/** Resolves after the time, or at once when the signal aborts. */
export function pause(durationMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve()
    const finish = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', finish)
      resolve()
    }
    const timer = setTimeout(finish, durationMs)
    signal.addEventListener('abort', finish, { once: true })
  })
}

async function openSession(url: string, limits: NatsLimits): Promise<NatsSession> {
  const connection = await connect({
    ...parseUrls(url),
    name: 'opslog',
    reconnect: false,
    // Otherwise it makes two errors for every request, in case one is needed: half of the time it takes for itself.
    noAsyncTraces: true,
    timeout: limits.connectTimeoutMs,
    pingInterval: limits.pingIntervalMs,
    maxPingOut: pingsOutstandingMax,
  })
  try {
    const manager = await connection.jetstreamManager({ timeout: limits.connectTimeoutMs })
    return { connection, manager, jetstream: connection.jetstream({ timeout: limits.connectTimeoutMs }) }
  } catch (error) {
    await connection.close()
    throw error
  }
}

/** The client library takes credentials apart from the addresses. */
export function parseUrls(list: string): {
  servers: string[]
  user?: string
  pass?: string
  token?: string
  tls?: object
} {
  const urls = list.split(',').map((one) => new URL(one.trim()))
  const servers = urls.map(({ hostname, port }) => `${hostname}:${port || 4222}`)
  const first = urls[0]
  const tls = first?.protocol === 'tls:' ? { tls: {} } : {}
  const user = decodeURIComponent(first?.username ?? '')
  const pass = decodeURIComponent(first?.password ?? '')
  if (!user) return { servers, ...tls }
  return pass ? { servers, user, pass, ...tls } : { servers, token: user, ...tls }
}

function streamConfiguration(
  names: NatsNames,
  name: StreamName,
  limits: NatsLimits,
): Partial<StreamConfig> & { name: string } {
  return {
    name: names.stream(name),
    subjects: [names.subject(name, '*')],
    storage: StorageType.File,
    // Why limits: see trimming in nats.ts.
    retention: RetentionPolicy.Limits,
    discard: DiscardPolicy.New,
    max_bytes: limits.streamBytesMax,
    max_age: nanos(limits.messageAgeMsMax),
    duplicate_window: nanos(limits.dedupeWindowMs),
    num_replicas: limits.replicas,
  }
}

async function ensureStream(
  manager: JetStreamManager,
  wanted: Partial<StreamConfig> & { name: string },
): Promise<void> {
  try {
    await manager.streams.add(wanted)
  } catch (error) {
    if ((error as NatsError).api_error?.err_code !== streamNameInUse) throw error
    await manager.streams.update(wanted.name, wanted)
  }
}
