/**
 * The way of commands to the engine and of its events back, run by one process at a time: relay, sweeper and ingest
 * work under one leadership, since two relays would reorder an account's commands. The relay's checkpoint moves by
 * compare-and-set, so one that has lost the leadership without noticing is stopped by its own record.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { MessageStream } from '../../engine/stream.ts'
import { HEARTBEAT } from '../../events/registry.ts'
import type { EventStore } from '../../events/store.ts'
import { type Delivered, SubscriptionHalted } from '../../events/subscription.ts'
import { type Checkpoint, moveCheckpoint, readCheckpoint } from '../../projections/checkpoint.ts'
import type { ReadModels } from '../../projections/database.ts'
import { acquireLeadership } from '../../projections/leadership.ts'
import { unconfirmedCommands } from '../../projections/noctant/account-command.ts'
import { ENGINE_COMMAND_REQUESTED, type Log, relayBatch, runSweeper, type SweepLimits, sweep } from '../relay.ts'
import { runEngineIngest } from './engine-ingest.ts'

/** Name of the relay's checkpoint and of the leadership. */
export const RELAY = 'relay'

export interface CommandPathLimits extends SweepLimits {
  concurrencyMax: number
  sweepIntervalMs: number
  ackPendingMax: number
  ackWaitMs: number
  accountsCacheMax: number
  resendIntervalMs: number
  /** Before another try after a failure. */
  retryMs: number
}

/** For metrics and readiness. */
export interface CommandPathFigures {
  state: 'standby' | 'leading' | 'halted' | 'stopped'
  fault: string | undefined
  relayed: number
  quarantined: number
  gaps: number
}

export const newCommandPathFigures = (): CommandPathFigures => ({
  state: 'standby',
  fault: undefined,
  relayed: 0,
  quarantined: 0,
  gaps: 0,
})

export interface CommandPathOptions {
  db: ReadModels
  databaseUrl: string
  store: EventStore
  stream: MessageStream
  log: Log
  signal: AbortSignal
  figures: CommandPathFigures
  limits: CommandPathLimits
  /** A supervised subscription to the log. */
  subscribe: (reader: {
    types: readonly string[]
    from: () => Promise<bigint | undefined>
    onBatch: (events: Delivered[]) => Promise<void>
    signal: AbortSignal
  }) => Promise<void>
}

/** Runs until `signal` aborts; stands by while another process leads. Halts where its checkpoint is not of this log. */
export async function runCommandPath(options: CommandPathOptions): Promise<void> {
  const { signal, figures, log, limits } = options
  while (!signal.aborted) {
    figures.state = 'standby'
    const leadership = await acquireLeadership({ url: options.databaseUrl, name: RELAY, signal }).catch(() => undefined)
    if (!leadership) break
    figures.state = 'leading'
    try {
      await lead(options, AbortSignal.any([signal, leadership.lost]))
    } catch (error) {
      if (error instanceof SubscriptionHalted) {
        figures.state = 'halted'
        figures.fault = error.message
        log.error({ err: error }, 'the relay has halted')
        return
      }
      log.warn({ err: error, retryInMs: limits.retryMs }, 'the command path starts over')
      await delay(limits.retryMs, undefined, { signal }).catch(() => undefined)
    } finally {
      await leadership.release()
    }
  }
  figures.state = 'stopped'
}

/** Relay, sweeper and ingest side by side; the first to fail ends the others. */
async function lead(options: CommandPathOptions, leading: AbortSignal): Promise<void> {
  const { db, store, stream, log, limits, figures } = options
  const failed = new AbortController()
  const signal = AbortSignal.any([leading, failed.signal])
  const deps = { stream, store, log }
  const sweepOnce = () => sweep(deps, (query) => unconfirmedCommands(db, query), limits, Date.now())
  const work = [
    relay(options, signal),
    runSweeper(sweepOnce, { intervalMs: limits.sweepIntervalMs, signal, log }),
    runEngineIngest({
      ...deps,
      ...limits,
      signal,
      onQuarantined: () => {
        figures.quarantined += 1
      },
      onGap: () => {
        figures.gaps += 1
      },
    }),
  ]
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
}

/** Command requests from the log to the stream, from the relay's own checkpoint on. */
async function relay(options: CommandPathOptions, signal: AbortSignal): Promise<void> {
  const { db, store, stream, log, limits, figures } = options
  let checkpoint: Checkpoint | undefined
  let historyEnd: bigint | undefined
  await options.subscribe({
    types: [ENGINE_COMMAND_REQUESTED],
    signal,
    async from() {
      checkpoint = await readCheckpoint(db, RELAY)
      if (checkpoint) await verify(store, checkpoint)
      historyEnd = (await store.head())?.position
      return checkpoint?.position
    },
    async onBatch(events) {
      const requests = events.filter(({ type }) => type !== HEARTBEAT)
      await relayBatch({ stream, store, log }, requests, { concurrencyMax: limits.concurrencyMax, historyEnd })
      const last = requests.at(-1)
      if (!last) return
      const next = { position: last.position, eventId: last.id }
      await db.transaction().execute((trx) => moveCheckpoint(trx, RELAY, checkpoint, next))
      checkpoint = next
      figures.relayed += requests.length
    },
  })
}

async function verify(store: EventStore, { position, eventId }: Checkpoint): Promise<void> {
  if ((await store.eventIdAt(position)) === eventId) return
  throw new SubscriptionHalted(
    `the relay stands at position ${position} (event ${eventId}), which this event store does not have: it was restored ` +
      'from an older backup, or it is another store. Put the right store back, or empty the database and start again.',
  )
}
