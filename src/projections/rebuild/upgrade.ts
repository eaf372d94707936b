/** Rebuilds projections whose tables have another version than this release, beside the live tables. */
import { setTimeout as delay } from 'node:timers/promises'
import type { Log } from '../../log.ts'
import type { ReadModels } from '../../postgres/database.ts'
import type { Queue } from '../../runtime/keyed-queue.ts'
import type { Projection } from '../projection.ts'
import type { HistoryReader, ProjectorHealth } from '../projector.ts'
import { type BatchWriter, PoisonedProjection } from '../writer.ts'
import { rebuild } from './rebuild.ts'

export interface UpgradeOptions {
  db: ReadModels
  upgrades: readonly Projection[]
  /** Name of the checkpoint that they share. */
  checkpoint: string
  /** The live writer, which takes the projections over. */
  writer: BatchWriter
  readHistory: HistoryReader
  exclusively: Queue
  signal: AbortSignal
  health: ProjectorHealth
  log: Log
  retryMs: number
  transactionAttemptsMax: number
}

/** Resolves when they are rebuilt, when the signal aborts, or when poison in the history halts the rebuild. */
export async function upgradeProjections(options: UpgradeOptions): Promise<void> {
  const { db, upgrades, writer, readHistory, exclusively, signal, health, log, retryMs } = options
  if (upgrades.length === 0) return
  const names = upgrades.map(({ name }) => name)
  health.rebuilding = names
  log.info({ projections: names }, 'rebuilding projections; their old tables serve meanwhile')
  while (!signal.aborted) {
    try {
      await rebuild({
        db,
        projections: upgrades,
        checkpoint: options.checkpoint,
        readHistory,
        signal,
        transactionAttemptsMax: options.transactionAttemptsMax,
        exclusively,
        onSwapped: () => writer.include(upgrades),
      })
      health.rebuilding = []
      log.info({ projections: names }, 'rebuilt')
      return
    } catch (error) {
      if (signal.aborted) return
      if (error instanceof PoisonedProjection) {
        // The other projections go on; the old tables serve until an engineer mends the cause.
        log.error({ err: error, projections: names }, 'the rebuild has halted')
        return
      }
      log.warn({ err: error, retryMs }, 'the rebuild was interrupted and will resume')
      await delay(retryMs, undefined, { signal }).catch(() => undefined)
    }
  }
}
