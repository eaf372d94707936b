/** The thread that writes the index: its transactions and syncs then hold up neither appends nor readers. */
import { parentPort, workerData } from 'node:worker_threads'
import { lowerThisThread } from '../../../runtime/worker-priority.ts'
import { type IndexWorkerAnswer, type PackedBatch, unpack } from './index-flusher.ts'
import { StreamIndex } from './stream-index.ts'

const { directory, cacheKiB } = workerData as { directory: string; cacheKiB: number }
const port = parentPort!
try {
  // Appends wait for the index only where it is far behind.
  lowerThisThread()
} catch {
  // The system does not let it: the thread does its work all the same.
}
const index = new StreamIndex(directory, cacheKiB, () => undefined)

port.on('message', (packed: PackedBatch | 'close') => {
  if (packed === 'close') {
    index.close()
    port.close()
    return
  }
  let answer: IndexWorkerAnswer = { failure: undefined }
  try {
    const batch = unpack(packed)
    // The other thread may have written small batches meanwhile.
    index.eventCount = packed.eventsBefore
    index.add(batch.entries, batch.streams, batch.indexedTo)
  } catch (error) {
    answer = { failure: (error as Error).message }
  }
  port.postMessage(answer)
})
