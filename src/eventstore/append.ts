/**
 * Appends over one long call of a connection. In db-client one failed call rejects the appends of every client of the
 * process. A lost connection leaves its promises pending, and a late answer throws outside any call (Client-NodeJS issue
 * 523). Here each append has its own end: an answer, the end of its call, or its deadline.
 */
import streamsGrpc from '@eventstore/db-client/generated/streams_grpc_pb.js'
import { createDeadlines } from '../runtime/deadlines.ts'
import { type AppendAnswer, type AppendRequest, decodeAppendAnswer, encodeAppend } from './append-messages.ts'
import { type Connection, type GrpcClient, type Line, openCall } from './connection.ts'

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

/** `unsent`: nothing of it went out, since the connection failed or `confirm` rejected, with this error. */
export type AppendOutcome = AppendAnswer | { kind: 'unknown'; error: Error } | { kind: 'unsent'; error: Error }

export interface Appender {
  /** Never rejects. The caller sends an append with an unknown outcome again, as it was. */
  append(request: Omit<AppendRequest, 'correlation'>): Promise<AppendOutcome>
  /** Makes the next append confirm the connection again. */
  suspect(): void
}

export interface AppenderOptions {
  /** One attempt's time, connecting and confirming included. */
  deadlineMs: number
  /**
   * Confirms that a connection leads to the right log; called once for each new call, before anything is sent on it. A
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

/** Receives what comes on a call. */
type Listener = (event: { answer: AppendAnswer } | { error: Error }, call: Call) => void

export function createAppender(connection: Connection, { deadlineMs, confirm }: AppenderOptions): Appender {
  // No Map, since these come and go all the time: V8 keeps a Map's deleted entries alive in its old tables.
  const pending: Record<number, Waiting> = {}
  let correlations = 0
  /** The call for appends, until it ends or leaves one of them without an answer. */
  let current: Call | undefined
  let opening: Promise<Call> | undefined
  const deadlines = createDeadlines(deadlineMs)

  function broken(call: Call, error: Error): void {
    if (current === call) current = undefined
    for (const [correlation, each] of Object.entries(pending)) {
      if (each.call === call) end(Number(correlation), { kind: 'unknown', error })
    }
  }

  /** A call that leads to the right log. It opens before the confirmation: a connection that changes later ends it too. */
  async function connected(): Promise<Call> {
    const line = connection.line()
    const { promise: ended, reject } = Promise.withResolvers<never>()
    // It may reject before or after something waits for it.
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
      // The present connection was confirmed; the call has to stand on the same one.
      if (connection.line() !== line || line.channel !== channel)
        throw new Error('the connection has changed meanwhile')
    } catch (error) {
      call.cancel()
      throw error
    }
    current = call
    return call
  }

  /** Sends the next append over another call; appends on this one may still be answered. */
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
    // Nothing is sent where the deadline passed while the connection was being made.
    if (!waiting) return
    waiting.call = call
    if (request.events.reduce((sum, { data, metadata }) => sum + data.length + metadata.length, 0) > APPEND_MAX_CHARS) {
      // The server would end the call because of it, and so the other appends on it.
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

  /** Ignores an answer that comes after the append's end. */
  function end(correlation: number, outcome: AppendOutcome): void {
    const waiting = pending[correlation]
    if (!waiting) return
    delete pending[correlation]
    waiting.inTime()
    waiting.settle(outcome)
  }

  function giveUp(correlation: number): void {
    const waiting = pending[correlation]
    // The connection may be dead.
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
