/**
 * A heartbeat in the log: it moves the checkpoints of an otherwise idle store, proves subscriptions alive, and lets lag
 * be measured against the true head. Its stream keeps one event and stands outside the hash chain, since older beats
 * are dropped by the store itself.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { EventStore } from '../events/store.ts'

export interface HeartbeatOptions {
  store: Pick<EventStore, 'beat'>
  intervalMs: number
  signal: AbortSignal
  onError: (error: unknown) => void
}

/** Beats until `signal` aborts, then resolves. A failed beat goes to `onError`, and the next one is tried. */
export async function runHeartbeat({ store, intervalMs, signal, onError }: HeartbeatOptions): Promise<void> {
  while (!signal.aborted) {
    await store.beat(new Date().toISOString()).catch(onError)
    await delay(intervalMs, undefined, { signal }).catch(() => undefined)
  }
}
