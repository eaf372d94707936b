/** The log as it grows, decoded, for commands that show what happens. */
import { type Delivered, runSubscription } from '../events/subscription.ts'
import type { AdminSession } from './admin-session.ts'
import { backingUrls, configuration } from './connection.ts'
import { registry } from './contexts.ts'
import { personKeysOf } from './person-keys.ts'
import { reasonOf, remark } from './terminal.ts'

export interface EventReader {
  /** In the messages of the subscription. */
  name: string
  /** Beginnings of the event types that are read. */
  types: readonly string[]
  /** The position behind which it begins; undefined: the log's beginning. */
  from(): bigint | undefined
  onBatch(events: readonly Delivered[]): Promise<void>
  signal: AbortSignal
}

/** Resolves once the signal aborts. A store that is away is waited for, and that is said. */
export function followEvents({ db }: AdminSession, { name, types, from, onBatch, signal }: EventReader): Promise<void> {
  const config = configuration()
  return runSubscription({
    ...{ url: backingUrls(config).eventStoreUrl, registry, name, types },
    from: async () => from(),
    onBatch,
    batchMax: config.SUBSCRIPTION_BATCH_MAX,
    readTimeoutMs: config.SUBSCRIPTION_SILENCE_MAX_MS,
    backoffMinMs: config.SUBSCRIPTION_BACKOFF_MIN_MS,
    backoffMaxMs: config.SUBSCRIPTION_BACKOFF_MAX_MS,
    signal,
    onError: (error) => remark(`what happens cannot be read (${reasonOf(error)}); it goes on when it can`),
    personKeys: personKeysOf(config, db),
  })
}
