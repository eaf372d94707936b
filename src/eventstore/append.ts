/**
 * Appends over one long call of db-client's connection (its addresses, credentials, TLS and reconnection). db-client's
 * own way of doing this rejects what other calls have in flight, leaves promises hanging where a connection goes, and
 * throws outside of any call where an answer comes late (Client-NodeJS issue 523); here each append has its own end: an
 * answer, the end of the call that it was sent on, or its time.
 */
import type { EventStoreDBClient } from '@eventstore/db-client'
import streamsGrpc from '@eventstore/db-client/generated/streams_grpc_pb.js'
import { createDeadlines } from '../runtime/deadlines.ts'
import { type AppendAnswer, type AppendRequest, decodeAppendAnswer, encodeAppend } from './append-messages.ts'
import type { ClientParts } from './client-internals.ts'

/** What grpc-js gives for a call with messages both ways. */
interface Call {
  write(request: AppendRequest): boolean
  on(event: 'data', listener: (answer: AppendAnswer) => void): this
  on(event: 'error', listener: (error: Error) => void): this
  on(event: 'end', listener: () => void): this
}

type Streams = { makeBidiStreamRequest(...args: unknown[]): Call }

export type AppendOutcome = AppendAnswer | { kind: 'unknown'; error: Error }

export interface Appender {
  /** Never rejects: what became of an append may be unknown, and then it is to be sent again as it was. */
  append(request: Omit<AppendRequest, 'correlation'>): Promise<AppendOutcome>
}

const { path } = streamsGrpc.StreamsService.batchAppend

interface Waiting {
  call: Call | undefined
  inTime: () => void
  settle: (outcome: AppendOutcome) => void
}

/** `deadlineMs` is one attempt's time, connecting included. */
export function createAppender(client: EventStoreDBClient, deadlineMs: number): Appender {
  const parts = client as unknown as ClientParts<Streams, Call>
  const calls = new WeakMap<object, unknown>()
  // No Map: V8 keeps what has left one as long as an old table of it is there, and these come and go all the time.
  const pending: Record<number, Waiting> = {}
  let correlations = 0
  /** What appends go over, until it ends or leaves one of them without an answer. */
  let current: Call | undefined
  const deadlines = createDeadlines(deadlineMs)

  function opened(streams: Streams): Call {
    const callArguments = parts.callArguments({}, { deadline: Number.POSITIVE_INFINITY })
    const call = streams.makeBidiStreamRequest(path, encodeAppend, decodeAppendAnswer, ...callArguments)
    const broken = (error: Error) => {
      if (current === call) current = undefined
      for (const [correlation, each] of Object.entries(pending)) {
        if (each.call === call) end(Number(correlation), { kind: 'unknown', error })
      }
    }
    call.on('data', (answer) => end(answer.correlation, answer))
    call.on('error', broken)
    call.on('end', () => broken(new Error('the event store has ended the call')))
    current = call
    return call
  }

  const connected = parts.GRPCStreamCreator(streamsGrpc.StreamsClient, 'append', opened, calls)

  function send(call: Call, waiting: Waiting, request: AppendRequest): void {
    waiting.call = call
    try {
      call.write(request)
    } catch (error) {
      end(request.correlation, { kind: 'unknown', error: error as Error })
    }
  }

  /** An answer to an append that nobody waits for any more is passed over. */
  function end(correlation: number, outcome: AppendOutcome): void {
    const waiting = pending[correlation]
    if (!waiting) return
    delete pending[correlation]
    waiting.inTime()
    waiting.settle(outcome)
  }

  function giveUp(correlation: number): void {
    // The connection may have to be another one.
    current = undefined
    end(correlation, { kind: 'unknown', error: new Error(`the event store did not answer within ${deadlineMs} ms`) })
  }

  return {
    append(request) {
      const correlation = ++correlations
      return new Promise((settle) => {
        const waiting: Waiting = { call: undefined, inTime: deadlines.start(() => giveUp(correlation)), settle }
        pending[correlation] = waiting
        if (current) return send(current, waiting, { ...request, correlation })
        connected()
          // Its time may have passed while the connection was being made; then nothing is sent.
          .then((call) => correlation in pending && send(call, waiting, { ...request, correlation }))
          .catch((error: Error) => end(correlation, { kind: 'unknown', error }))
      })
    },
  }
}
