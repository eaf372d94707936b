/**
 * Rebuilds projections without downtime: the tables are filled anew in a schema of their own, from the log's first event
 * to the live checkpoint, while the old ones serve; then they change places in one transaction. What a killed rebuild
 * leaves behind is taken up by the next one, or dropped where it is not what the code wants any more. The process that
 * rebuilds need not be the one that writes.
 */

import type { ReadModels } from '../../postgres/database.ts'
import { crashPoint } from '../../runtime/crash-points.ts'
import type { Queue } from '../../runtime/keyed-queue.ts'
import { readCheckpoint } from '../checkpoint.ts'
import type { Projection } from '../projection.ts'
import type { HistoryReader } from '../projector.ts'
import { type Comparison, compareWithLive } from './compare.ts'
import { openShadow, type ShadowProgress } from './shadow.ts'
import { swap } from './swap.ts'

export interface RebuildOptions {
  /** With a pool of at least two connections, of three with `onCompared`. */
  db: ReadModels
  projections: readonly Projection[]
  /** Name of the checkpoint that they share. */
  checkpoint: string
  readHistory: HistoryReader
  signal: AbortSignal
  transactionAttemptsMax: number
  /** Where the tables are filled. */
  schema?: string
  /** So many events behind, or fewer, the live writer may be held up until the rest is in. */
  swapGapMax?: number
  /** How long the swap waits for readers of the old tables before it lets everybody pass and tries again. */
  lockTimeoutMs?: number
  /** Keeps the old tables, so that they can be put back. */
  keepPrevious?: boolean
  /** Rows told of by `onCompared`; their count is of all. */
  differencesMax?: number
  /** Keeps this process's live writer from starting a batch meanwhile; other processes wait at the checkpoint. */
  exclusively: Queue
  /** Called right after the swap, before the live writer goes on. */
  onSwapped: () => void
  onProgress?: (progress: ShadowProgress) => void
  /** Has the new tables compared with the live ones before the swap; a throw leaves the live ones where they are. */
  onCompared?: (comparison: Comparison) => void
}

const defaults = {
  schema: 'opslog_rebuild',
  swapGapMax: 500,
  lockTimeoutMs: 2_000,
  keepPrevious: false,
  differencesMax: 1_000,
}

/**
 * Resolves when the new tables serve. Throws PoisonedProjection where history does not fit a projection of money, what
 * Postgres or the reader throws, or the signal's reason; the old tables then still serve.
 */
export async function rebuild(options: RebuildOptions): Promise<void> {
  const settings = { ...defaults, ...options }
  const shadow = await openShadow(settings)
  const approach = async () => {
    for (;;) {
      const live = await readCheckpoint(settings.db, settings.checkpoint)
      const applied = await shadow.catchUp(live?.position)
      settings.signal.throwIfAborted()
      if (applied <= settings.swapGapMax) return
    }
  }
  await approach()
  await shadow.finish()
  await approach()
  if (settings.onCompared) {
    settings.onCompared(await compareWithLive(settings, shadow))
    await approach()
  }
  crashPoint('rebuild.before-swap')
  await settings.exclusively(async () => {
    await swap(settings, shadow)
    settings.onSwapped()
  })
}
