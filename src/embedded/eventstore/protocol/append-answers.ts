/** The answers to appends, encoded by hand. */
import type { ExpectedRevision } from '../storage/append-rules.ts'
import type { WriteOutcome } from '../storage/group.ts'
import type { AppendOptions } from './append-messages.ts'
import { empty, int64, lengthDelimited, unsigned } from './wire.ts'

const NO_BYTES = Buffer.alloc(0)

function positionMessage(position: number): Buffer {
  return Buffer.concat([unsigned(1, position), unsigned(2, position)])
}

/** Success is laid out alike in both calls: revision or no stream, position or no position. */
function successMessage(outcome: { revision: number; position: number | undefined }): Buffer {
  return Buffer.concat([
    outcome.revision >= 0 ? unsigned(1, outcome.revision) : empty(2),
    outcome.position === undefined ? empty(4) : lengthDelimited(3, positionMessage(outcome.position)),
  ])
}

/** The answer to Append. Only success and a wrong expected version are messages; the rest are gRPC errors. */
export function encodeAppendAnswer(
  outcome: Extract<WriteOutcome, { kind: 'written' | 'wrong-expected-version' }>,
  expected: ExpectedRevision,
): Buffer {
  if (outcome.kind === 'written') return lengthDelimited(1, successMessage(outcome))
  const { current } = outcome
  const isThere = current >= 0
  return lengthDelimited(
    2,
    // Clients before 20.6.1 read the first five fields.
    isThere ? unsigned(1, current) : empty(2),
    oldExpectedField(expected),
    isThere ? unsigned(6, current) : empty(7),
    expectedFields(expected, 8),
  )
}

function oldExpectedField(expected: ExpectedRevision): Buffer {
  if (expected === 'any') return empty(4)
  if (expected === 'stream_exists') return empty(5)
  return int64(3, expected === 'no_stream' ? 18_446_744_073_709_551_615n : expected)
}

/** The oneof of the expected revision: four consecutive fields in this order, beginning at `first`. */
function expectedFields(expected: ExpectedRevision, first: number): Buffer {
  if (expected === 'any') return empty(first + 1)
  if (expected === 'stream_exists') return empty(first + 2)
  if (expected === 'no_stream') return empty(first + 3)
  return int64(first, expected)
}

const NOT_FOUND = 5
const DEADLINE_EXCEEDED = 4
const ALREADY_EXISTS = 6
const INVALID_ARGUMENT = 3
const UNAVAILABLE = 14

/** Why one append of a batch call failed: a google.rpc.Status with a detail message of the protocol. */
export type BatchFailure =
  | { kind: 'wrong-expected-version'; current: number }
  | { kind: 'deleted' }
  | { kind: 'deadline-exceeded' }
  | { kind: 'too-large'; maxAppendBytes: number }
  | { kind: 'bad-request'; message: string }
  | { kind: 'unavailable'; message: string }

function statusMessage(code: number, message: string, type: string, detail: Buffer): Buffer {
  const any = Buffer.concat([
    lengthDelimited(1, Buffer.from(`type.googleapis.com/event_store.client.${type}`)),
    lengthDelimited(2, detail),
  ])
  return Buffer.concat([unsigned(1, code), lengthDelimited(2, Buffer.from(message)), lengthDelimited(3, any)])
}

function failureMessage(failure: BatchFailure, options: AppendOptions | undefined): Buffer {
  switch (failure.kind) {
    case 'wrong-expected-version': {
      const current = failure.current >= 0 ? unsigned(1, failure.current) : empty(2)
      const detail = Buffer.concat([current, expectedFields(options?.expected ?? 'any', 3)])
      return statusMessage(ALREADY_EXISTS, 'WrongExpectedVersion', 'WrongExpectedVersion', detail)
    }
    case 'deleted': {
      const identifier = lengthDelimited(1, lengthDelimited(3, Buffer.from(options?.stream ?? '')))
      return statusMessage(NOT_FOUND, 'StreamDeleted', 'StreamDeleted', identifier)
    }
    case 'deadline-exceeded':
      return statusMessage(DEADLINE_EXCEEDED, 'Timeout', 'Timeout', NO_BYTES)
    case 'too-large':
      return statusMessage(
        INVALID_ARGUMENT,
        'MaximumAppendSizeExceeded',
        'MaximumAppendSizeExceeded',
        unsigned(1, failure.maxAppendBytes),
      )
    case 'bad-request':
      return statusMessage(
        INVALID_ARGUMENT,
        'BadRequest',
        'BadRequest',
        lengthDelimited(1, Buffer.from(failure.message)),
      )
    case 'unavailable':
      // The protocol has no detail of its own for this. Of one that they do not know clients show the message; of a
      // timeout they would show that alone.
      return Buffer.concat([
        unsigned(1, UNAVAILABLE),
        lengthDelimited(2, Buffer.from(failure.message)),
        lengthDelimited(3, lengthDelimited(1, Buffer.from('type.googleapis.com/google.rpc.RetryInfo'))),
      ])
  }
}

/** One answer on a batch append call. It names the stream, without which the official client cannot read it. */
export function encodeBatchAnswer(
  correlationId: Buffer | undefined,
  options: AppendOptions | undefined,
  outcome: Extract<WriteOutcome, { kind: 'written' }> | BatchFailure,
): Buffer {
  const parts = correlationId ? [lengthDelimited(1, correlationId)] : []
  if (outcome.kind === 'written') parts.push(lengthDelimited(3, successMessage(outcome)))
  else parts.push(lengthDelimited(2, failureMessage(outcome, options)))
  if (options?.stream !== undefined) parts.push(lengthDelimited(4, lengthDelimited(3, Buffer.from(options.stream))))
  return Buffer.concat(parts)
}
