/**
 * The calls that are open, so that a node that closes can end each of them with a code on which clients try again,
 * instead of cutting the connections under them.
 */
import type { sendUnaryData, UntypedServiceImplementation } from '@grpc/grpc-js'
import { unavailable } from '../protocol/errors.ts'

type Call = { on: (event: string, listener: () => void) => unknown; emit: (event: string, error: Error) => unknown }
type Handler = (call: Call, callback?: sendUnaryData<unknown>) => unknown

export class OpenCalls {
  private readonly ends = new Set<() => void>()
  private closing = false

  /** The same service, whose calls are known from their beginning to their end. */
  tracked(service: UntypedServiceImplementation): UntypedServiceImplementation {
    const tracked = Object.entries(service).map(([name, handler]) => [name, this.track(handler as Handler)])
    return Object.fromEntries(tracked) as UntypedServiceImplementation
  }

  private track(handler: Handler): Handler {
    return (call, callback) => {
      if (callback) return this.trackAnswer(handler, call, callback)
      const end = () => {
        this.ends.delete(end)
        call.emit('error', unavailable('the node is closing'))
      }
      this.begin(end)
      for (const event of ['cancelled', 'close', 'error', 'finish']) call.on(event, () => this.ends.delete(end))
      return handler(call)
    }
  }

  private trackAnswer(handler: Handler, call: Call, callback: sendUnaryData<unknown>): unknown {
    const answer: sendUnaryData<unknown> = (...result) => {
      if (this.ends.delete(end)) callback(...result)
    }
    const end = () => answer(unavailable('the node is closing'))
    this.begin(end)
    call.on('cancelled', () => this.ends.delete(end))
    return handler(call, answer)
  }

  private begin(end: () => void): void {
    this.ends.add(end)
    if (this.closing) setImmediate(end)
  }

  /** Ends every call that is open, and each that comes still, as UNAVAILABLE. */
  endAll(): void {
    this.closing = true
    for (const end of [...this.ends]) end()
  }
}
