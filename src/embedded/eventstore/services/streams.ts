/** The Streams service: dispatches reads to pages or subscriptions, and deletes to the store. */

import type { DeleteReq, TombstoneReq } from '@eventstore/db-client/generated/streams_pb.js'
import streamsPb from '@eventstore/db-client/generated/streams_pb.js'
import type { ServerWritableStream, UntypedServiceImplementation } from '@grpc/grpc-js'
import { revisionOrNone } from '../protocol/append-messages.ts'
import {
  damagedLog,
  deadlineExceeded,
  invalidArgument,
  streamDeleted,
  toServiceError,
  wrongExpectedVersion,
} from '../protocol/errors.ts'
import { decodeReadRequest } from '../protocol/read-requests.ts'
import type { ExpectedRevision } from '../storage/append-rules.ts'
import { DamagedLogError } from '../storage/segments.ts'
import type { EventStore } from '../storage/store.ts'
import { appendHandler, batchAppendHandler } from './appending.ts'
import { openOutlet } from './outlet.ts'
import { readAllPage, readStreamPage } from './reading.ts'
import { subscribeToAll, subscribeToStream } from './subscribing.ts'
import { unary } from './unary.ts'

function readHandler(store: EventStore) {
  return async (call: ServerWritableStream<Buffer, Buffer[]>): Promise<void> => {
    const outlet = openOutlet(call)
    try {
      const request = decodeReadRequest(call.request)
      const ofStream = request.stream !== undefined
      if (request.count === undefined) await (ofStream ? subscribeToStream : subscribeToAll)(store, request, outlet)
      else await (ofStream ? readStreamPage : readAllPage)(store, request, outlet)
      if (outlet.isOpen()) call.end()
    } catch (error) {
      if (!outlet.isOpen()) return
      const isDamage = error instanceof DamagedLogError
      call.emit('error', isDamage ? damagedLog(error, store.damageAt(error.position)) : toServiceError(error))
    }
  }
}

type DeleteOptions = DeleteReq.Options | TombstoneReq.Options

function expectedOf(options: DeleteOptions): ExpectedRevision {
  if (options.hasRevision()) return revisionOrNone(BigInt(options.getRevision()))
  if (options.hasNoStream()) return 'no_stream'
  if (options.hasStreamExists()) return 'stream_exists'
  if (options.hasAny()) return 'any'
  throw invalidArgument('the expected revision is missing')
}

/** The protocol's numbers for the expectations that are not revisions. */
const EXPECTED_NUMBERS = { any: -2n, no_stream: -1n, stream_exists: -4n }

async function deleteStream(
  store: EventStore,
  options: DeleteOptions | undefined,
  operation: 'delete' | 'tombstone',
  deadline: Date | number,
): Promise<number> {
  const identifier = options?.getStreamIdentifier()
  if (!options || !identifier) throw invalidArgument('the name of the stream is missing')
  const stream = Buffer.from(identifier.getStreamName_asU8()).toString('utf8')
  if (stream === '') throw invalidArgument(`'${stream}' cannot be deleted`)
  const expected = expectedOf(options)
  const deadlineMs = deadline instanceof Date ? deadline.getTime() : Number.isFinite(deadline) ? deadline : undefined
  const outcome = await store.write({ stream, expected, operation, events: [], deadlineMs })
  switch (outcome.kind) {
    case 'deleted':
      throw streamDeleted(stream)
    case 'deadline-exceeded':
      throw deadlineExceeded()
    case 'wrong-expected-version': {
      const number = typeof expected === 'string' ? EXPECTED_NUMBERS[expected] : expected
      throw wrongExpectedVersion(stream, number, outcome.current)
    }
    case 'written':
      return outcome.position!
  }
}

function deleteHandler(store: EventStore) {
  return unary(async (request: DeleteReq, deadline) => {
    const written = await deleteStream(store, request.getOptions(), 'delete', deadline)
    const position = new streamsPb.DeleteResp.Position()
    position.setCommitPosition(String(written))
    position.setPreparePosition(String(written))
    const answer = new streamsPb.DeleteResp()
    answer.setPosition(position)
    return answer
  })
}

function tombstoneHandler(store: EventStore) {
  return unary(async (request: TombstoneReq, deadline) => {
    const written = await deleteStream(store, request.getOptions(), 'tombstone', deadline)
    const position = new streamsPb.TombstoneResp.Position()
    position.setCommitPosition(String(written))
    position.setPreparePosition(String(written))
    const answer = new streamsPb.TombstoneResp()
    answer.setPosition(position)
    return answer
  })
}

export function streamsService(store: EventStore): UntypedServiceImplementation {
  return {
    read: readHandler(store),
    append: appendHandler(store),
    batchAppend: batchAppendHandler(store),
    delete: deleteHandler(store),
    tombstone: tombstoneHandler(store),
  } as UntypedServiceImplementation
}
