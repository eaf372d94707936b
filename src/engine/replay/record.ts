/** How what became of a replay command is written down: the session, its trades and statistics, and the decision. */
import type { ReplayCommand } from '../../gateway/contract.ts'
import type { Step } from '../step.ts'
import { emit } from '../step.ts'
import type { BacktestResult } from './backtest.ts'

export type ReplayOutcome =
  /** The session is made; a replay, which nobody has traded yet. */
  | { kind: 'created' }
  | { kind: 'completed'; result: BacktestResult }
  | { kind: 'rejected'; reasonCode: string; reason: string }

/** Records an outcome: the session, its trades, its statistics, and the decision. */
export function recordReplay(step: Step, command: ReplayCommand, outcome: ReplayOutcome): void {
  const { kind, sessionId, strategy, marketTimeStart, marketTimeEnd, currency, initialBalance } = command
  if (outcome.kind === 'rejected') {
    const { reasonCode, reason } = outcome
    emit(step, 'CommandDecided', { kind, outcome: 'rejected', reasonCode, reason })
    return
  }
  const mode = strategy === null ? 'replay' : 'backtest'
  const range = { marketTimeStart, marketTimeEnd }
  const { feedId } = command.feed
  emit(step, 'ReplaySessionCreated', { sessionId, feedId, mode, ...range, currency, initialBalance })
  if (outcome.kind === 'completed') {
    for (const trade of outcome.result.trades) emit(step, 'BacktestTradeClosed', trade)
    emit(step, 'BacktestCompleted', { sessionId, ...outcome.result.statistics })
  }
  emit(step, 'CommandDecided', { kind, outcome: 'accepted', reasonCode: null, reason: null })
}
