/**
 * The sending side of a streaming call with back pressure: `send` waits while the client does not read, so that a slow
 * subscriber holds one chunk of the log and a few messages, and nobody else waits for it.
 */
import type { ServerDuplexStream, ServerWritableStream } from '@grpc/grpc-js'

export type Outlet = {
  /** Sends one message; false once the call is over, whoever ended it. */
  send: (message: Buffer) => boolean | Promise<boolean>
  isOpen: () => boolean
  /** Calls back once when the call is over. */
  onClose: (listener: () => void) => void
}

export function openOutlet(call: ServerWritableStream<Buffer, Buffer> | ServerDuplexStream<Buffer, Buffer>): Outlet {
  let open = !call.cancelled
  const listeners: Array<() => void> = []
  let resume: (() => void) | undefined
  const finish = () => {
    if (!open) return
    open = false
    resume?.()
    for (const listener of listeners) listener()
  }
  call.on('cancelled', finish)
  call.on('close', finish)
  call.on('error', finish)
  call.on('finish', finish)
  call.on('drain', () => resume?.())
  const drained = async (): Promise<boolean> => {
    await new Promise<void>((resolve) => {
      resume = resolve
    })
    resume = undefined
    return open
  }
  return {
    send: (message) => {
      if (!open) return false
      return call.write(message) ? true : drained()
    },
    isOpen: () => open,
    onClose: (listener) => {
      if (open) listeners.push(listener)
      else listener()
    },
  }
}

/** Remembers that something happened until somebody waits for it. */
export function createSignal(): { raise: () => void; wait: () => Promise<void> } {
  let raised = false
  let wake: (() => void) | undefined
  return {
    raise: () => {
      raised = true
      wake?.()
    },
    wait: async () => {
      if (!raised) {
        await new Promise<void>((resolve) => {
          wake = resolve
        })
        wake = undefined
      }
      raised = false
    },
  }
}
