/** The requests of the Read call, made of the protocol's classes that db-client has generated. */
import sharedPb from '@eventstore/db-client/generated/shared_pb.js'
import streamsPb from '@eventstore/db-client/generated/streams_pb.js'

/** What a read asks for: a stream, or without one the whole log ($all), from a place on, in one direction. */
export interface Selection {
  stream?: string
  /**
   * The first event of the answer: in a stream its revision, in the log the position of an event. A read of the log cannot
   * begin at a position that no event has.
   */
  from: bigint | 'start' | 'end'
  direction: 'forwards' | 'backwards'
  /** Events at most; undefined: all of them. */
  count?: bigint
}

export type ReadOptions = InstanceType<typeof streamsPb.ReadReq.Options>

const FORWARDS = 0
const BACKWARDS = 1

/** All events; the protocol's count has 64 bits. */
const COUNT_MAX = 2n ** 63n - 1n

/** The options that all reads share: ids as text, links not resolved. */
function readOptions(): ReadOptions {
  const options = new streamsPb.ReadReq.Options()
  const uuid = new streamsPb.ReadReq.Options.UUIDOption()
  uuid.setString(new sharedPb.Empty())
  options.setUuidOption(uuid)
  options.setResolveLinks(false)
  return options
}

/** The options of a read that ends. */
export function selectionOptions({ stream, from, direction, count = COUNT_MAX }: Selection): ReadOptions {
  const options = readOptions()
  if (stream === undefined) options.setAll(allOptions(from))
  else options.setStream(streamOptions(stream, from))
  options.setReadDirection(direction === 'forwards' ? FORWARDS : BACKWARDS)
  options.setCount(count.toString())
  options.setNoFilter(new sharedPb.Empty())
  return options
}

/** The options of a subscription to the log after a position, to events whose type begins with one of the prefixes. */
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

/** The options of a subscription to the events that one stream will get. */
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
