/**
 * What the engine is started with, and every limit and interval it keeps.
 */

import type { MessageStream } from '../gateway/stream.ts'
import type { Log } from '../log.ts'
import type { CommandCounts } from './command-consumer.ts'
import type { PriceFeed } from './feed.ts'
import type { TradingRules } from './step.ts'
import type { SymbolTable } from './symbols.ts'

export interface EngineLimits {
  /** How often prices are looked at for accounts with positions or working orders. */
  tickIntervalMs: number
  /** Commands handed out by the stream and not yet acknowledged, at most. */
  commandsInFlightMax: number
  /** A command not acknowledged in this time is delivered again. */
  commandAckWaitMs: number
  /** Delay before a command for an account that is not open yet comes again; grows with each delivery. */
  unknownAccountDelayMs: number
  unknownAccountDelayMaxMs: number
  /** Deliveries after which such a command is dropped; its sender sends it again. */
  unknownAccountDeliveriesMax: number
  /** Delay before a command comes again that could not be written down. */
  failedCommandDelayMs: number
  stepsPerCommitMax: number
  idleAccountsMax: number
  snapshotEveryEvents: number
  publishesInFlightMax: number
  cursorSaveIntervalMs: number
  streamPollMs: number
  repeatsQueuedMax: number
  /** Body of an order, at most. */
  orderBodyBytesMax: number
  /** Accounts in one page of the order entry's list, at most. */
  accountsPageMax: number
  /** Replay commands waiting at once; further ones are left to their senders to repeat. */
  replaysQueuedMax: number
  /** Trades of one backtest; a run with more is rejected. */
  backtestTradesMax: number
  /** How long a shutdown waits for events to be published. */
  closeDrainMs: number
}

export const defaultEngineLimits: EngineLimits = {
  tickIntervalMs: 250,
  commandsInFlightMax: 256,
  commandAckWaitMs: 30_000,
  unknownAccountDelayMs: 500,
  unknownAccountDelayMaxMs: 10_000,
  unknownAccountDeliveriesMax: 60,
  failedCommandDelayMs: 1_000,
  stepsPerCommitMax: 512,
  idleAccountsMax: 10_000,
  snapshotEveryEvents: 200,
  publishesInFlightMax: 512,
  cursorSaveIntervalMs: 250,
  streamPollMs: 100,
  repeatsQueuedMax: 10_000,
  orderBodyBytesMax: 16_384,
  accountsPageMax: 200,
  replaysQueuedMax: 64,
  backtestTradesMax: 20_000,
  closeDrainMs: 2_000,
}

export interface EngineOptions extends Partial<EngineLimits> {
  /** Where the log is kept; one engine per directory. */
  directory: string
  stream: MessageStream
  feed: PriceFeed
  /** Port 0 takes a free one; the token is what traders present as a bearer. */
  orderEntry: { host: string; port: number; token: string }
  log: Log
  /** Where the feeds of historical runs are kept; without one every run is rejected. */
  feedsDirectory?: string
  symbols?: SymbolTable
  rules?: Partial<TradingRules>
  /** Milliseconds since 1970. */
  now?: () => number
}

export interface EngineStatus {
  streamUp: boolean
  logPosition: bigint
  publishedPosition: bigint
  watchedAccounts: number
  commands: Readonly<CommandCounts>
}
