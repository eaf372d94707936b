/** What the deliveries of every context go by, as an instance's settings have it. */
import { type CommandBus, createCommandBus } from '../commands/handle.ts'
import type { Config } from '../config.ts'
import type { EventStore } from '../events/store.ts'

/** All but when a delivery is tried again. */
export const commonLimits = (config: Config) => ({
  timeoutMs: config.WEBHOOK_TIMEOUT_MS,
  excerptMaxBytes: config.WEBHOOK_EXCERPT_MAX_BYTES,
  allowLoopback: config.WEBHOOK_ALLOW_PRIVATE,
  retryAfterMaxMs: config.WEBHOOK_RETRY_AFTER_MAX_MS,
  disableAfterMs: config.WEBHOOK_DISABLE_AFTER_MS,
  concurrencyMax: config.WEBHOOK_CONCURRENCY_MAX,
  endpointConcurrencyMax: config.WEBHOOK_ENDPOINT_CONCURRENCY_MAX,
  endpointQueueMax: config.WEBHOOK_ENDPOINT_QUEUE_MAX,
  pollIntervalMs: config.WEBHOOK_POLL_INTERVAL_MS,
  pollBatchMax: config.WEBHOOK_POLL_BATCH_MAX,
  drainMs: config.WEBHOOK_DRAIN_MS,
  cachedMax: config.WEBHOOK_CACHE_MAX,
})

/** A delivery is a stream that is used for a while and never again: in the common cache it would push others out. */
export const deliveryBus = (store: EventStore, config: Config): CommandBus =>
  createCommandBus(store, {
    cachedAggregatesMax: config.WEBHOOK_CACHE_MAX,
    seenCommandsMax: config.AGGREGATE_CACHE_COMMANDS_MAX,
    statesMaxBytes: config.AGGREGATE_CACHE_MAX_BYTES,
    conflictRetriesMax: config.CONFLICT_RETRIES_MAX,
  })
