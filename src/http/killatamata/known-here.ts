/** New keys and sessions, and the wait until this process acts by what became of them. */
import { setTimeout as delay } from 'node:timers/promises'

const POLL_MS = 2

/** Resolves when it is so in this process, or when that takes too long. */
export async function isKnownHere(waitMaxMs: number, isSo: () => boolean): Promise<void> {
  const deadlineMs = performance.now() + waitMaxMs
  while (!isSo() && performance.now() < deadlineMs) await delay(POLL_MS)
}

/** The answer with a secret, which nobody may keep. */
export const noStore = { 'cache-control': 'no-store' }
