/** The shape that all simple calls share: answer with what the work gives, or with its error as a status. */
import type { ServerUnaryCall, sendUnaryData } from '@grpc/grpc-js'
import { toServiceError } from '../protocol/errors.ts'

export function unary<Request, Response>(
  work: (request: Request, deadline: Date | number) => Promise<Response> | Response,
) {
  return async (call: ServerUnaryCall<Request, Response>, callback: sendUnaryData<Response>): Promise<void> => {
    try {
      callback(null, await work(call.request, call.getDeadline()))
    } catch (error) {
      callback(toServiceError(error))
    }
  }
}
