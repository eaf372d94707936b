/**
 * Reads streams and the log ($all), and follows the log, over a connection. Its own decoders (read-messages.ts) take the
 * place of the generated classes.
 */
import streamsGrpc from '@eventstore/db-client/generated/streams_grpc_pb.js'
import streamsPb from '@eventstore/db-client/generated/streams_pb.js'
import { type CallOptions, type Connection, type GrpcClient, type Line, openCall, SilentStore } from './connection.ts'
import { failureOf } from './failure.ts'
import { decodeAnswer, decodeRawAnswer, type LogAnswer, type RawEvent, type StoredEvent } from './read-messages.ts'
import {
  type ReadOptions,
  type Selection,
  selectionOptions,
  streamSubscriptionOptions,
  subscriptionOptions,
} from './read-requests.ts'
import { withReadTimeout } from './read-timeout.ts'

/** What grpc-js gives for a call whose answers are a stream. */
export interface Answers<Answer = LogAnswer> extends AsyncIterable<Answer> {
  on(event: 'data', listener: (answer: Answer) => void): unknown
  on(event: 'end', listener: () => void): unknown
  on(event: 'error', listener: (error: Error) => void): unknown
  pause(): void
  resume(): void
  cancel(): void
  destroy(error: Error): void
}

interface Streams extends GrpcClient {
  makeServerStreamRequest(...args: unknown[]): Answers<never>
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
 * cannot be reached, with SilentStore where nothing comes within the time, connecting included, and with NoSuchPosition.
 */
export const readPage = (
  connection: Connection,
  selection: Selection,
  readTimeoutMs: number,
  options: CallOptions = {},
): Promise<StoredEvent[]> => connection.limited(() => readOnce(connection, selection, readTimeoutMs, options))

async function readOnce(
  connection: Connection,
  selection: Selection,
  readTimeoutMs: number,
  callOptions: CallOptions,
): Promise<StoredEvent[]> {
  const events: StoredEvent[] = []
  const line = connection.line()
  const { promise: ended, resolve, reject } = Promise.withResolvers<void>()
  let lastMs = performance.now()
  const timer = setTimeout(() => {
    connection.silent(line, lastMs)
    reject(new SilentStore(readTimeoutMs))
  }, readTimeoutMs)
  const opening = open(line, selectionOptions(selection), callOptions)
  opening.then((answers) => {
    answers.on('data', (answer) => {
      timer.refresh()
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
    // The call may be open now or open later; either way its answers are no longer wanted.
    opening.then(
      (answers) => answers.cancel(),
      () => undefined,
    )
    throw positionFault(error, selection)
  } finally {
    clearTimeout(timer)
  }
}

/** NoSuchPosition where the store's answer to such a read means that; else the error itself. */
function positionFault(error: unknown, { stream, from }: Selection): unknown {
  const isOfPosition = stream === undefined && typeof from === 'bigint' && failureOf(error).kind === 'unknownPosition'
  return isOfPosition ? new NoSuchPosition(from, error) : error
}

/**
 * Events as they are stored, byte for byte, at the reader's pace; none where there is no such stream. Throws as `readPage`
 * rejects.
 */
export async function* readRaw(
  connection: Connection,
  selection: Selection,
  readTimeoutMs: number,
): AsyncGenerator<RawEvent> {
  const line = connection.line()
  let lastMs = performance.now()
  let answers: Answers<RawEvent | undefined> | undefined
  try {
    answers = await open(line, selectionOptions(selection), {}, decodeRawAnswer)
    // The iteration throws any error of the read; one after that is about our own cancelling.
    answers.on('error', () => undefined)
    for await (const answer of withReadTimeout(answers, readTimeoutMs, () => new SilentStore(readTimeoutMs))) {
      connection.heard(line)
      lastMs = performance.now()
      if (answer) yield answer
    }
  } catch (error) {
    if (error instanceof SilentStore) connection.silent(line, lastMs)
    throw positionFault(error, selection)
  } finally {
    // A reader that leaves early would otherwise leave the call open, and with it the process.
    answers?.cancel()
  }
}

/** How often a filtered subscription reports its place: after 100 windows of 32 events that do not match. */
const FILTERING = { searchWindow: 32, checkpointWindows: 100 }

/**
 * Every event after the event at a position (undefined: from the first), present and future, whose type begins with one of
 * the prefixes. `data` brings the events, and 'confirmed' once the subscription stands. Rejects where the store is away.
 */
export const subscribe = (
  line: Line,
  after: bigint | undefined,
  typePrefixes: readonly string[],
  options: CallOptions = {},
): Promise<Answers> => open(line, subscriptionOptions(after, typePrefixes, FILTERING), options)

/** The events that a stream will get: a call that stands for as long as its connection does. */
export const watchStream = (line: Line, stream: string, options: CallOptions = {}): Promise<Answers> =>
  open(line, streamSubscriptionOptions(stream), options)

function open(line: Line, options: ReadOptions, callOptions: CallOptions): Promise<Answers>
function open<Answer>(
  line: Line,
  options: ReadOptions,
  callOptions: CallOptions,
  decode: (bytes: Buffer) => Answer,
): Promise<Answers<Answer>>
function open(
  line: Line,
  options: ReadOptions,
  callOptions: CallOptions,
  decode: (bytes: Buffer) => unknown = decodeAnswer,
) {
  const request = new streamsPb.ReadReq()
  request.setOptions(options)
  return openCall<Streams, Answers<never>>(line, 'log', callOptions, (streams, callArguments) =>
    streams.makeServerStreamRequest(path, requestSerialize, decode, request, ...callArguments),
  )
}
