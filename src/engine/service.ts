/**
 * The engine as a whole: log, desk, publisher, command consumer, price loop and order entry, put together. It keeps
 * no state outside what it is given, so that a process may run it alone or together with other roles.
 */
import { mkdirSync } from 'node:fs'
import { consumeCommands, newCommandCounts } from './command-consumer.ts'
import { openDesk } from './desk.ts'
import { lockDirectory } from './lock.ts'
import type { EngineLimits, EngineOptions, EngineStatus } from './options.ts'
import { defaultEngineLimits } from './options.ts'
import { serveOrderEntry } from './order-entry.ts'
import { followPrices } from './price-loop.ts'
import { startPublisher } from './publisher.ts'
import { openReplays } from './replay/replays.ts'
import { defaultTradingRules } from './step.ts'
import { referenceSymbols } from './symbols.ts'
import { openWal } from './wal.ts'

export interface Engine {
  /** Where order entry answers: `http://127.0.0.1:40123`. */
  url: string
  status(): EngineStatus
  /** Finishes what is under way, publishes what it can in time, and lets go of the directory. */
  close(): Promise<void>
}

/**
 * Starts the engine on its directory and goes on where the log ends.
 * @throws DirectoryInUse where another engine runs on the directory; an error with code EADDRINUSE where the port is taken.
 */
export async function startEngine(options: EngineOptions): Promise<Engine> {
  const limits: EngineLimits = { ...defaultEngineLimits, ...limitsGiven(options) }
  const symbols = options.symbols ?? referenceSymbols
  const rules = { ...defaultTradingRules, ...options.rules }
  const now = options.now ?? Date.now
  const { log, stream, feed } = options
  mkdirSync(options.directory, { recursive: true, mode: 0o700 })
  await using opened = new AsyncDisposableStack()
  opened.defer(lockDirectory(options.directory))
  const wal = openWal({ directory: options.directory, snapshotEveryEvents: limits.snapshotEveryEvents })
  opened.defer(wal.close)
  const publisher = startPublisher({ wal, stream, log, ...limits })
  opened.defer(() => publisher.close(limits.closeDrainMs))
  const desk = openDesk({ wal, feed, symbols, rules, now, ...limits, onCommit: publisher.take })
  opened.defer(desk.close)
  const replays = openReplays({ desk, wal, log, limits, feedsDirectory: options.feedsDirectory })
  opened.defer(replays.close)
  const counts = newCommandCounts()
  const status = (): EngineStatus => ({
    streamUp: stream.isUp(),
    logPosition: wal.head(),
    publishedPosition: publisher.published(),
    watchedAccounts: desk.watched().length,
    commands: counts,
  })
  const entry = await serveOrderEntry({ ...options.orderEntry, desk, wal, limits, symbols, log, status })
  opened.defer(entry.close)
  const stopping = new AbortController()
  const { signal } = stopping
  const consuming = consumeCommands({ stream, desk, publisher, replays, log, limits, counts, signal })
  const pricing = followPrices({ desk, tickIntervalMs: limits.tickIntervalMs, log, signal })
  opened.defer(async () => {
    stopping.abort()
    await Promise.all([consuming, pricing])
  })
  log.info({ url: entry.url, directory: options.directory, logPosition: `${wal.head()}` }, 'the engine is running')
  const parts = opened.move()
  return {
    url: entry.url,
    status,
    async close() {
      await parts.disposeAsync()
      log.info({}, 'the engine has stopped')
    },
  }
}

/** The limits among the options that were given a value. */
function limitsGiven(options: EngineOptions): Partial<EngineLimits> {
  const names = Object.keys(defaultEngineLimits) as (keyof EngineLimits)[]
  return Object.fromEntries(names.filter((name) => options[name] !== undefined).map((name) => [name, options[name]]))
}
