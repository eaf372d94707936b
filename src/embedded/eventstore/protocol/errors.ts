/**
 * The errors of the protocol: a gRPC status and, in its trailers, the name of the exception and its details, from
 * which the clients build their own error classes.
 */
import { Metadata, type ServiceError, status } from '@grpc/grpc-js'
import { DamagedLogError } from '../storage/segments.ts'
import type { Damage } from '../storage/store.ts'
import { AppendUnavailableError } from '../storage/writer.ts'

/** An error that is answered as it is. */
export class ProtocolError extends Error implements ServiceError {
  code: status
  details: string
  metadata: Metadata
  constructor(code: status, details: string, trailers: Record<string, string | Buffer> = {}) {
    super(details)
    this.name = 'ProtocolError'
    this.code = code
    this.details = details
    this.metadata = new Metadata()
    for (const [key, value] of Object.entries(trailers)) this.metadata.set(key, value)
  }
}

/** Trailers carry ASCII only; the protocol sends other names percent-free as they are, so they are made safe. */
function ascii(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?')
}

export function invalidArgument(details: string): ProtocolError {
  return new ProtocolError(status.INVALID_ARGUMENT, details)
}

/** What EventStoreDB answers to a read that cannot begin where it was asked to: a position that no event has, the end. */
export function unexpectedResult(of: 'ReadStreamResult' | 'ReadAllResult'): ProtocolError {
  return new ProtocolError(status.UNKNOWN, `Unexpected ${of}: Error`)
}

export function unavailable(details: string): ProtocolError {
  return new ProtocolError(status.UNAVAILABLE, details)
}

export function streamDeleted(stream: string): ProtocolError {
  return new ProtocolError(status.FAILED_PRECONDITION, `Event stream '${stream}' is deleted.`, {
    exception: 'stream-deleted',
    'stream-name': ascii(stream),
  })
}

/** For deletes, since appends have messages of their own. `expected` as the protocol numbers it: -1 no stream, -2 any, -4 stream exists. */
export function wrongExpectedVersion(stream: string, expected: bigint, current: number): ProtocolError {
  const trailers = {
    exception: 'wrong-expected-version',
    'stream-name': ascii(stream),
    'expected-version': String(expected),
    'actual-version': String(current),
  }
  const details = `Delete failed due to WrongExpectedVersion. Stream: ${stream}, Expected version: ${expected}, Actual version: ${current}`
  return new ProtocolError(status.FAILED_PRECONDITION, details, trailers)
}

export function maximumAppendSizeExceeded(maxAppendBytes: number): ProtocolError {
  return new ProtocolError(status.INVALID_ARGUMENT, `Maximum Append Size of ${maxAppendBytes} Exceeded.`, {
    exception: 'maximum-append-size-exceeded',
    'maximum-append-size': String(maxAppendBytes),
  })
}

export function requiredMetadataMissing(names: readonly string[]): ProtocolError {
  return new ProtocolError(status.INVALID_ARGUMENT, `Required Metadata Property missing: ${names.join(',')}`, {
    exception: 'missing-required-metadata-property',
    'required-metadata-properties': names.join(','),
  })
}

export function deadlineExceeded(): ProtocolError {
  return new ProtocolError(status.DEADLINE_EXCEEDED, 'the deadline passed before the event was written')
}

/** Beside what EventStoreDB would say: which events were there, and where a reader can go on, as far as that is known. */
export function damagedLog({ position, message }: DamagedLogError, { events, next }: Damage): ProtocolError {
  return new ProtocolError(status.DATA_LOSS, message, {
    'damaged-position': String(position),
    'damaged-events': JSON.stringify(events.map((event) => ({ ...event, stream: ascii(event.stream) }))),
    ...(next === undefined ? {} : { 'next-position': String(next) }),
  })
}

/** Turns what went wrong into a status: damage is data loss, a log that cannot be written is unavailable. */
export function toServiceError(error: unknown): ProtocolError {
  if (error instanceof ProtocolError) return error
  if (error instanceof AppendUnavailableError) return new ProtocolError(status.UNAVAILABLE, error.message)
  if (error instanceof DamagedLogError) return new ProtocolError(status.DATA_LOSS, error.message)
  if (error instanceof RangeError) return invalidArgument(error.message)
  return new ProtocolError(status.INTERNAL, error instanceof Error ? error.message : String(error))
}
