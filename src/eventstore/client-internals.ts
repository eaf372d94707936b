/**
 * The parts of db-client's Client, and of the protocol's classes that come with it, that our own reads and appends are
 * made of: the first are private to db-client, so that this is the place to look at when it is upgraded.
 */
import sharedPb from '@eventstore/db-client/generated/shared_pb.js'
import type streamsGrpc from '@eventstore/db-client/generated/streams_grpc_pb.js'
import streamsPb from '@eventstore/db-client/generated/streams_pb.js'
import type { Selection } from './selection.ts'

/** grpc-js's client of a service, as far as it is used. */
export interface GrpcClient {
  getChannel(): { close(): void }
}

/** `Client` is the gRPC client as far as it is used, `Call` what it gives. */
export interface ClientParts<Client, Call> {
  /** Opens a call on the connection that there is, or makes one. A call that is kept in `cache` is opened once. */
  GRPCStreamCreator(
    client: typeof streamsGrpc.StreamsClient,
    name: string,
    create: (client: Client) => Call,
    cache?: WeakMap<object, unknown>,
  ): () => Promise<Call>
  callArguments(options: { requiresLeader?: boolean }, callOptions: object): unknown[]
}

export type ReadOptions = InstanceType<typeof streamsPb.ReadReq.Options>

const FORWARDS = 0
const BACKWARDS = 1

/** As many as there are; the protocol's count has 64 bits. */
const COUNT_MAX = 2n ** 63n - 1n

/** The options that every read of ours has: ids as text, links as they stand. */
function readOptions(): ReadOptions {
  const options = new streamsPb.ReadReq.Options()
  const uuid = new streamsPb.ReadReq.Options.UUIDOption()
  uuid.setString(new sharedPb.Empty())
  options.setUuidOption(uuid)
  options.setResolveLinks(false)
  return options
}

/** The options of a read that has an end. */
export function selectionOptions({ stream, from, direction, count = COUNT_MAX }: Selection): ReadOptions {
  const options = readOptions()
  if (stream === undefined) options.setAll(allOptions(from))
  else options.setStream(streamOptions(stream, from))
  options.setReadDirection(direction === 'forwards' ? FORWARDS : BACKWARDS)
  options.setCount(count.toString())
  options.setNoFilter(new sharedPb.Empty())
  return options
}

/** The options of a subscription to events of the log whose type begins so, after the event at a position. */
export function subscriptionOptions(
  after: bigint | undefined,
  typePrefixes: readonly string[],
  filtering: { searchWindow: number; checkpointWindows: number },
): ReadOptions {
  const options = readOptions()
  options.setAll(allOptions(after ?? 'start'))
  const types = new streamsPb.ReadReq.Options.FilterOptions.Expression()
  types.setPrefixList([...typePrefixes])
  const filter = new streamsPb.ReadReq.Options.FilterOptions()
  filter.setEventType(types)
  filter.setMax(filtering.searchWindow)
  filter.setCheckpointintervalmultiplier(filtering.checkpointWindows)
  options.setFilter(filter)
  options.setSubscription(new streamsPb.ReadReq.Options.SubscriptionOptions())
  return options
}

/** The options of a subscription to what one stream will hold. */
export function streamSubscriptionOptions(stream: string): ReadOptions {
  const options = readOptions()
  options.setStream(streamOptions(stream, 'end'))
  options.setNoFilter(new sharedPb.Empty())
  options.setSubscription(new streamsPb.ReadReq.Options.SubscriptionOptions())
  return options
}

function streamOptions(stream: string, from: Selection['from']) {
  const identifier = new sharedPb.StreamIdentifier()
  identifier.setStreamName(Buffer.from(stream))
  const selected = new streamsPb.ReadReq.Options.StreamOptions()
  selected.setStreamIdentifier(identifier)
  if (from === 'end') selected.setEnd(new sharedPb.Empty())
  else if (from === 'start') selected.setStart(new sharedPb.Empty())
  else selected.setRevision(from.toString())
  return selected
}

function allOptions(from: Selection['from']) {
  const all = new streamsPb.ReadReq.Options.AllOptions()
  if (from === 'start') all.setStart(new sharedPb.Empty())
  else if (from === 'end') all.setEnd(new sharedPb.Empty())
  else {
    const position = new streamsPb.ReadReq.Options.Position()
    position.setCommitPosition(from.toString())
    position.setPreparePosition(from.toString())
    all.setPosition(position)
  }
  return all
}
