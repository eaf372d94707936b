/**
 * Rebuilds projections without downtime. It fills the tables anew in a schema of their own, from the log's first event to the
 * live checkpoint, while the old ones serve. Then one transaction swaps them. The next rebuild takes up what a killed one
 * left, or drops it where the code's versions differ. Any process may rebuild, not only the one that writes.
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
  /** At this many events behind the live tables, or fewer, the rest goes in while the live writer waits. */
  swapGapMax?: number
  /** How long the swap waits for readers of the old tables before it lets others pass and tries again. */
  lockTimeoutMs?: number
  /** Keeps the old tables, so that they can be put back. */
  keepPrevious?: boolean
  /** Differing rows that `onCompared` gets, at most; its counts are of all rows. */
  differencesMax?: number
  /** Runs the swap while this process's live writer starts no batch; other processes wait at the checkpoint. */
  exclusively: Queue
  /** Called right after the swap, before the live writer goes on. */
  onSwapped: () => void
  onProgress?: (progress: ShadowProgress) => void
  /** Compares the new tables with the live ones before the swap; a throw keeps the live ones. */
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
 * Resolves when the new tables serve. Throws PoisonedProjection where poison halts it, what Postgres or the reader throws, or
 * the signal's reason; the old tables then still serve.
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
