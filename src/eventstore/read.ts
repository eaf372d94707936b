/**
 * Reads streams and $all, and follows it, over db-client's connection (its addresses, credentials, TLS and reconnection),
 * with the answers decoded by log-messages.ts instead of the generated classes. What comes out is what db-client's own
 * reads resolve to.
 */
import type { EventStoreDBClient, ResolvedEvent } from '@eventstore/db-client'
import streamsGrpc from '@eventstore/db-client/generated/streams_grpc_pb.js'
import streamsPb from '@eventstore/db-client/generated/streams_pb.js'
import { type ClientParts, type ReadOptions, readAllOptions } from './client-internals.ts'
import { decodeAnswer, type LogAnswer } from './read-messages.ts'

/** What grpc-js gives for a call whose answers are a stream. */
export interface Answers {
  on(event: 'data', listener: (answer: LogAnswer) => void): unknown
  on(event: 'end', listener: () => void): unknown
  on(event: 'error', listener: (error: Error) => void): unknown
  pause(): void
  resume(): void
  cancel(): void
}

type Streams = { makeServerStreamRequest(...args: unknown[]): Answers }

const { path, requestSerialize } = streamsGrpc.StreamsService.read

/** The store says nothing: a paused process or a dead line, which db-client would wait for without end. */
export class SilentStore extends Error {
  override name = 'SilentStore'
  constructor(readTimeoutMs: number) {
    super(`the event store said nothing for ${readTimeoutMs} ms`)
  }
}

/**
 * The events of a limited read; none where there is no such stream. Rejects with the client's error where the store
 * cannot be reached, and with SilentStore where nothing comes for so long, connecting included.
 */
export async function readPage(
  client: EventStoreDBClient,
  options: ReadOptions,
  readTimeoutMs: number,
): Promise<ResolvedEvent[]> {
  const events: ResolvedEvent[] = []
  const { promise: ended, resolve, reject } = Promise.withResolvers<void>()
  const silence = setTimeout(() => reject(new SilentStore(readTimeoutMs)), readTimeoutMs)
  const opening = open(client, options)
  opening.then((answers) => {
    answers.on('data', (answer) => {
      silence.refresh()
      if (typeof answer === 'object') events.push({ event: answer } as ResolvedEvent)
    })
    answers.on('error', reject)
    answers.on('end', resolve)
  }, reject)
  try {
    await ended
    return events
  } catch (error) {
    // Whether the call is open by now or will be: nobody waits for it any more.
    opening.then(
      (answers) => answers.cancel(),
      () => undefined,
    )
    throw error
  } finally {
    clearTimeout(silence)
  }
}

/** Non-matching events between two checkpoints that keep a filtered subscription's place: windows of so many events. */
const SEARCH_WINDOW = 32
const CHECKPOINT_WINDOWS = 100

/**
 * Every event after a position (undefined: from the first) whose type begins so, those to come included: `data` tells of
 * the events and that the subscription stands. Rejects where the store cannot be reached.
 */
export function subscribe(
  client: EventStoreDBClient,
  after: bigint | undefined,
  typePrefixes: readonly string[],
): Promise<Answers> {
  const options = readAllOptions(after ?? 'start')
  const types = new streamsPb.ReadReq.Options.FilterOptions.Expression()
  types.setPrefixList([...typePrefixes])
  const filter = new streamsPb.ReadReq.Options.FilterOptions()
  filter.setEventType(types)
  filter.setMax(SEARCH_WINDOW)
  filter.setCheckpointintervalmultiplier(CHECKPOINT_WINDOWS)
  options.setFilter(filter)
  options.setSubscription(new streamsPb.ReadReq.Options.SubscriptionOptions())
  return open(client, options)
}

function open(client: EventStoreDBClient, options: ReadOptions): Promise<Answers> {
  const parts = client as unknown as ClientParts<Streams, Answers>
  const request = new streamsPb.ReadReq()
  request.setOptions(options)
  const callArguments = parts.callArguments({}, { deadline: Number.POSITIVE_INFINITY })
  return parts.GRPCStreamCreator(streamsGrpc.StreamsClient, 'log', (streams) =>
    streams.makeServerStreamRequest(path, requestSerialize, decodeAnswer, request, ...callArguments),
  )()
}
