/** Attempts of one kind and caller within a window, counted by all processes together in the kernel's table of counts. */
import { hash } from 'node:crypto'
import type { ReadModels } from '../../postgres/database.ts'
import { addRateCounts } from '../rate-counts.ts'

export interface Counted {
  /** This one included. */
  count: number
  /** Until the window is over. */
  resetMs: number
}

/** Counts one more. `caller` is kept as its digest: an address is nobody's business. */
export async function countAttempt(
  db: ReadModels,
  { kind, caller, windowMs, now }: { kind: string; caller: string; windowMs: number; now: Date },
): Promise<Counted> {
  const at = now.getTime()
  const resetMs = windowMs - (at % windowMs)
  const key = hash('sha256', JSON.stringify(['rungate', kind, caller]), 'base64url')
  // By its end, so that the row is dropped when its window is over and not before.
  const counts = await addRateCounts(db, new Date(at + resetMs), new Map([[key, 1]]))
  return { count: counts.get(key) ?? 1, resetMs }
}
