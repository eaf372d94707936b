/** The index behind the log, written by the store itself or by a thread that comes and goes. */
import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { DEFAULT_LIMITS } from '../../../../src/embedded/eventstore/options.ts'
import { IndexFlusher } from '../../../../src/embedded/eventstore/storage/index-flusher.ts'
import { idText, StreamIndex } from '../../../../src/embedded/eventstore/storage/stream-index.ts'
import { StreamTable } from '../../../../src/embedded/eventstore/storage/stream-table.ts'
import { temporaryDirectory } from '../support/node.ts'

test.each([1, 10_000])(
  'counts all events, large batches and small, where the thread ends after %i ms',
  async (idleMs) => {
    const directory = temporaryDirectory()
    const notices: string[] = []
    const onNotice = (notice: string) => void notices.push(notice)
    const index = new StreamIndex(directory.path, 1_024, onNotice)
    const table = new StreamTable(index, 1_000)
    const limits = { indexCacheKiB: 1_024, indexLagEvents: 32, indexThreadIdleMs: idleMs }
    const flusher = new IndexFlusher({
      index,
      table,
      directory: directory.path,
      ...DEFAULT_LIMITS,
      ...limits,
      onNotice,
    })
    let written = 0
    for (const batch of [40, 3, 50, 1, 33, 2, 40]) {
      for (let n = 0; n < batch; n++) {
        const place = { revision: 0, position: written, length: 1, id: idText(randomBytes(16)) }
        table.add(`s-${written++}`, place, false, true)
      }
      await flusher.flush(written)
      expect(table.unindexedCount()).toBe(0)
    }
    await flusher.close(written)
    index.close()
    const again = new StreamIndex(directory.path, 1_024, onNotice)
    expect(again).toMatchObject({ eventCount: written, indexedTo: written })
    expect(again.streamCount()).toBe(written)
    expect(notices).toEqual([])
    again.close()
    directory.remove()
  },
)
