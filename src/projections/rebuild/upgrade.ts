/** What a new release finds at another version than its own is rebuilt beside the live tables, while the rest goes on. */

import { setTimeout as delay } from 'node:timers/promises'
import type { Log } from '../../log.ts'
import type { ReadModels } from '../../postgres/database.ts'
import type { Queue } from '../../runtime/keyed-queue.ts'
import type { Projection } from '../projection.ts'
import type { HistoryReader, ProjectorFigures } from '../projector.ts'
import { type BatchWriter, PoisonedProjection } from '../writer.ts'
import { rebuild } from './rebuild.ts'

export interface OutdatedOptions {
  db: ReadModels
  outdated: readonly Projection[]
  /** Name of the checkpoint that they share. */
  checkpoint: string
  /** The live writer, which takes the projections over. */
  writer: BatchWriter
  readHistory: HistoryReader
  exclusively: Queue
  signal: AbortSignal
  figures: ProjectorFigures
  log: Log
  retryMs: number
  transactionAttemptsMax: number
}

/** Resolves when they are rebuilt, when the signal aborts, or when history does not fit one of money. */
export async function upgradeProjections(options: OutdatedOptions): Promise<void> {
  const { db, outdated, writer, readHistory, exclusively, signal, figures, log, retryMs } = options
  if (outdated.length === 0) return
  const names = outdated.map(({ name }) => name)
  figures.rebuilding = names
  log.info({ projections: names }, 'rebuilding projections; their old tables serve meanwhile')
  while (!signal.aborted) {
    try {
      await rebuild({
        db,
        projections: outdated,
        checkpoint: options.checkpoint,
        readHistory,
        signal,
        transactionAttemptsMax: options.transactionAttemptsMax,
        exclusively,
        onSwapped: () => writer.include(outdated),
      })
      figures.rebuilding = []
      log.info({ projections: names }, 'rebuilt')
      return
    } catch (error) {
      if (signal.aborted) return
      if (error instanceof PoisonedProjection) {
        // The others go on; this one's old tables serve until somebody mends it.
        log.error({ err: error, projections: names }, 'the rebuild has halted')
        return
      }
      log.warn({ err: error, retryMs }, 'the rebuild was interrupted and will resume')
      await delay(retryMs, undefined, { signal }).catch(() => undefined)
    }
  }
}
