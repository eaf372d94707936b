/**
 * A connection to the event store. It is db-client's, with addresses, credentials, TLS and discovery, and it has bounds that
 * db-client lacks. A silent connection gets a new client, since grpc-js would wait for it without limit. A server runs 100
 * calls of a connection and lets the next one wait without a word. Calls beyond a lower number wait here, where their time
 * does not run yet.
 */
import { EventStoreDBClient } from '@eventstore/db-client'
import streamsGrpc from '@eventstore/db-client/generated/streams_grpc_pb.js'
import { plainCredentialOf, toClientScheme } from './connection-string.ts'

/** Calls with an end (reads) that run at once on a connection; long calls, such as a subscription, come on top. */
export const CALLS_AT_ONCE_MAX = 80
/** How long a client may take to close its streams; one that was left half read never says that it has ended. */
const DISPOSE_MAX_MS = 500
/** What db-client uses where the connection string says nothing. */
const KEEP_ALIVE_DEFAULT_MS = 10_000
/** Connections that differ in their keep-alive interval; further ones use the intervals again. */
const INTERVALS = 1_000

/** The part of grpc-js's client of a service that is used here. */
export interface GrpcClient {
  getChannel(): { close(): void }
}

/** The private parts of db-client's Client that calls are opened with; `Call` is what `create` answers. */
interface ClientParts<Client, Call> {
  /** Opens a call on the present connection, or connects first. A call that is kept in `cache` is opened once. */
  GRPCStreamCreator(
    client: typeof streamsGrpc.StreamsClient,
    name: string,
    create: (client: Client) => Call,
    cache?: WeakMap<object, unknown>,
  ): () => Promise<Call>
  callArguments: (options: { requiresLeader?: boolean }, callOptions: object) => unknown[]
}

/** The event store says nothing: a paused process or a dead line, which db-client would wait for without end. */
export class SilentStore extends Error {
  override name = 'SilentStore'
  constructor(silentMs: number) {
    super(`the event store said nothing for ${silentMs} ms`)
  }
}

/** One client, for as long as it is used. */
export interface Line {
  readonly client: EventStoreDBClient
  /** When something was last heard on it (performance.now). */
  heardMs: number
  channel: { close(): void } | undefined
}

export interface CallOptions {
  /** The leader alone may answer; another node refuses, and the client goes to the leader. */
  requiresLeader?: boolean
}

export interface Connection {
  /** The client that calls are opened on now. */
  line(): Line
  /** Something came in over this line. */
  heard(line: Line): void
  /** A call that began then had no answer in time. Where nothing else was heard since, a new line replaces this one. */
  silent(line: Line, sinceMs: number): void
  /** Runs work that has an end, at most CALLS_AT_ONCE_MAX at a time. */
  limited<T>(work: () => Promise<T>): Promise<T>
  close(): Promise<void>
}

/** Takes an address in any scheme of EventStoreDB or KurrentDB. Connects at the first call. Throws at a malformed address. */
export function openConnection(url: string): Connection {
  const address = toClientScheme(url)
  let current = newLine(address)
  const waiting: (() => void)[] = []
  let running = 0
  return {
    line: () => current,
    heard(line) {
      line.heardMs = performance.now()
    },
    silent(line, sinceMs) {
      if (line !== current || line.heardMs > sinceMs) return
      current = newLine(address)
      void closeLine(line)
    },
    async limited(work) {
      if (running >= CALLS_AT_ONCE_MAX) await new Promise<void>((resolve) => waiting.push(resolve))
      else running += 1
      try {
        return await work()
      } finally {
        const next = waiting.shift()
        if (next) next()
        else running -= 1
      }
    },
    close: () => closeLine(current),
  }
}

function newLine(url: string): Line {
  const client = EventStoreDBClient.connectionString(ownConnection(url))
  const credential = plainCredentialOf(url)
  if (credential !== undefined) nameCredential(client, credential)
  return { client, heardMs: Number.NEGATIVE_INFINITY, channel: undefined }
}

/**
 * Names the credential on every call. db-client does so under TLS alone, and an embedded node speaks none: it listens on
 * loopback, and asks who calls.
 */
function nameCredential(client: EventStoreDBClient, credential: string): void {
  const parts = client as unknown as Pick<ClientParts<never, never>, 'callArguments'>
  const { callArguments } = parts
  const authorization = `Basic ${Buffer.from(credential, 'utf8').toString('base64')}`
  parts.callArguments = (options, callOptions) => {
    const [metadata, { credentials: _, ...rest }] = callArguments(options, callOptions) as [Metadata, CallOptionsOf]
    metadata.set('authorization', authorization)
    return [metadata, rest]
  }
}

type CallOptionsOf = { credentials?: unknown }
type Metadata = { set(name: string, value: string): void }

let made = 0

/**
 * Gives each client an interval of its own between keep-alive pings, some milliseconds longer. With equal addresses and
 * options, grpc-js would give all clients of the process one connection. The successor of a dead client would get the dead
 * connection, and all subscriptions would share the 100 calls of one connection.
 */
function ownConnection(url: string): string {
  made = (made + 1) % INTERVALS
  const given = url.match(/([?&]keepAliveInterval=)(-?\d+)/i)
  if (!given) return `${url}${url.includes('?') ? '&' : '/?'}keepAliveInterval=${KEEP_ALIVE_DEFAULT_MS + made}`
  const intervalMs = Number(given[2])
  return intervalMs < 0 ? url : url.replace(given[0], `${given[1]}${intervalMs + made}`)
}

/** Closes a client's connection, whatever state its streams are in. */
async function closeLine({ client, channel }: Line): Promise<void> {
  const { promise: late, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, DISPOSE_MAX_MS)
  // A broken stream may fail to close; it ends in any case.
  await Promise.race([client.dispose().catch(() => undefined), late])
  clearTimeout(timer)
  channel?.close()
}

/**
 * Opens a call of the Streams service on a line. `create` makes it; a `kept` call is opened once for each connection.
 * Rejects with db-client's error where no node can be found.
 */
export function openCall<Client extends GrpcClient, Call>(
  line: Line,
  name: string,
  { requiresLeader = false }: CallOptions,
  create: (client: Client, callArguments: unknown[]) => Call,
  kept?: WeakMap<object, unknown>,
): Promise<Call> {
  const parts = line.client as unknown as ClientParts<Client, Call>
  // A deadline would go out as a time by this machine's clock: where that is behind, the store refuses it as long past.
  const callArguments = parts.callArguments({ requiresLeader }, { deadline: Number.POSITIVE_INFINITY })
  const opened = (client: Client) => {
    line.channel = client.getChannel()
    return create(client, callArguments)
  }
  return parts.GRPCStreamCreator(streamsGrpc.StreamsClient, name, opened, kept)()
}
