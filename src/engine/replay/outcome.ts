/**
 * What becomes of a replay command: computed outside the desk, since a backtest takes its time, and then recorded in one
 * step. The feed's file is looked up by its content's hash and checked against it.
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ReplayCommand } from '../../gateway/contract.ts'
import { Decimal, digitsOf, fitsCurrency } from '../money.ts'
import { referenceSymbols, type SymbolTable } from '../symbols.ts'
import { runBacktest, TooManyTrades } from './backtest.ts'
import { contentHashOf, readCheckedFeed } from './feed-file.ts'
import { pricesOf } from './prices.ts'
import type { ReplayOutcome } from './record.ts'

export interface ReplayLimits {
  /** Trades of one backtest. */
  backtestTradesMax: number
}

export const feedFile = (directory: string, contentHash: string): string => join(directory, `${contentHash}.csv`)

const rejected = (reasonCode: string, reason: string): ReplayOutcome => ({ kind: 'rejected', reasonCode, reason })

/** Runs a replay command on the feeds of a directory. Throws only where the disk fails. */
export async function replayOutcome(
  command: ReplayCommand,
  directory: string,
  limits: ReplayLimits,
  symbols: SymbolTable = referenceSymbols,
): Promise<ReplayOutcome> {
  const { feed, strategy, currency, initialBalance } = command
  const symbol = symbols.get(feed.symbol)
  if (symbol === undefined) return rejected('unknown_symbol', `${feed.symbol} is not traded here.`)
  if (digitsOf(currency) === undefined) return rejected('unsupported_currency', `No runs are kept in ${currency}.`)
  const balance = new Decimal(initialBalance)
  if (!balance.gt(0) || !fitsCurrency(balance, currency)) {
    return rejected('invalid_amount', `The initial balance must be positive and fit the digits of ${currency}.`)
  }
  const bytes = await readFile(feedFile(directory, feed.contentHash)).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  if (bytes === undefined) return rejected('feed_unavailable', 'The engine does not have the feed.')
  if (contentHashOf(bytes) !== feed.contentHash) {
    return rejected('feed_damaged', 'The feed’s file is not what it was when it was imported.')
  }
  if (strategy === null) return { kind: 'created' }
  const range = { startMs: Date.parse(command.marketTimeStart), endMs: Date.parse(command.marketTimeEnd) }
  const prices = pricesOf(readCheckedFeed(bytes, feed.kind), symbol, range)
  const terms = { runId: command.accountId, symbol, prices, strategy, currency, initialBalance }
  try {
    return { kind: 'completed', result: runBacktest({ ...terms, tradesMax: limits.backtestTradesMax }) }
  } catch (error) {
    if (error instanceof TooManyTrades) return rejected('too_many_trades', error.message)
    throw error
  }
}
