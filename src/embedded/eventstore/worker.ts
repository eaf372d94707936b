/** The body of the worker thread: runs the node and closes it on demand. */
import { parentPort, workerData } from 'node:worker_threads'
import { runNode } from './node.ts'
import type { EventStoreOptions } from './options.ts'

const port = parentPort!

try {
  const options = workerData as EventStoreOptions
  const node = await runNode({ ...options, onNotice: (notice) => port.postMessage({ notice }) })
  port.once('message', () => void node.close())
  void node.closed.then(() => port.close())
  port.postMessage({ ready: { url: node.url, port: node.port } })
} catch (error) {
  port.postMessage({ failed: error instanceof Error ? error.message : String(error) })
  port.close()
}
