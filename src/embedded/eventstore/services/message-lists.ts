/**
 * Lists of messages. grpc-js hands one message of a call to HTTP/2 and waits until that has gone out before it takes the
 * next, so that each costs a frame, a system call and a turn of the event loop. A call may write a list instead: its
 * messages are handed over together and leave in as few frames as hold them. Reading $all takes the node about a quarter of
 * the processor time for an event with it.
 */
import { ServerInterceptingCall, type ServerInterceptor } from '@grpc/grpc-js'

class ListSendingCall extends ServerInterceptingCall {
  override sendMessage(message: unknown, callback: () => void): void {
    const messages: unknown[] = Array.isArray(message) ? message : [message]
    const last = messages.length - 1
    for (const [index, each] of messages.entries()) super.sendMessage(each, index === last ? callback : ignore)
  }
}

const ignore = (): void => undefined

/** Lets the calls of a server send lists that are not empty. */
export const sendsLists: ServerInterceptor = (_method, call) => new ListSendingCall(call)
