/** The thread that writes the index: its transactions and syncs then hold up neither appends nor readers. */
import { parentPort, workerData } from 'node:worker_threads'
import { type IndexWorkerAnswer, type PackedBatch, unpack } from './index-flusher.ts'
import { StreamIndex } from './stream-index.ts'

const { directory, cacheKiB } = workerData as { directory: string; cacheKiB: number }
const port = parentPort!
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
