/**
 * The service definitions, taken from the official client, so that both sides agree by construction. For the calls that
 * carry events the messages are left as bytes, which this node encodes and decodes itself.
 */

import streamsGrpc from '@eventstore/db-client/generated/streams_grpc_pb.js'
import type { MethodDefinition, ServiceDefinition, UntypedServiceImplementation } from '@grpc/grpc-js'

const identity = (buffer: Buffer): Buffer => buffer

/** The same method with messages as bytes in both directions. */
export function withRawMessages(method: MethodDefinition<never, never> | object): MethodDefinition<Buffer, Buffer> {
  return {
    ...(method as MethodDefinition<Buffer, Buffer>),
    requestDeserialize: identity,
    responseSerialize: identity,
  }
}

/** The same method with decoded requests and answers as bytes. */
export function withRawAnswers(method: object): MethodDefinition<object, Buffer> {
  return { ...(method as MethodDefinition<object, Buffer>), responseSerialize: identity }
}

const { StreamsService } = streamsGrpc

/** Streams: appends and reads as bytes, deletes through the generated classes. */
export const streamsDefinition: ServiceDefinition<UntypedServiceImplementation> = {
  read: withRawMessages(StreamsService.read),
  append: withRawMessages(StreamsService.append),
  batchAppend: withRawMessages(StreamsService.batchAppend),
  delete: StreamsService.delete as MethodDefinition<object, object>,
  tombstone: StreamsService.tombstone as MethodDefinition<object, object>,
}
