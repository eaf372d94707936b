/**
 * Appends over one long call of a connection. db-client's own way of doing this rejects what every client of the process
 * has in flight where one call fails, leaves promises hanging where a connection goes, and throws outside of any call
 * where an answer comes late (Client-NodeJS issue 523); here each append has its own end: an answer, the end of the call
 * that it was sent on, or its time.
 */
import streamsGrpc from '@eventstore/db-client/generated/streams_grpc_pb.js'
import { createDeadlines } from '../runtime/deadlines.ts'
import { type AppendAnswer, type AppendRequest, decodeAppendAnswer, encodeAppend } from './append-messages.ts'
import type { GrpcClient } from './client-internals.ts'
import { type Connection, type Line, openCall } from './connection.ts'

/** What grpc-js gives for a call with messages both ways. */
interface Call {
  write(request: AppendRequest): boolean
  /** Takes no more messages; what was sent is still answered. */
  end(): void
  cancel(): void
  on(event: 'data', listener: (answer: AppendAnswer) => void): this
  on(event: 'error', listener: (error: Error) => void): this
  on(event: 'end', listener: () => void): this
}

interface Streams extends GrpcClient {
  makeBidiStreamRequest(...args: unknown[]): Call
}

/** `unsent`: nothing of it has gone out, as the connection was not fit; the error is the one of `confirm`. */
export type AppendOutcome = AppendAnswer | { kind: 'unknown'; error: Error } | { kind: 'unsent'; error: Error }

export interface Appender {
  /** Never rejects: what became of an append may be unknown, and then it is to be sent again as it was. */
  append(request: Omit<AppendRequest, 'correlation'>): Promise<AppendOutcome>
  /** Has the connection confirmed again before the next append. */
  suspect(): void
}

export interface AppenderOptions {
  /** One attempt's time, connecting and confirming included. */
  deadlineMs: number
  /**
   * Asked once for each new call, before anything is sent on it: whether the connection leads to the right log. A
   * rejection ends the call, and the appends that wait for it are not sent.
   */
  confirm?: (() => Promise<void>) | undefined
}

/** EventStoreDB stores no record above 16 MiB, and ends the call that brings a larger message. */
const APPEND_MAX_CHARS = 16 * 1_024 * 1_024

const { path } = streamsGrpc.StreamsService.batchAppend

interface Waiting {
  call: Call | undefined
  line: Line | undefined
  begunMs: number
  inTime: () => void
  settle: (outcome: AppendOutcome) => void
}

/** Leads what comes on a call to those who wait for it. */
type Listener = (event: { answer: AppendAnswer } | { error: Error }, call: Call) => void

export function createAppender(connection: Connection, { deadlineMs, confirm }: AppenderOptions): Appender {
  // No Map: V8 keeps what has left one as long as an old table of it is there, and these come and go all the time.
  const pending: Record<number, Waiting> = {}
  let correlations = 0
  /** What appends go over, until it ends or leaves one of them without an answer. */
  let current: Call | undefined
  let opening: Promise<Call> | undefined
  const deadlines = createDeadlines(deadlineMs)

  function broken(call: Call, error: Error): void {
    if (current === call) current = undefined
    for (const [correlation, each] of Object.entries(pending)) {
      if (each.call === call) end(Number(correlation), { kind: 'unknown', error })
    }
  }

  /** A call that leads to the right log. It is opened first: a connection that changes after the look ends the call too. */
  async function connected(): Promise<Call> {
    const line = connection.line()
    const { promise: ended, reject } = Promise.withResolvers<never>()
    // Whether anybody waits for it depends on when it comes.
    ended.catch(() => undefined)
    const call = await openBatch(line, (event, of) => {
      if ('answer' in event) {
        connection.heard(line)
        return end(event.answer.correlation, event.answer)
      }
      reject(event.error)
      broken(of, event.error)
    })
    const { channel } = line
    try {
      if (confirm) await Promise.race([confirm(), ended])
      // What was confirmed is the connection that there is now; the call has to stand on the same one.
      if (connection.line() !== line || line.channel !== channel)
        throw new Error('the connection has changed meanwhile')
    } catch (error) {
      call.cancel()
      throw error
    }
    current = call
    return call
  }

  /** The next append goes over another call; what was sent on this one may still be answered. */
  function leave(): void {
    current?.end()
    current = undefined
    opening = undefined
  }

  function call(): Promise<Call> {
    if (!opening) {
      const attempt = connected().finally(() => {
        if (opening === attempt) opening = undefined
      })
      opening = attempt
    }
    return opening
  }

  function send(call: Call, correlation: number, request: Omit<AppendRequest, 'correlation'>): void {
    const waiting = pending[correlation]
    // Its time may have passed while the connection was being made; then nothing is sent.
    if (!waiting) return
    waiting.call = call
    if (request.events.reduce((sum, { data, metadata }) => sum + data.length + metadata.length, 0) > APPEND_MAX_CHARS) {
      // The server would end the call over it, and with it the appends of others.
      const message = `more than ${APPEND_MAX_CHARS} characters`
      end(correlation, { correlation, kind: 'failed', reason: 'MaximumAppendSizeExceeded', message })
      return
    }
    try {
      call.write({ ...request, correlation })
    } catch (error) {
      end(correlation, { kind: 'unknown', error: error as Error })
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
    const waiting = pending[correlation]
    // The connection may have to be another one.
    leave()
    if (waiting?.line) connection.silent(waiting.line, waiting.begunMs)
    end(correlation, { kind: 'unknown', error: new Error(`the event store did not answer within ${deadlineMs} ms`) })
  }

  return {
    append(request) {
      const correlation = ++correlations
      return new Promise((settle) => {
        const inTime = deadlines.start(() => giveUp(correlation))
        const begunMs = performance.now()
        pending[correlation] = { call: undefined, line: connection.line(), begunMs, inTime, settle }
        if (current) return send(current, correlation, request)
        call().then(
          (opened) => send(opened, correlation, request),
          (error: Error) => end(correlation, { kind: 'unsent', error }),
        )
      })
    },
    suspect: leave,
  }
}

function openBatch(line: Line, listener: Listener): Promise<Call> {
  return openCall<Streams, Call>(line, 'append', { requiresLeader: true }, (streams, callArguments) => {
    const call = streams.makeBidiStreamRequest(path, encodeAppend, decodeAppendAnswer, ...callArguments)
    call.on('data', (answer) => listener({ answer }, call))
    call.on('error', (error) => listener({ error }, call))
    call.on('end', () => listener({ error: new Error('the event store has ended the call') }, call))
    return call
  })
}
