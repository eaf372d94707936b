/**
 * The sending side of a streaming call with back pressure: `send` waits while the client does not read, so that a slow
 * subscriber holds two chunks of the log, and nobody else waits for it.
 */
import type { ServerDuplexStream, ServerWritableStream } from '@grpc/grpc-js'

export type Outlet = {
  /** Sends messages in their order; false once the call is over, whoever ended it. */
  send: (...messages: Buffer[]) => boolean | Promise<boolean>
  isOpen: () => boolean
  /** Calls back once when the call is over. */
  onClose: (listener: () => void) => void
}

type Call = ServerWritableStream<Buffer, Buffer[]> | ServerDuplexStream<Buffer, Buffer[]>

/** Lists of messages that may wait to go out: while one does, the next is made. */
const WAITING_MAX = 2

export function openOutlet(call: Call): Outlet {
  let open = !call.cancelled
  let waiting = 0
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
  const goneOut = () => {
    waiting--
    resume?.()
  }
  const hasRoom = async (): Promise<boolean> => {
    await new Promise<void>((resolve) => {
      resume = resolve
    })
    resume = undefined
    return open
  }
  return {
    send: (...messages) => {
      if (!open || messages.length === 0) return open
      waiting++
      call.write(messages, goneOut)
      return waiting < WAITING_MAX || hasRoom()
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
