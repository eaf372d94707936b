/**
 * Reads $all, and follows it, over db-client's connection (its addresses, credentials, TLS and reconnection), with the
 * answers decoded by log-messages.ts instead of the generated classes. What comes out is what db-client's own reads
 * resolve to.
 */
import type { EventStoreDBClient, ResolvedEvent } from '@eventstore/db-client'
import sharedPb from '@eventstore/db-client/generated/shared_pb.js'
import streamsGrpc from '@eventstore/db-client/generated/streams_grpc_pb.js'
import streamsPb from '@eventstore/db-client/generated/streams_pb.js'
import { type ClientParts, FORWARDS, type ReadOptions, readAllOptions } from './client-parts.ts'
import { decodeAnswer, type LogAnswer } from './log-messages.ts'

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

/** The events from a position on (the one at it included; undefined: from the first), at most `maxCount`. */
export async function readPage(
  client: EventStoreDBClient,
  from: bigint | undefined,
  maxCount: number,
): Promise<ResolvedEvent[]> {
  const options = readAllOptions(from ?? 'start')
  options.setReadDirection(FORWARDS)
  options.setCount(String(maxCount))
  options.setNoFilter(new sharedPb.Empty())
  const answers = await open(client, options)
  const events: ResolvedEvent[] = []
  return new Promise((resolve, reject) => {
    answers.on('data', (answer) => {
      if (typeof answer === 'object') events.push({ event: answer } as ResolvedEvent)
    })
    answers.on('error', reject)
    answers.on('end', () => resolve(events))
  })
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
