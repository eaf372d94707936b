/**
 * The operator's commands, decided. Each ends in one CommandDecided event: accepted with the events it caused before
 * it, rejected or ignored with a reason code and nothing else.
 */

import type { AccountCommand } from '../gateway/contract.ts'
import type { CloseReason } from './account.ts'
import { uuidFrom } from './ids.ts'
import { decimal, digitsOf, fitsCurrency, moneyText } from './money.ts'
import { canCloseAll, cancelAllOrders, closePosition } from './orders.ts'
import { changeBalance } from './positions.ts'
import type { Step } from './step.ts'
import { emit } from './step.ts'

/** How a command ended; `markAccount` in account-step.ts comes between its events and the decision's own. */
export interface Decision {
  outcome: 'accepted' | 'rejected' | 'ignored'
  reasonCode: string | null
  reason: string | null
}

const accepted: Decision = { outcome: 'accepted', reasonCode: null, reason: null }
const rejected = (reasonCode: string, reason: string): Decision => ({ outcome: 'rejected', reasonCode, reason })
const ignored = (reasonCode: string, reason: string): Decision => ({ outcome: 'ignored', reasonCode, reason })

/** Decides a command and records the events it causes, but for the closing CommandDecided. */
export function decideCommand(step: Step, command: AccountCommand): Decision {
  if (command.kind === 'open_account') return openAccount(step, command)
  if (step.state.status === 'unopened') return rejected('account_not_open', 'The engine refused to open this account.')
  switch (command.kind) {
    case 'close_all':
      return closeAll(step, 'close_all')
    case 'force_close':
      return closeAll(step, 'force_close')
    case 'disable_account':
      return disableAccount(step, command)
    case 'enable_account':
      return enableAccount(step, command)
    case 'adjust_balance':
      return adjustBalance(step, command)
    case 'execute_payout':
      return executePayout(step, command)
    default:
      return command satisfies never
  }
}

function openAccount(step: Step, command: AccountCommand & { kind: 'open_account' }): Decision {
  if (step.state.status !== 'unopened') return ignored('already_open', 'The account is open already.')
  const { currency, executionProfileKey } = command
  if (digitsOf(currency) === undefined) {
    return rejected('unsupported_currency', `The engine has no prices to keep an account in ${currency}.`)
  }
  const balance = decimal(command.initialBalance)
  if (!balance.gt(0) || !fitsCurrency(balance, currency)) {
    return rejected('invalid_amount', `The initial balance must be positive and fit the digits of ${currency}.`)
  }
  const { leverageByProfile, leverageDefault } = step.context.rules
  const leverage = Object.hasOwn(leverageByProfile, executionProfileKey) ? leverageByProfile[executionProfileKey] : null
  emit(step, 'AccountOpened', {
    currency,
    balance: moneyText(balance, currency),
    leverage: leverage ?? leverageDefault,
  })
  return accepted
}

function closeAll(step: Step, closeReason: CloseReason): Decision {
  const { orders, positions } = step.state
  if (orders.length === 0 && positions.length === 0) {
    return ignored('nothing_to_close', 'The account has neither positions nor working orders.')
  }
  if (!canCloseAll(step)) return rejected('no_price', 'A position has no price at the moment; nothing was closed.')
  cancelAllOrders(step, closeReason)
  for (const { positionId } of positions) {
    const orderId = uuidFrom(step.context.stepId, `close:${positionId}`)
    closePosition(step, positionId, { orderId, source: 'operator', closeReason })
  }
  return accepted
}

function isSuperseded(step: Step, command: AccountCommand): boolean {
  return command.sequence < step.state.statusCommandSequence
}

const superseded = () => ignored('superseded', 'A newer command has set the trading status since.')

/** A disabled account keeps its positions unless they are to be closed; its working orders are cancelled. */
function disableAccount(step: Step, command: AccountCommand & { kind: 'disable_account' }): Decision {
  if (isSuperseded(step, command)) return superseded()
  const closes = command.forceClosePositions && step.state.positions.length > 0
  if (step.state.status === 'disabled' && !closes) return ignored('already_disabled', 'Trading is disabled already.')
  if (closes && !canCloseAll(step)) {
    return rejected('no_price', 'A position has no price at the moment; the account was left as it is.')
  }
  if (step.state.status === 'active') {
    emit(step, 'TradingStatusChanged', { tradingStatus: 'disabled', reason: command.reason })
    cancelAllOrders(step, 'trading_disabled')
  }
  if (closes) closeAll(step, 'force_close')
  return accepted
}

function enableAccount(step: Step, command: AccountCommand & { kind: 'enable_account' }): Decision {
  if (isSuperseded(step, command)) return superseded()
  if (step.state.status === 'active') return ignored('already_active', 'Trading is enabled already.')
  emit(step, 'TradingStatusChanged', { tradingStatus: 'active', reason: command.reason })
  return accepted
}

function adjustBalance(step: Step, command: AccountCommand & { kind: 'adjust_balance' }): Decision {
  const { currency, balance } = step.state
  const amount = decimal(command.amount)
  if (amount.isZero() || !fitsCurrency(amount, currency)) {
    return rejected('invalid_amount', `The amount must not be zero and must fit the digits of ${currency}.`)
  }
  if (amount.plus(balance).isNegative()) return insufficientBalance(step)
  changeBalance(step, amount, 'correction', command.reference)
  return accepted
}

function executePayout(step: Step, command: AccountCommand & { kind: 'execute_payout' }): Decision {
  const { currency, balance } = step.state
  const amount = decimal(command.amount)
  if (!amount.gt(0) || !fitsCurrency(amount, currency)) {
    return rejected('invalid_amount', `The amount must be positive and fit the digits of ${currency}.`)
  }
  if (amount.gt(balance)) return insufficientBalance(step)
  changeBalance(step, amount.negated(), 'payout', command.reference)
  return accepted
}

function insufficientBalance(step: Step): Decision {
  const { balance, currency } = step.state
  return rejected('insufficient_balance', `The balance of ${balance} ${currency} would become negative.`)
}
