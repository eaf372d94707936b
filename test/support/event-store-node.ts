/**
 * Event store nodes for tests, all of a test process in one thread beside it. The product gives each node a thread of its
 * own, which loads its sources anew: half a second of computing, where a further node in a thread takes ten milliseconds.
 */
import { Worker } from 'node:worker_threads'
import type { EventStoreOptions } from '../../src/embedded/eventstore/options.ts'
import type { EventStoreNode } from '../../src/embedded/eventstore/start.ts'
import type { FromThread, ToThread } from './event-store-thread.ts'

interface Thread {
  tell(message: ToThread): void
  /** Hears what is said of one node, and of the thread's end, until it is closed. */
  of(node: number, listener: (message: FromThread) => void): void
}

let thread: Thread | undefined
let nodes = 0

function startThread(): Thread {
  const worker = new Worker(new URL('./event-store-thread.ts', import.meta.url))
  const listeners = new Map<number, (message: FromThread) => void>()
  const started: Thread = {
    tell: (message) => worker.postMessage(message),
    of(node, listener) {
      listeners.set(node, listener)
      worker.ref()
    },
  }
  const hear = (message: FromThread) => {
    listeners.get(message.of)?.(message)
    if ('closed' in message || 'failed' in message) listeners.delete(message.of)
    // Between two files it is nothing to wait for.
    if (listeners.size === 0) worker.unref()
  }
  worker.on('message', hear)
  worker.on('error', (error) => process.stderr.write(`the thread of the event store nodes failed: ${error.stack}\n`))
  worker.once('exit', (code) => {
    if (thread === started) thread = undefined
    for (const of of [...listeners.keys()]) {
      hear({ of, failed: `the thread of the event store nodes ended with code ${code}` })
    }
  })
  return started
}

/** As `startEventStoreThread`: serves the directory beside the caller's thread. Rejects where the node does not start. */
export async function startEventStoreNode({ onNotice, ...options }: EventStoreOptions): Promise<EventStoreNode> {
  thread ??= startThread()
  const { tell, of } = thread
  const node = nodes++
  const report = onNotice ?? ((notice: string) => process.stderr.write(`event store: ${notice}\n`))
  const ready = Promise.withResolvers<{ url: string; port: number }>()
  const closed = Promise.withResolvers<void>()
  of(node, (message) => {
    if ('notice' in message) report(message.notice)
    if ('ready' in message) ready.resolve(message.ready)
    if ('failed' in message) ready.reject(new Error(message.failed))
    if ('failed' in message || 'closed' in message) closed.resolve()
  })
  tell({ of: node, start: options })
  const address = await ready.promise
  const close = (): Promise<void> => {
    tell({ of: node, close: true })
    return closed.promise
  }
  return { ...address, close, closed: closed.promise }
}
