/**
 * The ledger that an engine's stream is: each change makes the balance that stands after it, each change has its reason
 * in the stream, and whenever no position is open, the balance is what the account began with, plus corrections, payouts
 * and closed trades. Corrections and payouts have their reasons in other streams: books.ts looks for those.
 */
import { Decimal } from 'decimal.js'
import type { AnyEvent } from '../../events/event.ts'
import type { Book } from '../declarations.ts'

const Exact = Decimal.clone({ precision: 100 })
type Exact = InstanceType<typeof Exact>

interface Ledger {
  /** Undefined before the first event that states one. */
  balance: Exact | undefined
  /** Undefined where the stream was not read from its beginning. */
  account: { initial: Exact; transfers: Exact; trades: Exact; openPositions: Set<string> } | undefined
  lastFill: { id: unknown; commission: unknown } | undefined
  lastTrade: { id: unknown; grossPnl: unknown } | undefined
}

const newLedger = (): Ledger => ({
  balance: undefined,
  account: undefined,
  lastFill: undefined,
  lastTrade: undefined,
})

const amountOf = (value: unknown): Exact | undefined =>
  typeof value === 'string' && /^-?\d+(\.\d+)?$/.test(value) ? new Exact(value) : undefined

/** The ledger of one engine's stream. */
export const engineLedger: Book = {
  name: 'the ledger of an account',
  open() {
    const ledger = newLedger()
    return { enter: (event) => enter(ledger, event) }
  },
}

/** Takes the event in and answers, in sentences, what does not add up. */
function enter(ledger: Ledger, { type, data }: AnyEvent): string[] {
  switch (type) {
    case 'noctant.EngineAccountOpened.v1':
      ledger.balance = amountOf(data.balance)
      ledger.account = ledger.balance && {
        initial: ledger.balance,
        transfers: new Exact(0),
        trades: new Exact(0),
        openPositions: new Set(),
      }
      return []
    case 'noctant.EngineOrderFilled.v1':
      ledger.lastFill = { id: data.fillId, commission: data.commission }
      return []
    case 'noctant.EngineTradeClosed.v1':
      ledger.lastTrade = { id: data.tradeId, grossPnl: data.grossPnl }
      if (ledger.account) ledger.account.trades = ledger.account.trades.plus(amountOf(data.netPnl) ?? 0)
      return []
    case 'noctant.EnginePositionChanged.v1':
      ledger.account?.openPositions.add(String(data.positionId))
      return []
    case 'noctant.EnginePositionClosed.v1':
      ledger.account?.openPositions.delete(String(data.positionId))
      return totalFaults(ledger)
    case 'noctant.EngineBalanceChanged.v1':
      return [...reasonFaults(ledger, data), ...balanceFaults(ledger, data)]
    default:
      return balanceFaults(ledger, data)
  }
}

/** The balance before and the change make the balance after. */
function balanceFaults(ledger: Ledger, data: AnyEvent['data']): string[] {
  const stated = amountOf(data.balance)
  if (stated === undefined) return []
  const before = ledger.balance
  ledger.balance = stated
  if (before === undefined) return []
  const change = amountOf(data.change) ?? new Exact(0)
  const expected = before.plus(change)
  if (expected.equals(stated)) return []
  return [
    `the balance is ${data.balance}, but ${before.toFixed()} and a change of ${change.toFixed()} make ${expected.toFixed()}`,
  ]
}

/** What the change is said to be for must stand right before it, with that amount. */
function reasonFaults({ account, lastFill, lastTrade }: Ledger, data: AnyEvent['data']): string[] {
  const change = amountOf(data.change) ?? new Exact(0)
  const { cause, reference } = data
  if (account && (cause === 'correction' || cause === 'payout')) account.transfers = account.transfers.plus(change)
  if (cause === 'trade' && account) {
    const profit = lastTrade?.id === reference ? amountOf(lastTrade?.grossPnl) : undefined
    if (!profit) return [`no closed trade ${reference} stands before this change of ${change.toFixed()}`]
    return profit.equals(change) ? [] : [`the trade brought ${profit.toFixed()}, but ${change.toFixed()} was booked`]
  }
  if (cause === 'commission' && account) {
    const commission = lastFill?.id === reference ? amountOf(lastFill?.commission) : undefined
    if (!commission) return [`no fill ${reference} stands before this change of ${change.toFixed()}`]
    return commission.negated().equals(change)
      ? []
      : [`the commission is ${commission.toFixed()}, but ${change.toFixed()} was booked`]
  }
  return []
}

/** With nothing open, all that was booked for trading is in the closed trades. */
function totalFaults({ account, balance }: Ledger): string[] {
  if (!account || !balance || account.openPositions.size > 0) return []
  const { initial, transfers, trades } = account
  const expected = initial.plus(transfers).plus(trades)
  if (expected.equals(balance)) return []
  const parts = `${initial.toFixed()} to begin with, corrections and payouts of ${transfers.toFixed()} and trades of ${trades.toFixed()}`
  return [`the balance is ${balance.toFixed()}, but ${parts} make ${expected.toFixed()}`]
}
