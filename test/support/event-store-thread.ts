/** The thread of event-store-node.ts: runs nodes in directories, as many as it is told to, and closes each on demand. */
import { parentPort } from 'node:worker_threads'
import { type RunningNode, runNode } from '../../src/embedded/eventstore/node.ts'
import type { EventStoreOptions } from '../../src/embedded/eventstore/options.ts'

export type ToThread = { of: number; start: EventStoreOptions } | { of: number; close: true }
export type FromThread = { of: number } & (
  | { ready: { url: string; port: number } }
  | { failed: string }
  | { notice: string }
  | { closed: true }
)

const port = parentPort!
const tell = (message: FromThread) => port.postMessage(message)
const nodes = new Map<number, RunningNode>()

async function start(of: number, options: EventStoreOptions): Promise<void> {
  const node = await runNode({ ...options, onNotice: (notice) => tell({ of, notice }) })
  nodes.set(of, node)
  void node.closed.then(() => {
    nodes.delete(of)
    tell({ of, closed: true })
  })
  tell({ of, ready: { url: node.url, port: node.port } })
}

port.on('message', (message: ToThread) => {
  const { of } = message
  if ('close' in message) void nodes.get(of)?.close()
  else start(of, message.start).catch((error: Error) => tell({ of, failed: error.message }))
})
