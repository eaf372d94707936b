/**
 * A directory in memory, as each API process keeps of keys: loaded from the read models once, then fed by the log alone.
 * The read models may be far behind. So a lost subscription resumes where the directory stands, and the directory is
 * ready only when it has reached the end that the log had at its start. Otherwise a revoked key would work again.
 */

import type { EventStore } from '../events/store.ts'
import type { Delivered, SubscriptionOptions } from '../events/subscription.ts'
import type { ReadModels } from '../postgres/database.ts'
import { within } from '../runtime/within.ts'

export interface Directory {
  /** Prefixes of the event types that it follows. */
  readonly types: readonly string[]
  /** Takes the read models in, and returns the commit position that they stand for; undefined: the log's very start. */
  load(db: ReadModels): Promise<bigint | undefined>
  /** Takes events in, in the log's order. */
  apply(events: readonly Delivered[]): void
}

/** What a context keeps in memory of the log, by name. */
export type Directories = Readonly<Record<string, Directory>>

export interface Dependencies {
  db: ReadModels
  store: Pick<EventStore, 'head' | 'beat'>
  /** Runs until the instance stops. */
  subscribe(reader: Pick<SubscriptionOptions, 'types' | 'from' | 'onBatch'>): Promise<void>
  /** How long it may take to reach the log's end; past it the directory serves as far as it is. */
  catchUpMaxMs: number
  onBehind(reason: unknown): void
}

/** Resolves when the directory is up to date; `following` ends with the subscription. */
export async function keepDirectory(directory: Directory, dependencies: Dependencies) {
  const loaded = Promise.withResolvers<void>()
  let isLoaded = false
  let reached: bigint | undefined
  let onReached: () => void = () => undefined
  const following = dependencies.subscribe({
    types: directory.types,
    async from() {
      if (!isLoaded) reached = await directory.load(dependencies.db)
      isLoaded = true
      loaded.resolve()
      return reached
    },
    async onBatch(events) {
      directory.apply(events)
      reached = events.at(-1)?.position ?? reached
      onReached()
    },
  })
  await Promise.race([loaded.promise, following])
  const { catchUpMaxMs, onBehind } = dependencies
  try {
    const outcome = await within(catchUpMaxMs, Promise.race([reachedEnd(), following]), 'late')
    if (outcome === 'late') onBehind(new Error(`the log's end was not reached in ${catchUpMaxMs} ms`))
  } catch (error) {
    onBehind(error)
  }
  return { following }

  /** Only heartbeats and events of its types reach the directory, so one heartbeat is sent behind the end. */
  async function reachedEnd(): Promise<void> {
    const end = (await dependencies.store.head())?.position
    const isThere = () => end === undefined || (reached !== undefined && reached >= end)
    if (isThere()) return
    const arrived = Promise.withResolvers<void>()
    onReached = () => {
      if (isThere()) arrived.resolve()
    }
    await dependencies.store.beat(new Date().toISOString())
    await arrived.promise
  }
}
