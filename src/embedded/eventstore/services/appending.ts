/** The two append calls: one append a call, and many appends multiplexed over one long call. */
import type { ServerDuplexStream, ServerReadableStream, sendUnaryData } from '@grpc/grpc-js'
import { type BatchFailure, encodeAppendAnswer, encodeBatchAnswer } from '../protocol/append-answers.ts'
import {
  type AppendOptions,
  type BatchAppendMessage,
  decodeAppend,
  decodeBatchAppend,
} from '../protocol/append-messages.ts'
import {
  deadlineExceeded,
  invalidArgument,
  maximumAppendSizeExceeded,
  streamDeleted,
  toServiceError,
} from '../protocol/errors.ts'
import { int64, lengthDelimited } from '../protocol/wire.ts'
import type { ProposedEvent } from '../storage/record.ts'
import type { EventStore } from '../storage/store.ts'
import { AppendUnavailableError } from '../storage/writer.ts'
import { openOutlet } from './outlet.ts'

/** What one append has gathered: the protocol limits its data, and the node all that it has to hold of it. */
type Gathered = { events: ProposedEvent[]; dataBytes: number; bytes: number }

const nothingGathered = (): Gathered => ({ events: [], dataBytes: 0, bytes: 0 })

/** Adds an event, and returns whether the append is still of a size that is accepted. */
function gather(gathered: Gathered, event: ProposedEvent, { options }: EventStore): boolean {
  gathered.events.push(event)
  gathered.dataBytes += event.data.length
  gathered.bytes += event.data.length + event.customMetadata.length + event.type.length * 2
  return gathered.dataBytes <= options.maxAppendBytes && gathered.bytes <= options.maxMessageBytes
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
    const gathered = nothingGathered()
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
        if ((message.options === undefined) === (options === undefined)) {
          throw invalidArgument('the first message of an append must be its options, and every other one an event')
        }
        if (message.options) {
          options = message.options
          if (options.refusal !== undefined) throw invalidArgument(options.refusal)
        } else if (!message.event) throw invalidArgument('a message holds neither options nor an event')
        else if (!gather(gathered, message.event, store)) throw maximumAppendSizeExceeded(store.options.maxAppendBytes)
      } catch (error) {
        fail(error)
      }
    })
    call.on('end', async () => {
      if (over) return
      try {
        if (!options) throw invalidArgument('the options of the append are missing')
        const stream = options.stream!
        const { expected } = options
        const { events } = gathered
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
        callback(null, encodeAppendAnswer(outcome, options.asked))
      } catch (error) {
        fail(error)
      }
    })
  }
}

type OpenAppend = Gathered & {
  options: AppendOptions
  correlationId: Buffer | undefined
  /** Runs while the client has not sent the last part. */
  timer: NodeJS.Timeout | undefined
}

/** Appends in flight on one call, past which the node stops reading from that client. */
const MAXIMUM_IN_FLIGHT_BYTES = 16 * 1024 * 1024
/** The longest that a timer can run; what has more time than that is not timed. */
const LONGEST_TIMER_MS = 2 ** 31 - 1

/**
 * Each append is answered once, under its correlation id. After a failure the remaining parts of that append are
 * passed over, since the client has forgotten it.
 */
export function batchAppendHandler(store: EventStore) {
  return (call: ServerDuplexStream<Buffer, Buffer[]>): void => {
    const outlet = openOutlet(call)
    const open = new Map<string, OpenAppend>()
    const failed = new Set<string>()
    let inFlight = 0
    let inFlightBytes = 0
    let ended = false

    const finishIfDone = () => {
      if (ended && inFlight === 0 && outlet.isOpen()) call.end()
    }
    const close = (key: string) => {
      clearTimeout(open.get(key)?.timer)
      open.delete(key)
    }
    const refuse = (message: BatchAppendMessage, options: AppendOptions | undefined, failure: BatchFailure) => {
      close(message.key)
      if (!message.isFinal && message.key !== '') failed.add(message.key)
      outlet.send(encodeBatchAnswer(message.correlationId, options, failure))
    }
    const submit = async (append: OpenAppend) => {
      inFlight++
      inFlightBytes += append.bytes
      if (inFlightBytes > MAXIMUM_IN_FLIGHT_BYTES) call.pause()
      const answer = await answerTo(store, append)
      // A node that is closing ends the call instead, with a code on which the client sends all of it again.
      if (answer) outlet.send(answer)
      inFlight--
      inFlightBytes -= append.bytes
      if (call.isPaused() && inFlightBytes <= MAXIMUM_IN_FLIGHT_BYTES) call.resume()
      finishIfDone()
    }
    const keep = (key: string, append: OpenAppend) => {
      open.set(key, append)
      const { options } = append
      const leftMs = options.deadlineMs === undefined ? Number.POSITIVE_INFINITY : options.deadlineMs - Date.now()
      if (append.timer || leftMs > LONGEST_TIMER_MS) return
      append.timer = setTimeout(() => {
        close(key)
        failed.add(key)
        outlet.send(encodeBatchAnswer(structuredId(key), options, { kind: 'deadline-exceeded' }))
      }, leftMs)
      append.timer.unref()
    }
    const take = (message: BatchAppendMessage) => {
      if (failed.has(message.key)) {
        if (message.isFinal) failed.delete(message.key)
        return
      }
      const append = open.get(message.key) ?? begin(message)
      const options = append?.options
      if (message.failure) return refuse(message, options, { kind: 'bad-request', message: message.failure })
      if (!append) return refuse(message, undefined, { kind: 'bad-request', message: 'the options are missing' })
      if (append.options.deadlineMs !== undefined && append.options.deadlineMs < Date.now()) {
        return refuse(message, options, { kind: 'deadline-exceeded' })
      }
      for (const event of message.events) {
        if (gather(append, event, store)) continue
        return refuse(message, options, { kind: 'too-large', maxAppendBytes: store.options.maxAppendBytes })
      }
      if (!message.isFinal) return keep(message.key, append)
      close(message.key)
      void submit(append)
    }
    call.on('data', (buffer: Buffer) => {
      try {
        const message = decodeBatchAppend(buffer)
        if (message.key === '' && !message.options) throw invalidArgument('the append has no correlation id')
        take(message)
      } catch (error) {
        call.emit('error', toServiceError(error))
      }
    })
    call.on('end', () => {
      ended = true
      finishIfDone()
    })
    outlet.onClose(() => {
      for (const key of [...open.keys()]) close(key)
    })
  }
}

function begin(message: BatchAppendMessage): OpenAppend | undefined {
  if (!message.options) return undefined
  return { options: message.options, correlationId: message.correlationId, timer: undefined, ...nothingGathered() }
}

/** A correlation id as EventStoreDB writes it where it answers of its own accord: two integers. */
function structuredId(key: string): Buffer {
  const bytes = Buffer.from(key.replaceAll('-', ''), 'hex')
  return lengthDelimited(1, int64(1, bytes.readBigUInt64BE(0)), int64(2, bytes.readBigUInt64BE(8)))
}

/** The encoded answer to one append, or none where the node is closing; never rejects. */
async function answerTo(store: EventStore, append: OpenAppend): Promise<Buffer | undefined> {
  const { options, correlationId, events } = append
  const { expected, deadlineMs } = options
  try {
    const outcome = await store.write({ stream: options.stream!, expected, deadlineMs, operation: 'append', events })
    return encodeBatchAnswer(correlationId, options, outcome)
  } catch (error) {
    if (store.isClosing()) return undefined
    const message = error instanceof Error ? error.message : String(error)
    const kind = error instanceof AppendUnavailableError ? 'unavailable' : 'bad-request'
    return encodeBatchAnswer(correlationId, options, { kind, message })
  }
}
