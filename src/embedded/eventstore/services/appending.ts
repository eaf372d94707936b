/** The two append calls: one append a call, and many appends multiplexed over one long call. */
import type { ServerDuplexStream, ServerReadableStream, sendUnaryData } from '@grpc/grpc-js'
import {
  type AppendOptions,
  type BatchAppendMessage,
  type BatchFailure,
  decodeAppend,
  decodeBatchAppend,
  encodeAppendAnswer,
  encodeBatchAnswer,
} from '../protocol/append-messages.ts'
import {
  deadlineExceeded,
  invalidArgument,
  maximumAppendSizeExceeded,
  streamDeleted,
  toServiceError,
} from '../protocol/errors.ts'
import type { ProposedEvent } from '../storage/record.ts'
import type { EventStore } from '../storage/store.ts'
import { AppendUnavailableError } from '../storage/writer.ts'
import { openOutlet } from './outlet.ts'

/** How the protocol measures an event: data, metadata, and the type in UTF-16. */
function eventBytes(event: ProposedEvent): number {
  return event.data.length + event.customMetadata.length + event.type.length * 2
}

/** Unix milliseconds at which the call's client stops waiting; undefined where it waits for ever. */
function deadlineOf(call: { getDeadline: () => Date | number }): number | undefined {
  const deadline = call.getDeadline()
  const ms = deadline instanceof Date ? deadline.getTime() : deadline
  return Number.isFinite(ms) ? ms : undefined
}

export function appendHandler(store: EventStore) {
  return (call: ServerReadableStream<Buffer, Buffer>, callback: sendUnaryData<Buffer>): void => {
    let options: AppendOptions | undefined
    const events: ProposedEvent[] = []
    let bytes = 0
    let over = false
    const fail = (error: unknown) => {
      if (over) return
      over = true
      callback(toServiceError(error))
    }
    call.on('error', fail)
    call.on('data', (buffer: Buffer) => {
      if (over) return
      try {
        const message = decodeAppend(buffer)
        if (message.options) options = message.options
        if (!message.event) return
        events.push(message.event)
        bytes += eventBytes(message.event)
        if (bytes > store.options.maxAppendBytes) throw maximumAppendSizeExceeded(store.options.maxAppendBytes)
      } catch (error) {
        fail(error)
      }
    })
    call.on('end', async () => {
      if (over) return
      try {
        if (!options) throw invalidArgument('the options of the append are missing')
        const { stream, expected } = options
        const outcome = await store.write({
          stream,
          expected,
          operation: 'append',
          events,
          deadlineMs: deadlineOf(call),
        })
        if (outcome.kind === 'deleted') throw streamDeleted(stream)
        if (outcome.kind === 'deadline-exceeded') throw deadlineExceeded()
        over = true
        callback(null, encodeAppendAnswer(outcome, expected))
      } catch (error) {
        fail(error)
      }
    })
  }
}

type OpenAppend = { options: AppendOptions; correlationId: Buffer; events: ProposedEvent[]; bytes: number }

/** Appends in flight on one call, past which the node stops reading from that client. */
const MAXIMUM_IN_FLIGHT_BYTES = 16 * 1024 * 1024

/**
 * Each append is answered once, under its correlation id. After a failure the remaining parts of that append are
 * passed over, since the client has forgotten it.
 */
export function batchAppendHandler(store: EventStore) {
  return (call: ServerDuplexStream<Buffer, Buffer>): void => {
    const outlet = openOutlet(call)
    const open = new Map<string, OpenAppend>()
    const failed = new Set<string>()
    let inFlight = 0
    let inFlightBytes = 0
    let ended = false

    const finishIfDone = () => {
      if (ended && inFlight === 0 && outlet.isOpen()) call.end()
    }
    const refuse = (message: BatchAppendMessage, options: AppendOptions | undefined, failure: BatchFailure) => {
      open.delete(message.key)
      if (!message.isFinal) failed.add(message.key)
      outlet.send(encodeBatchAnswer(message.correlationId, options, failure))
    }
    const submit = async (append: OpenAppend) => {
      inFlight++
      inFlightBytes += append.bytes
      if (inFlightBytes > MAXIMUM_IN_FLIGHT_BYTES) call.pause()
      outlet.send(await answerTo(store, append))
      inFlight--
      inFlightBytes -= append.bytes
      if (call.isPaused() && inFlightBytes <= MAXIMUM_IN_FLIGHT_BYTES) call.resume()
      finishIfDone()
    }
    const take = (buffer: Buffer) => {
      const message = decodeBatchAppend(buffer)
      if (failed.has(message.key)) {
        if (message.isFinal) failed.delete(message.key)
        return
      }
      const append = open.get(message.key) ?? begin(message)
      if (message.failure) return refuse(message, append?.options, { kind: 'bad-request', message: message.failure })
      if (!append) return refuse(message, undefined, { kind: 'bad-request', message: 'the options are missing' })
      if (append.options.deadlineMs !== undefined && append.options.deadlineMs < Date.now()) {
        return refuse(message, append.options, { kind: 'deadline-exceeded' })
      }
      for (const event of message.events) {
        append.events.push(event)
        append.bytes += eventBytes(event)
      }
      if (append.bytes > store.options.maxAppendBytes) {
        return refuse(message, append.options, { kind: 'too-large', maxAppendBytes: store.options.maxAppendBytes })
      }
      if (!message.isFinal) {
        open.set(message.key, append)
        return
      }
      open.delete(message.key)
      void submit(append)
    }
    call.on('data', (buffer: Buffer) => {
      try {
        take(buffer)
      } catch (error) {
        call.emit('error', toServiceError(error))
      }
    })
    call.on('end', () => {
      ended = true
      finishIfDone()
    })
  }
}

function begin(message: BatchAppendMessage): OpenAppend | undefined {
  if (!message.options) return undefined
  return { options: message.options, correlationId: message.correlationId, events: [], bytes: 0 }
}

/** The encoded answer to one append; never rejects. */
async function answerTo(store: EventStore, append: OpenAppend): Promise<Buffer> {
  const { options, correlationId, events } = append
  try {
    const outcome = await store.write({ ...options, operation: 'append', events })
    return encodeBatchAnswer(correlationId, options, outcome)
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    const kind = error instanceof AppendUnavailableError ? 'unavailable' : 'bad-request'
    return encodeBatchAnswer(correlationId, options, { kind, message })
  }
}
