/** The shapes that all simple calls share: answer with what the work gives, or with its error as a status. */
import type { Metadata, ServerUnaryCall, ServerWritableStream, sendUnaryData } from '@grpc/grpc-js'
import { toServiceError } from '../protocol/errors.ts'

export function unary<Request, Response>(
  work: (request: Request, deadline: Date | number, metadata: Metadata) => Promise<Response> | Response,
) {
  return async (call: ServerUnaryCall<Request, Response>, callback: sendUnaryData<Response>): Promise<void> => {
    try {
      callback(null, await work(call.request, call.getDeadline(), call.metadata))
    } catch (error) {
      callback(toServiceError(error))
    }
  }
}

/** The same where the protocol answers with a stream of messages: here with one, or with the error. */
export function streamed<Request, Response>(work: (request: Request) => Promise<Response> | Response) {
  return async (call: ServerWritableStream<Request, Response>): Promise<void> => {
    try {
      call.write(await work(call.request))
      call.end()
    } catch (error) {
      call.emit('error', toServiceError(error))
    }
  }
}
