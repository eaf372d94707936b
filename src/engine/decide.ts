/**
 * The core's one entrance: `step(state, input, context)` answers with the events that follow. Pure, apart from what
 * the context brings in; account.ts folds the events back into the state.
 */

import type { AccountCommand, EngineEvent, ReplayCommand } from '../gateway/contract.ts'
import type { AccountState } from './account.ts'
import { decideCommand } from './commands.ts'
import { figuresOf, markOf } from './margin.ts'
import { followMarket } from './market.ts'
import type { OrderRequest } from './orders.ts'
import { endOrder, placeOrder } from './orders.ts'
import { type ReplayOutcome, recordReplay } from './replay/record.ts'
import type { Step, StepContext } from './step.ts'
import { beginStep, emit } from './step.ts'

export type StepInput =
  | { kind: 'command'; command: AccountCommand }
  /** A historical run, computed beforehand. */
  | { kind: 'replay'; command: ReplayCommand; outcome: ReplayOutcome }
  | { kind: 'place_order'; order: OrderRequest }
  /** The order must be working. */
  | { kind: 'cancel_order'; orderId: string }
  /** Time went on, prices may have moved. */
  | { kind: 'market' }

/** The step's events, and the state after them. */
export interface StepResult {
  events: EngineEvent[]
  state: AccountState
}

/** Decides one input. Events carry the account's next sequences; none means that nothing happened. */
export function step(state: AccountState, input: StepInput, context: StepContext): StepResult {
  const taken = beginStep(state, context, 'command' in input ? input.command : null)
  switch (input.kind) {
    case 'command': {
      const { command } = input
      const decision = decideCommand(taken, command)
      markAfterChange(taken)
      emit(taken, 'CommandDecided', { kind: command.kind, ...decision })
      break
    }
    case 'replay':
      recordReplay(taken, input.command, input.outcome)
      break
    case 'place_order':
      placeOrder(taken, input.order)
      markAfterChange(taken)
      break
    case 'cancel_order':
      endOrder(taken, input.orderId, 'cancelled', 'trader')
      break
    case 'market':
      followMarket(taken)
      if (!markAfterChange(taken)) markNowAndThen(taken)
      break
    default:
      return input satisfies never
  }
  return { events: taken.events, state: taken.state }
}

const figureEvents: ReadonlySet<string> = new Set([
  'AccountOpened',
  'BalanceChanged',
  'PositionChanged',
  'PositionClosed',
])

/** Reports the account's figures where the step changed them; returns whether it did. */
function markAfterChange(taken: Step): boolean {
  if (!taken.events.some((event) => figureEvents.has(event.type))) return false
  const figures = figuresOf(taken.state, taken.context)
  if (figures !== undefined) emit(taken, 'AccountMarked', markOf(taken.state, figures, taken.context))
  return true
}

/** Reports figures that only the market has moved, at most once per interval, also after a clock was set back. */
function markNowAndThen(taken: Step): void {
  const { state, context } = taken
  if (state.positions.length === 0) return
  if (Math.abs(context.nowMs - state.markedAtMs) < context.rules.markIntervalMs) return
  const figures = figuresOf(state, context)
  if (figures === undefined) return
  const mark = markOf(state, figures, context)
  if (JSON.stringify(mark) !== JSON.stringify(state.lastMark)) emit(taken, 'AccountMarked', mark)
}
