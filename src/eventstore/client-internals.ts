/**
 * The parts of db-client's Client, and of the protocol's classes that come with it, that our own reads and appends are
 * made of: the first are private to db-client, so that this is the place to look at when it is upgraded.
 */
import sharedPb from '@eventstore/db-client/generated/shared_pb.js'
import type streamsGrpc from '@eventstore/db-client/generated/streams_grpc_pb.js'
import streamsPb from '@eventstore/db-client/generated/streams_pb.js'

/** `Streams` is the gRPC client as far as it is used, `Call` what it gives. */
export interface ClientParts<Streams, Call> {
  /** Opens a call on the connection that there is, or makes one. A call that is kept in `cache` is opened once. */
  GRPCStreamCreator(
    client: typeof streamsGrpc.StreamsClient,
    name: string,
    create: (streams: Streams) => Call,
    cache?: WeakMap<object, unknown>,
  ): () => Promise<Call>
  callArguments(options: object, callOptions: object): unknown[]
}

export type ReadOptions = InstanceType<typeof streamsPb.ReadReq.Options>

export const FORWARDS = 0
export const BACKWARDS = 1

/** As many as there are; the protocol's count has 64 bits. */
export const COUNT_MAX = 2n ** 63n - 1n

/** The options that every read of ours has: ids as text, links as they stand. */
function readOptions(): ReadOptions {
  const options = new streamsPb.ReadReq.Options()
  const uuid = new streamsPb.ReadReq.Options.UUIDOption()
  uuid.setString(new sharedPb.Empty())
  options.setUuidOption(uuid)
  options.setResolveLinks(false)
  return options
}

/** How many events a read gives, and in which direction. */
export function limited(
  options: ReadOptions,
  direction: typeof FORWARDS | typeof BACKWARDS,
  count: bigint,
): ReadOptions {
  options.setReadDirection(direction)
  options.setCount(count.toString())
  options.setNoFilter(new sharedPb.Empty())
  return options
}

/** Of a read of one stream from a revision, the event at it included, or from its end. */
export function readStreamOptions(stream: string, from: bigint | 'end'): ReadOptions {
  const options = readOptions()
  const identifier = new sharedPb.StreamIdentifier()
  identifier.setStreamName(Buffer.from(stream))
  const selected = new streamsPb.ReadReq.Options.StreamOptions()
  selected.setStreamIdentifier(identifier)
  if (from === 'end') selected.setEnd(new sharedPb.Empty())
  else selected.setRevision(from.toString())
  options.setStream(selected)
  return options
}

/** Of a read of $all from a position, the event at it included, or from one of its ends. */
export function readAllOptions(from: bigint | 'start' | 'end'): ReadOptions {
  const options = readOptions()
  const all = new streamsPb.ReadReq.Options.AllOptions()
  if (from === 'start') all.setStart(new sharedPb.Empty())
  else if (from === 'end') all.setEnd(new sharedPb.Empty())
  else {
    const position = new streamsPb.ReadReq.Options.Position()
    position.setCommitPosition(from.toString())
    position.setPreparePosition(from.toString())
    all.setPosition(position)
  }
  options.setAll(all)
  return options
}
