/**
 * How far a process has come. It is written at once after a pause, and at intervals under load: each write is a commit of
 * Postgres. A crash only has the last batches handled again, since processes are idempotent. The compare-and-set still
 * detects a second leader, though later.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { ReadModels } from '../postgres/database.ts'
import { type Checkpoint, commit, readCheckpoint } from '../projections/checkpoint.ts'

export interface ProcessCheckpoint {
  /** Where to go on: what was reached, or else what is on record. Undefined before the first event. */
  place(): Promise<Checkpoint | undefined>
  /** Everything up to here is handled. */
  reached(checkpoint: Checkpoint): void
  /** Writes it down from time to time until the signal aborts. Rejects with what Postgres throws, and CheckpointMoved. */
  keep(signal: AbortSignal): Promise<void>
  /** Writes down what is not on record yet. To be called when `keep` has ended. Rejects as `keep` does. */
  save(): Promise<void>
}

/** `name` is the checkpoint's; `intervalMs` the least time between two writes. */
export function openProcessCheckpoint(
  db: ReadModels,
  { name, intervalMs }: { name: string; intervalMs: number },
): ProcessCheckpoint {
  let recorded: Checkpoint | undefined
  let reached: Checkpoint | undefined
  let wake = (): void => undefined

  async function save(): Promise<void> {
    const to = reached
    if (to === undefined || to === recorded) return
    await commit({ db, name, from: recorded, to })
    recorded = to
  }

  return {
    async place() {
      if (reached === undefined) reached = recorded = await readCheckpoint(db, name)
      return reached
    },
    reached(checkpoint) {
      reached = checkpoint
      wake()
    },
    async keep(signal) {
      signal.addEventListener('abort', () => wake(), { once: true })
      while (!signal.aborted) {
        const moved = Promise.withResolvers<void>()
        wake = moved.resolve
        if (reached === recorded) await moved.promise
        await save()
        await delay(intervalMs, undefined, { signal }).catch(() => undefined)
      }
    },
    save,
  }
}
