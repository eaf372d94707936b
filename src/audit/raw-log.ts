/**
 * The log as it is stored, byte for byte: db-client parses an event's JSON, and what is parsed can no longer show that a
 * byte was changed. This reads the same messages over the same client (its addresses, its credentials, its TLS), and
 * leaves data and metadata as they are. It only ever reads.
 */
import { EventStoreDBClient } from '@eventstore/db-client'
import streamsGrpc from '@eventstore/db-client/generated/streams_grpc_pb.js'
import type { ReadResp } from '@eventstore/db-client/generated/streams_pb.js'
import streamsPb from '@eventstore/db-client/generated/streams_pb.js'
import type { Registry } from '../events/registry.ts'
import { disposeClient, StoreUnavailable } from '../events/store.ts'
import {
  BACKWARDS,
  type ClientParts,
  COUNT_MAX,
  FORWARDS,
  limited,
  type ReadOptions,
  readAllOptions,
  readStreamOptions,
} from '../eventstore/client-internals.ts'
import { withReadTimeout } from '../eventstore/read-timeout.ts'

export interface RawEvent {
  id: string
  stream: string
  revision: bigint
  /** Commit position. */
  position: bigint
  type: string
  contentType: string
  /** When it was recorded, in ticks of 100 ns since 1970, decimal: as the protocol gives it. */
  created: string
  data: Uint8Array
  metadata: Uint8Array
}

export interface RawLog {
  /** What the log's events mean. */
  readonly registry: Registry
  /** All events after the event at a position (undefined: from the first), the store's own left out unless asked for. */
  readAll(after?: bigint, withSystem?: boolean): AsyncIterable<RawEvent>
  /** The same from a position that somebody has named, the event at it included; it may be that of no event. */
  readFrom(position: bigint): AsyncIterable<RawEvent>
  /** A stream's events from a revision on, at most `maxCount`; none where there is no such stream, or it was deleted. */
  readStream(stream: string, from?: bigint, maxCount?: bigint): AsyncIterable<RawEvent>
  /** The event at a commit position; undefined where none stands there. */
  at(position: bigint): Promise<RawEvent | undefined>
  /** Commit position of the last event that is not the system's own; of those near the end that are wanted. */
  head(isWanted?: (event: RawEvent) => boolean): Promise<bigint | undefined>
  close(): Promise<void>
}

type Answers = AsyncIterable<ReadResp> & {
  cancel(): void
  destroy(error: Error): void
  on(event: 'error', listener: () => void): unknown
}

type Streams = { read(...args: unknown[]): Answers }

/** Events looked at from the end for one that is not the system's. */
const TAIL_MAX = 64n

export const createdAt = ({ created }: Pick<RawEvent, 'created'>): Date => new Date(Number(BigInt(created) / 10_000n))

/** A store that says nothing for so long is away. */
const SILENCE_MAX_MS = 20_000

/** Opens a client of its own. Reads reject with StoreUnavailable where the store is away, or says nothing for so long. */
export function openRawLog(url: string, registry: Registry, readTimeoutMs = SILENCE_MAX_MS): RawLog {
  const client = EventStoreDBClient.connectionString(url)
  const parts = client as unknown as ClientParts<Streams, Answers>

  const silent = () => new StoreUnavailable(`the event store said nothing for ${readTimeoutMs} ms`)

  async function* read(options: ReadOptions): AsyncIterable<RawEvent> {
    const request = new streamsPb.ReadReq()
    request.setOptions(options)
    const open = parts.GRPCStreamCreator(streamsGrpc.StreamsClient, 'audit', (streams) =>
      streams.read(request, ...parts.callArguments({}, { deadline: Number.POSITIVE_INFINITY })),
    )
    let answers: Answers | undefined
    try {
      answers = await open()
      // What it says of being cancelled is no news; any other error comes out of the iteration.
      answers.on('error', () => undefined)
      for await (const answer of withReadTimeout(answers, readTimeoutMs, silent)) {
        const event = answer.getEvent()?.getEvent()
        if (event) yield rawEvent(event)
      }
    } catch (error) {
      throw isGrpcUnavailable(error) ? new StoreUnavailable(`the event store failed: ${messageOf(error)}`) : error
    } finally {
      // A reader that has seen enough leaves the call open otherwise, and with it the process.
      answers?.cancel()
    }
  }

  async function* readAll(after?: bigint, withSystem = false): AsyncIterable<RawEvent> {
    for await (const event of read(limited(readAllOptions(after ?? 'start'), FORWARDS, COUNT_MAX))) {
      if ((!withSystem && isSystem(event)) || (after !== undefined && event.position <= after)) continue
      yield event
    }
  }

  async function at(position: bigint): Promise<RawEvent | undefined> {
    try {
      for await (const event of read(limited(readAllOptions(position), FORWARDS, 1n))) {
        if (event.position === position) return event
      }
    } catch (error) {
      // EventStoreDB refuses to begin where no event is.
      if (!isNoPosition(error)) throw error
    }
    return undefined
  }

  return {
    registry,
    readAll,
    async *readFrom(position) {
      const first = await at(position)
      if (first && !isSystem(first)) yield first
      // A read may begin at an event's own position only: at any other EventStoreDB fails.
      for await (const event of readAll(first?.position)) if (event.position >= position) yield event
    },
    async *readStream(stream, from = 0n, maxCount = COUNT_MAX) {
      try {
        yield* read(limited(readStreamOptions(stream, from), FORWARDS, maxCount))
      } catch (error) {
        if (!isDeleted(error)) throw error
      }
    },
    at,
    async head(isWanted = () => true) {
      for await (const event of read(limited(readAllOptions('end'), BACKWARDS, TAIL_MAX))) {
        if (!isSystem(event) && isWanted(event)) return event.position
      }
      return undefined
    },
    close: () => disposeClient(client),
  }
}

export const isSystem = ({ type }: Pick<RawEvent, 'type'>): boolean => type.startsWith('$')

/** gRPC: UNKNOWN, with what EventStoreDB says of a position between two events. */
const isNoPosition = (error: unknown): boolean =>
  (error as { code?: number })?.code === 2 && /ReadAllResult/.test(messageOf(error))

/** gRPC: FAILED_PRECONDITION, of a stream that was deleted for good. */
const isDeleted = (error: unknown): boolean =>
  (error as { code?: number })?.code === 9 && /deleted/.test(messageOf(error))

/** gRPC: UNAVAILABLE, DEADLINE_EXCEEDED, CANCELLED (grpc/grpc, doc/statuscodes.md); or no address to be had. */
const isGrpcUnavailable = (error: unknown): boolean =>
  [1, 4, 14].includes((error as { code?: number })?.code ?? -1) ||
  (error instanceof Error && /UNAVAILABLE|Failed to (discover|connect)/i.test(error.message))

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

function rawEvent(event: ReadResp.ReadEvent.RecordedEvent): RawEvent {
  const entries = event.getMetadataMap()
  return {
    id: event.getId()?.getString() ?? '',
    stream: Buffer.from(event.getStreamIdentifier()?.getStreamName_asU8() ?? []).toString('utf8'),
    revision: BigInt(event.getStreamRevision()),
    position: BigInt(event.getCommitPosition()),
    type: entries.get('type') ?? '',
    contentType: entries.get('content-type') ?? '',
    created: entries.get('created') ?? '0',
    data: event.getData_asU8(),
    metadata: event.getCustomMetadata_asU8(),
  }
}

/** The members of stored JSON as they stand there; none where it is no object. */
export function membersOf(bytes: Uint8Array): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'))
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  } catch (error) {
    if (error instanceof SyntaxError) return {}
    throw error
  }
}
