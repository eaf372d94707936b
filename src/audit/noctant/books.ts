/**
 * Money that is moved on one stream's word and booked in another. The engine may open an account with what was agreed,
 * and correct or debit it by what was asked for, and by nothing else; and what is asked of it is what an operator has
 * corrected or approved. Asked stands before done in the log, so that only what is under way has to be remembered.
 */
import { Decimal } from 'decimal.js'
import type { AnyEvent } from '../../events/event.ts'
import type { Book, OpenBook } from '../declarations.ts'

/** Questions under way at a time, of each kind; beyond them the oldest are forgotten, and then not missed either. */
const UNDER_WAY_MAX = 500_000

interface Order {
  kind: string
  amount: string | undefined
  reference: string | undefined
}

const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)
const equal = (a: string | undefined, b: string | undefined): boolean =>
  a !== undefined && b !== undefined && isAmount(a) && isAmount(b) && new Decimal(a).equals(b)
const isAmount = (value: string): boolean => /^-?\d+(\.\d+)?$/.test(value)
const negated = (value: string | undefined): string | undefined =>
  value !== undefined && isAmount(value) ? new Decimal(value).negated().toFixed() : undefined

/** Over all streams. */
export const moneyBook: Book = { name: 'money asked for and money booked', open: openMoneyBook }

function openMoneyBook(isFromStart: boolean): OpenBook {
  let hasForgotten = !isFromStart
  /** Execution account → what it is to begin with. */
  const initials = new Map<string, string>()
  /** Command id → amount: what operators have corrected. */
  const corrections = new Map<string, string>()
  /** Payout request → gross amount: what was granted. */
  const grants = new Map<string, string>()
  /** Command id → amount: granted payouts on their way to the account. */
  const payouts = new Map<string, string>()
  /** Command id → what the engine was asked for. */
  const orders = new Map<string, Order>()

  function remember<T>(memory: Map<string, T>, key: unknown, value: T | undefined): void {
    if (typeof key !== 'string' || value === undefined) return
    memory.set(key, value)
    if (memory.size <= UNDER_WAY_MAX) return
    const [oldest] = memory.keys()
    if (oldest !== undefined) memory.delete(oldest)
    hasForgotten = true
  }

  /** Compares an amount with the one that was agreed, once: the question is closed then. */
  function settle(agreed: Map<string, string>, key: string | undefined, amount: unknown, of: string): string[] {
    const expected = key === undefined ? undefined : agreed.get(key)
    if (key === undefined || expected === undefined) return hasForgotten ? [] : [`${of} was never agreed`]
    agreed.delete(key)
    return equal(expected, text(amount)) ? [] : [`${of} was agreed as ${expected}, but is ${String(amount)}`]
  }

  function ordered(data: AnyEvent['data']): string[] {
    const commandId = text(data.commandId)
    const order = (data.order ?? {}) as Record<string, unknown>
    const kind = text(order.kind)
    if (commandId === undefined || kind === undefined) return []
    const amount = text(kind === 'open_account' ? order.initialBalance : order.amount)
    if (amount === undefined) return []
    remember(orders, commandId, { kind, amount, reference: text(order.reference) })
    if (kind === 'open_account') return settle(initials, text(data.accountId), amount, 'the initial balance')
    if (kind === 'adjust_balance') return settle(corrections, commandId, amount, 'the correction')
    return settle(payouts, commandId, amount, 'the payout')
  }

  /** What the engine has done must be what it was asked for. */
  function done(data: AnyEvent['data'], kind: string, amount: string | undefined): string[] {
    const commandId = text(data.commandId)
    const order = commandId === undefined ? undefined : orders.get(commandId)
    if (!order) return hasForgotten ? [] : [`nobody has asked for this ${kind}`]
    if (order.kind !== kind) return [`the command asked for ${order.kind}, not for ${kind}`]
    if (!equal(order.amount, amount)) return [`${order.amount} was asked for, but ${amount} was booked`]
    const reference = text(data.reference)
    return order.reference === reference ? [] : [`it was asked for under ${order.reference}, not ${reference}`]
  }

  return {
    enter({ type, data }) {
      switch (type) {
        case 'noctant.AccountOpened.v1':
        case 'noctant.AccountAttemptStarted.v1':
          remember(initials, data.accountId, text(data.initialBalance))
          return []
        case 'noctant.AccountCorrectionRequested.v1':
          remember(corrections, data.commandId, text(data.amount))
          return []
        case 'noctant.PayoutApproved.v1':
          remember(grants, data.payoutRequestId, text(grossOf(data)))
          return []
        case 'noctant.PayoutRejected.v1':
          grants.delete(String(data.payoutRequestId))
          return []
        case 'noctant.PayoutExecutionRequested.v1':
          remember(payouts, data.commandId, text(data.amount))
          return settle(grants, text(data.payoutRequestId), data.amount, 'the payout')
        case 'noctant.EngineCommandRequested.v1':
          return ordered(data)
        case 'noctant.EngineAccountOpened.v1':
          return done(data, 'open_account', text(data.balance))
        case 'noctant.EngineBalanceChanged.v1':
          if (data.cause === 'correction') return done(data, 'adjust_balance', text(data.change))
          if (data.cause === 'payout') return done(data, 'execute_payout', negated(text(data.change)))
          return []
        case 'noctant.EngineCommandDecided.v1':
          orders.delete(String(data.commandId))
          return []
        default:
          return []
      }
    },
  }
}

function grossOf({ policyDecision }: AnyEvent['data']): unknown {
  return (policyDecision as { granted?: { grossAmount?: unknown } | null } | undefined)?.granted?.grossAmount
}
