/**
 * A heartbeat in the log: it moves the checkpoints of an otherwise idle store, proves subscriptions alive, and lets lag
 * be measured against the true head. Its stream keeps one event and stands outside the hash chain, since older beats
 * are dropped by the store itself. Where nothing else is written, one a minute will do: each takes room on disk.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { HEARTBEAT } from '../events/registry.ts'
import type { EventStore } from '../events/store.ts'

export interface HeartbeatOptions {
  store: Pick<EventStore, 'beat' | 'head'>
  /** Between two beats while events are written, and between two looks. */
  intervalMs: number
  /** Between two beats of a log in which nothing else happens, whichever process writes them. */
  idleIntervalMs: number
  signal: AbortSignal
  onError: (error: unknown) => void
  /** Milliseconds that only go forward. */
  nowMs?: () => number
}

/** Beats until `signal` aborts, then resolves. A failed beat goes to `onError`, and the next one is tried. */
export async function runHeartbeat(options: HeartbeatOptions): Promise<void> {
  const { store, intervalMs, idleIntervalMs, signal, onError, nowMs = () => performance.now() } = options
  let last: { position: bigint; seenAtMs: number } | undefined

  async function beatWhereDue(): Promise<void> {
    const head = await store.head()
    if (head?.type === HEARTBEAT && head.position !== last?.position) {
      // Another process's is as good, but how old it was at the first look nobody knows.
      if (last) last = { position: head.position, seenAtMs: nowMs() }
    }
    const isIdle = head?.type === HEARTBEAT && head.position === last?.position
    if (isIdle && nowMs() - (last?.seenAtMs ?? 0) < idleIntervalMs) return
    await store.beat(new Date().toISOString())
    const beaten = await store.head()
    if (beaten) last = { position: beaten.position, seenAtMs: nowMs() }
  }

  while (!signal.aborted) {
    await beatWhereDue().catch(onError)
    await delay(intervalMs, undefined, { signal }).catch(() => undefined)
  }
}
