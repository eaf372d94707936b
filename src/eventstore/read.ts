/**
 * Reads streams and the log ($all), and follows the log, over a connection, with the answers decoded by read-messages.ts
 * instead of the generated classes.
 */
import streamsGrpc from '@eventstore/db-client/generated/streams_grpc_pb.js'
import streamsPb from '@eventstore/db-client/generated/streams_pb.js'
import {
  type GrpcClient,
  type ReadOptions,
  selectionOptions,
  streamSubscriptionOptions,
  subscriptionOptions,
} from './client-internals.ts'
import { type CallOptions, type Connection, type Line, openCall, SilentStore } from './connection.ts'
import { isUnknownPosition } from './failure.ts'
import { decodeAnswer, type LogAnswer, type StoredEvent } from './read-messages.ts'
import type { Selection } from './selection.ts'

/** What grpc-js gives for a call whose answers are a stream. */
export interface Answers {
  on(event: 'data', listener: (answer: LogAnswer) => void): unknown
  on(event: 'end', listener: () => void): unknown
  on(event: 'error', listener: (error: Error) => void): unknown
  pause(): void
  resume(): void
  cancel(): void
}

interface Streams extends GrpcClient {
  makeServerStreamRequest(...args: unknown[]): Answers
}

const { path, requestSerialize } = streamsGrpc.StreamsService.read

/** A read of the log was to begin at a position that no event has. */
export class NoSuchPosition extends Error {
  override name = 'NoSuchPosition'
  constructor(position: bigint, cause: unknown) {
    super(`the log has no event at position ${position}`, { cause })
  }
}

/**
 * The events of a limited read; none where there is no such stream. Rejects with the client's error where the store
 * cannot be reached, with SilentStore where nothing comes for so long, connecting included, and with NoSuchPosition.
 */
export const readPage = (
  connection: Connection,
  selection: Selection,
  silenceMaxMs: number,
  options: CallOptions = {},
): Promise<StoredEvent[]> => connection.inTurn(() => readOnce(connection, selection, silenceMaxMs, options))

async function readOnce(
  connection: Connection,
  selection: Selection,
  silenceMaxMs: number,
  callOptions: CallOptions,
): Promise<StoredEvent[]> {
  const events: StoredEvent[] = []
  const line = connection.line()
  const { promise: ended, resolve, reject } = Promise.withResolvers<void>()
  let lastMs = performance.now()
  const silence = setTimeout(() => {
    connection.silent(line, lastMs)
    reject(new SilentStore(silenceMaxMs))
  }, silenceMaxMs)
  const opening = open(line, selectionOptions(selection), callOptions)
  opening.then((answers) => {
    answers.on('data', (answer) => {
      silence.refresh()
      connection.heard(line)
      lastMs = performance.now()
      if (typeof answer === 'object') events.push(answer)
    })
    answers.on('error', reject)
    answers.on('end', () => {
      connection.heard(line)
      resolve()
    })
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
    throw positionFault(error, selection)
  } finally {
    clearTimeout(silence)
  }
}

/** NoSuchPosition where that is what the store's answer to such a read means; else the error itself. */
export function positionFault(error: unknown, { stream, from }: Selection): unknown {
  const isOfPosition = stream === undefined && typeof from === 'bigint' && isUnknownPosition(error)
  return isOfPosition ? new NoSuchPosition(from, error) : error
}

/** Non-matching events between two checkpoints that keep a filtered subscription's place: windows of so many events. */
const FILTERING = { searchWindow: 32, checkpointWindows: 100 }

/**
 * Every event after the event at a position (undefined: from the first) whose type begins so, those to come included:
 * `data` tells of the events and that the subscription stands. Rejects where the store cannot be reached.
 */
export const subscribe = (
  line: Line,
  after: bigint | undefined,
  typePrefixes: readonly string[],
  options: CallOptions = {},
): Promise<Answers> => open(line, subscriptionOptions(after, typePrefixes, FILTERING), options)

/** What a stream will hold: a call that stands for as long as its connection does. */
export const watchStream = (line: Line, stream: string, options: CallOptions = {}): Promise<Answers> =>
  open(line, streamSubscriptionOptions(stream), options)

function open(line: Line, options: ReadOptions, callOptions: CallOptions): Promise<Answers> {
  const request = new streamsPb.ReadReq()
  request.setOptions(options)
  return openCall<Streams, Answers>(line, 'log', callOptions, (streams, callArguments) =>
    streams.makeServerStreamRequest(path, requestSerialize, decodeAnswer, request, ...callArguments),
  )
}
