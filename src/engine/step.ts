/**
 * One step of an account: an input is decided, its events are written down one by one, each folded into the state at
 * once so that the next rule sees it. All that a decision needs from outside (time, prices, ids, terms) comes in with
 * the context; the same state, input and context always give the same events.
 */

import type { EngineEvent, EngineEventType } from '../gateway/contract.ts'
import type { AccountState, DataOf } from './account.ts'
import { evolve } from './account.ts'
import type { Quote } from './feed.ts'
import { uuidFrom } from './ids.ts'
import type { SymbolTable } from './symbols.ts'

export interface TradingRules {
  /** Positions are closed when equity falls below this share of the margin in use. */
  stopOutLevelPercent: string
  /** Hour of the day, UTC, at which swap is booked. */
  rolloverHourUtc: number
  /** Least time between two marks of an account that only the market moves. */
  markIntervalMs: number
  /** Orders waiting at once in one account, at most. */
  workingOrdersMax: number
  /** Leverage by execution profile; any other profile has `leverageDefault`. */
  leverageByProfile: Readonly<Record<string, number>>
  leverageDefault: number
}

export const defaultTradingRules: TradingRules = {
  stopOutLevelPercent: '50',
  rolloverHourUtc: 22,
  markIntervalMs: 5_000,
  workingOrdersMax: 200,
  leverageByProfile: {},
  leverageDefault: 100,
}

export interface StepContext {
  nowMs: number
  /** Names the step; event ids derive from it. A command's id, an order's id, or a fresh UUID for the market's moves. */
  stepId: string
  quote: (symbol: string) => Quote | undefined
  symbols: SymbolTable
  rules: TradingRules
}

/** The step under way. Lives for one decision and is the only thing in the core that is changed in place. */
export interface Step {
  state: AccountState
  readonly events: EngineEvent[]
  readonly context: StepContext
  readonly commandId: string | null
  readonly commandSequence: number | null
}

export function beginStep(
  state: AccountState,
  context: StepContext,
  command: { commandId: string; sequence: number } | null = null,
): Step {
  return {
    state,
    events: [],
    context,
    commandId: command?.commandId ?? null,
    commandSequence: command?.sequence ?? null,
  }
}

/** Records one event and applies it. */
export function emit<T extends EngineEventType>(step: Step, type: T, data: DataOf<T>): void {
  const { context, state } = step
  const event = {
    eventId: uuidFrom(context.stepId, `event:${step.events.length}`),
    accountId: state.accountId,
    sequence: state.sequence + 1,
    commandId: step.commandId,
    occurredAt: new Date(context.nowMs).toISOString(),
    type,
    data,
  } as EngineEvent
  step.state = evolve(state, { event, commandSequence: step.commandSequence })
  step.events.push(event)
}
