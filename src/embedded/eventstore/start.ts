/** Ways to start the node: in the calling thread, or in a thread of its own, which leaves the caller's loop alone. */
import { Worker } from 'node:worker_threads'
import { type RunningNode, runNode } from './node.ts'
import type { EventStoreOptions } from './options.ts'

export type EventStoreNode = RunningNode

/** The node's thread could not serve the directory; the message says why. */
export class EventStoreNotStarted extends Error {
  override name = 'EventStoreNotStarted'
}

/**
 * Serves the directory from the calling thread.
 * @returns the connection string, the port, and `close`, which finishes what was accepted and frees the directory.
 * @throws {Error} when the directory is in use by another process, the port is taken, or the log is damaged.
 */
export function startEventStore(options: EventStoreOptions): Promise<EventStoreNode> {
  return runNode(options)
}

/**
 * The same in a worker thread: an append's fsync and a long read then never hold up the caller.
 * @throws {EventStoreNotStarted} for the same reasons.
 */
export async function startEventStoreThread(options: EventStoreOptions): Promise<EventStoreNode> {
  const { onNotice, ...transferable } = options
  const worker = new Worker(new URL('./worker.ts', import.meta.url), { workerData: transferable, stdout: false })
  type Message = { ready?: { url: string; port: number }; failed?: string; notice?: string }
  const report = onNotice ?? ((notice: string) => process.stderr.write(`event store: ${notice}\n`))
  const closed = new Promise<void>((resolve) => worker.once('exit', () => resolve()))
  const ready = await new Promise<{ url: string; port: number }>((resolve, reject) => {
    worker.on('message', (message: Message) => {
      if (message.notice !== undefined) report(message.notice)
      if (message.failed !== undefined) reject(new EventStoreNotStarted(message.failed))
      if (message.ready) resolve(message.ready)
    })
    worker.on('error', (error) => {
      report(`its thread failed: ${error.stack ?? error}`)
      reject(error)
    })
    worker.on('exit', (code) => reject(new Error(`the event store's thread ended with code ${code}`)))
  })
  const close = async (): Promise<void> => {
    worker.postMessage('close')
    await closed
  }
  return { ...ready, close, closed }
}
