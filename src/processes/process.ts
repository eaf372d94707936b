/**
 * A process: reads the log from its own checkpoint and does what follows from each event, outside or as the next
 * command. One instance of each works at a time, elected by a lock and fenced by the checkpoint's compare-and-set. After
 * a crash the last batches are handled again, so a handler must be idempotent: commands under deterministic ids.
 * Rebuilding a read model never touches a process, which has this subscription of its own.
 */

import { setTimeout as delay } from 'node:timers/promises'
import { haltAtMismatch, LogMismatch } from '../events/log-identity.ts'
import { HEARTBEAT } from '../events/registry.ts'
import type { EventStore } from '../events/store.ts'
import { type Delivered, SubscriptionHalted } from '../events/subscription.ts'
import type { Log } from '../log.ts'
import type { ReadModels } from '../postgres/database.ts'
import { acquireLeadership } from '../postgres/leadership.ts'
import type { Checkpoint } from '../projections/checkpoint.ts'
import { crashPoint } from '../runtime/crash-points.ts'
import { openProcessCheckpoint, type ProcessCheckpoint } from './checkpoint.ts'
import type { Pace } from './due-work.ts'

/** Runs a supervised subscription; events/subscription.ts, with the instance's settings. */
export type Subscribe = (reader: {
  types: readonly string[]
  from: () => Promise<bigint | undefined>
  onBatch: (events: Delivered[]) => Promise<void>
  signal: AbortSignal
}) => Promise<void>

/** For metrics and readiness. */
export interface ProcessHealth {
  state: 'standby' | 'leading' | 'halted' | 'stopped'
  fault: string | undefined
  /** It leads, and has not looked yet whether a fault that was met before is gone. */
  isUnproven?: boolean
  /** Events handled since the start. */
  handled: number
}

export const newProcessHealth = (): ProcessHealth => ({ state: 'standby', fault: undefined, handled: 0 })

export interface ProcessDependencies {
  db: ReadModels
  databaseUrl: string
  store: EventStore
  subscribe: Subscribe
  log: Log
  signal: AbortSignal
  /** The installation's clock; default: this process's own. */
  now?: (() => Date) | undefined
  health: ProcessHealth
  /** Before another try after a failure. */
  retryMs: number
  /** Least time between two writes of the checkpoint. */
  checkpointIntervalMs: number
  /** Of work that is due at a time; default: the usual one. */
  pace?: Pace
}

export interface ProcessDefinition {
  /** Name of its checkpoint and of its leadership. */
  name: string
  /** Event types wanted, as prefixes. */
  types: readonly string[]
  /**
   * Handles a batch, in order. A throw gives the same batch again, after a pause. `historyEnd` is the log's head when
   * the reading began: what lies up to there may have been handled before a crash.
   */
  handle: (events: Delivered[], historyEnd: bigint | undefined) => Promise<void>
  /** Work in the background, for as long as this process leads: sweeps, timers. */
  background?: (signal: AbortSignal) => Promise<void>[]
}

/** Runs until `signal` aborts; stands by while another process leads. Stands still while the log is another one. */
export async function runProcess(definition: ProcessDefinition, dependencies: ProcessDependencies): Promise<void> {
  const { signal, health, log, retryMs, databaseUrl: url } = dependencies
  const { name } = definition
  while (!signal.aborted) {
    health.state = 'standby'
    const leadership = await acquireLeadership({ url, name, signal }).catch(() => undefined)
    if (!leadership) break
    health.state = 'leading'
    try {
      await lead(definition, dependencies, AbortSignal.any([signal, leadership.lost]))
    } catch (error) {
      if (error instanceof SubscriptionHalted) {
        health.state = 'halted'
        health.fault = error.message
        log.error({ err: error, process: name }, 'the process has halted')
        return
      }
      log.warn({ err: error, process: name, retryInMs: retryMs }, 'the process starts over')
      await delay(retryMs, undefined, { signal }).catch(() => undefined)
    } finally {
      await leadership.release()
    }
  }
  health.state = 'stopped'
}

/** The subscription and the background work; the first to fail ends the others. */
async function lead(
  definition: ProcessDefinition,
  dependencies: ProcessDependencies,
  leading: AbortSignal,
): Promise<void> {
  const failed = new AbortController()
  const signal = AbortSignal.any([leading, failed.signal])
  const checkpoint = openProcessCheckpoint(dependencies.db, {
    name: definition.name,
    intervalMs: dependencies.checkpointIntervalMs,
  })
  const following = follow(definition, dependencies, checkpoint, signal)
  const work = [following, checkpoint.keep(signal), ...(definition.background?.(signal) ?? [])]
  const settled = await Promise.allSettled(
    work.map((each) =>
      each.catch((error: unknown) => {
        failed.abort(error)
        throw error
      }),
    ),
  )
  const failure = settled.find((result) => result.status === 'rejected')
  if (failure) throw failure.reason
  await checkpoint.save()
}

async function follow(
  { name, types, handle }: ProcessDefinition,
  { store, subscribe, health }: ProcessDependencies,
  checkpoint: ProcessCheckpoint,
  signal: AbortSignal,
): Promise<void> {
  let historyEnd: bigint | undefined
  await subscribe({
    types,
    signal,
    async from() {
      const known = await checkpoint.place()
      await haltAtMismatch(health, async () => {
        if (known) await verify(store, name, known)
        historyEnd = (await store.head())?.position
      })
      return known?.position
    },
    async onBatch(events) {
      const wanted = events.filter(({ type }) => type !== HEARTBEAT)
      const last = wanted.at(-1)
      if (!last) return
      await handle(wanted, historyEnd)
      crashPoint('process.before-checkpoint', wanted)
      checkpoint.reached({ position: last.position, eventId: last.id })
      health.handled += wanted.length
    },
  })
}

async function verify(store: EventStore, name: string, { position, eventId }: Checkpoint): Promise<void> {
  if ((await store.eventIdAt(position)) === eventId) return
  throw new LogMismatch(
    `${name} stands at position ${position} (event ${eventId}), which this event store does not have: it was restored ` +
      'from an older backup, or it is another store.',
  )
}
