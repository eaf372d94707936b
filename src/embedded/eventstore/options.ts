/** Every limit of the node in one place, with its unit in its name, so that a caller can set what it knows better. */

export type EventStoreLimits = {
  /** Sum of the data of one append's events, without their metadata; EventStoreDB's default is 1 MiB. */
  maxAppendBytes: number
  /** Largest gRPC message that the node accepts, and the most that one append may hold with all metadata. */
  maxMessageBytes: number
  /** How much one group commit takes; what is queued beyond waits for the next. */
  maxGroupBytes: number
  /** Appends that may wait in the queue; more are refused as unavailable, so that memory stays bounded. */
  maxQueuedBytes: number
  /** A log file is closed at this size and the next one begun. */
  segmentBytes: number
  /** How much of a log file is allocated ahead of its end at a time; 0 turns that off. */
  preallocateBytes: number
  /** While synced writes take less than this on average, small ones block the event loop; 0 never does. */
  inlineWriteBelowMs: number
  /**
   * The latest events that stay in memory for live subscriptions, for a fraction of a second under load: longer-lived
   * buffers make V8 collect the whole heap for their sake, and a reader that is late reads larger pieces from files.
   */
  recentBytes: number
  /** A live subscription that is further behind is told so. */
  liveLagBytes: number
  /**
   * Events, and bytes of the log, that the index may lag behind; start-up replays about so many at the most. A batch of
   * the index that is small comes often, and each takes a core from those who append.
   */
  indexLagEvents: number
  indexLagBytes: number
  /** Without appends for this long, the index catches up whatever the lag. */
  indexIdleMs: number
  /** The thread that takes batches to the index ends after so long with none but small ones. */
  indexThreadIdleMs: number
  /** Page cache of the index. */
  indexCacheKiB: number
  /** Streams whose state stays in memory. */
  cachedStreams: number
  /** Bytes read from the log at once for one reader. */
  readChunkBytes: number
  /** How much of the log is read in a second to find damage; 0 turns that off. And how long it rests after all of it. */
  checkBytesPerSecond: number
  checkPauseMs: number
  /** How long `close` waits for calls in flight before it cuts them off. */
  closeGraceMs: number
}

export const DEFAULT_LIMITS: EventStoreLimits = {
  maxAppendBytes: 1024 * 1024,
  maxMessageBytes: 17 * 1024 * 1024,
  maxGroupBytes: 8 * 1024 * 1024,
  maxQueuedBytes: 64 * 1024 * 1024,
  segmentBytes: 256 * 1024 * 1024,
  preallocateBytes: 1024 * 1024,
  inlineWriteBelowMs: 1,
  recentBytes: 512 * 1024,
  liveLagBytes: 8 * 1024 * 1024,
  indexLagEvents: 16_384,
  indexLagBytes: 64 * 1024 * 1024,
  indexIdleMs: 1000,
  indexThreadIdleMs: 10_000,
  indexCacheKiB: 8 * 1024,
  cachedStreams: 20_000,
  readChunkBytes: 256 * 1024,
  checkBytesPerSecond: 1024 * 1024,
  checkPauseMs: 24 * 60 * 60 * 1000,
  closeGraceMs: 200,
}

export type EventStoreOptions = Partial<EventStoreLimits> & {
  /** Holds the log and its index; created where it is missing. One process at a time. */
  directory: string
  /** 0, the default, takes a free port. */
  port?: number
  host?: string
  /** Of a guarded node (access.ts): `user:password`. Without one it takes everybody who reaches its port. */
  credential?: string
  /** Whether processes of the node's own user need name nothing, where the kernel tells; default: true. */
  trustsOwnUser?: boolean
  /** Receives what an operator should know: a torn tail that was cut, an index that was rebuilt. */
  onNotice?: (notice: string) => void
}
