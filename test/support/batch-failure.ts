/** An append's answer that says that it failed, as EventStoreDB words it on the wire: there is no class for its details. */
import type streamsPb from '@eventstore/db-client/generated/streams_pb.js'
import type { status } from '@grpc/grpc-js'

type Request = InstanceType<typeof streamsPb.BatchAppendReq>

/** The answer to `request`: `reason` is the protocol's own name, such as `WrongExpectedVersion` or `Timeout`. */
export const batchFailure = (request: Request, reason: string, code: status): Buffer =>
  Buffer.concat([field(1, request.getCorrelationId()?.serializeBinary() ?? []), field(2, failureOf(reason, code))])

/** A field with bytes; all are shorter than 128. */
const field = (number: number, content: Iterable<number>): Buffer => {
  const bytes = Buffer.from([...content])
  return Buffer.concat([Buffer.from([number * 8 + 2, bytes.length]), bytes])
}

/** google.rpc.Status: 1 code, 2 message, 3 details (1 the name of their type). */
const failureOf = (reason: string, code: number): Buffer =>
  Buffer.concat([
    Buffer.from([8, code]),
    field(2, Buffer.from(reason)),
    field(3, field(1, Buffer.from(`type.googleapis.com/event_store.client.${reason}`))),
  ])
