/**
 * The arithmetic of challenge rules: pure, exact, one engine event after the other. Figures follow every event; rules
 * are looked at where the engine tells a whole set of figures (AccountMarked), so never between two halves of a step.
 * An equity right on a floor is not below it. Percentages are of the template's initial balance.
 *
 * Money that was not traded for moves the anchors along: corrections all of them, payouts the peaks and the day's start,
 * so that neither breaks a rule nor reaches a target by itself. A static floor stays where it is when profit is paid out.
 */
import type { Decimal } from 'decimal.js'
import type { ChallengeMeasures } from '../../events/noctant/challenge.ts'
import type { EngineEvent } from '../../events/noctant/engine.ts'
import type { TemplateStep, TemplateTerms, Threshold } from '../../events/noctant/template.ts'
import { Exact, minorUnits } from './money.ts'
import { tradingDayOf } from './trading-day.ts'

const DAY_MS = 24 * 3_600_000

export interface Breach {
  rule: 'maximum_daily_loss' | 'maximum_drawdown'
  limit: Threshold
  limitAmount: string
  anchor: string
  floor: string
  equity: string
  engineSequence: number
}

export interface Reached {
  target: Threshold | null
  targetAmount: string | null
  profit: string
  tradingDays: number
  profitableDays: number
  minimumTradingDays: number
  minimumProfitableDays: number
}

const moneyIn = (currency: string) => (amount: Decimal) =>
  amount.toFixed(Math.max(amount.decimalPlaces(), minorUnits(currency)))

const higher = (a: string, b: string): string => (new Exact(b).greaterThan(a) ? b : a)
const sum = (terms: TemplateTerms, a: string, b: string): string => moneyIn(terms.currency)(new Exact(a).plus(b))
const nothing = (terms: TemplateTerms): string => moneyIn(terms.currency)(new Exact(0))

/** A threshold as an amount of the template's currency. */
export function amountOf(limit: Threshold, terms: TemplateTerms): Decimal {
  return limit.kind === 'amount' ? new Exact(limit.value) : new Exact(terms.initialBalance).times(limit.value).div(100)
}

export function stepOf(terms: TemplateTerms, sequence: number): TemplateStep {
  const step = terms.steps.find((each) => each.sequence === sequence)
  if (!step) throw new Error(`the terms have no step ${sequence}`)
  return step
}

/** The measures of a step that begins flat with this balance. */
export function beginStep(
  terms: TemplateTerms,
  stepSequence: number,
  balance: string,
  at: string,
  before?: ChallengeMeasures,
): ChallengeMeasures {
  const zero = nothing(terms)
  const { timeLimitDays } = stepOf(terms, stepSequence)
  const begun = {
    engineSequence: before?.engineSequence ?? 0,
    measuredAt: at,
    balance,
    equity: balance,
    openPositions: 0,
    stepSequence,
    stepStartedAt: at,
    expiresAt: timeLimitDays === null ? null : new Date(Date.parse(at) + timeLimitDays * DAY_MS).toISOString(),
    stepInitialBalance: balance,
    corrections: zero,
    payouts: zero,
    transfers: before?.transfers ?? zero,
    day: {
      ...tradingDayOf(at, terms.dayBoundary),
      startEquity: balance,
      startRecordedAt: at,
      realized: zero,
      traded: false,
    },
    tradingDays: 0,
    profitableDays: 0,
    peakBalance: balance,
    peakEquity: balance,
    peakBalanceEod: null,
    peakEquityEod: null,
    dailyPnl: zero,
    totalPnl: zero,
    drawdown: zero,
  }
  return derived(begun, terms)
}

/** The measures with the figures that follow from the others. */
function derived(measures: ChallengeMeasures, terms: TemplateTerms): ChallengeMeasures {
  const money = moneyIn(terms.currency)
  const equity = new Exact(measures.equity)
  const below = new Exact(drawdownAnchor(measures, stepOf(terms, measures.stepSequence), terms)).minus(equity)
  return {
    ...measures,
    dailyPnl: money(equity.minus(measures.day.startEquity)),
    totalPnl: money(equity.minus(terms.initialBalance).minus(measures.transfers)),
    drawdown: money(below.isNegative() ? new Exact(0) : below),
  }
}

/** Closes the days that are over at this time. Days without events have nothing to close but the first of them. */
export function rollDay(measures: ChallengeMeasures, at: string, terms: TemplateTerms): ChallengeMeasures {
  const { day, balance, equity } = measures
  if (Date.parse(at) < Date.parse(day.endsAt)) return measures
  const { profitableDayMinimum } = stepOf(terms, measures.stepSequence)
  const realized = new Exact(day.realized)
  const isProfitable =
    profitableDayMinimum === null ? realized.greaterThan(0) : realized.greaterThanOrEqualTo(profitableDayMinimum)
  const rolled = {
    ...measures,
    measuredAt: at,
    profitableDays: measures.profitableDays + (day.traded && isProfitable ? 1 : 0),
    peakBalanceEod: measures.peakBalanceEod === null ? balance : higher(measures.peakBalanceEod, balance),
    peakEquityEod: measures.peakEquityEod === null ? equity : higher(measures.peakEquityEod, equity),
    day: {
      ...tradingDayOf(at, terms.dayBoundary),
      startEquity: equity,
      startRecordedAt: at,
      realized: nothing(terms),
      traded: false,
    },
  }
  return derived(rolled, terms)
}

/** The figures after one more engine event; the day has been closed before where it was over. */
export function follow(measures: ChallengeMeasures, event: EngineEvent, terms: TemplateTerms): ChallengeMeasures {
  const { sequence: engineSequence, occurredAt: measuredAt } = event.data
  const next: ChallengeMeasures = { ...measures, engineSequence, measuredAt }
  switch (event.type) {
    case 'noctant.EngineOrderFilled.v1':
      if (next.day.traded) return next
      return { ...next, tradingDays: next.tradingDays + 1, day: { ...next.day, traded: true } }
    case 'noctant.EngineBalanceChanged.v1':
      return derived(changedBalance(next, event.data, terms), terms)
    case 'noctant.EngineAccountMarked.v1': {
      const { balance, equity, positions } = event.data
      const peakBalance = higher(next.peakBalance, balance)
      const peakEquity = higher(next.peakEquity, equity)
      const openPositions = positions.length
      return derived({ ...next, balance, equity, openPositions, peakBalance, peakEquity }, terms)
    }
    default:
      return next
  }
}

function changedBalance(
  measures: ChallengeMeasures,
  { cause, change }: { cause: string; change: string },
  terms: TemplateTerms,
): ChallengeMeasures {
  const plus = (amount: string) => sum(terms, amount, change)
  const { day } = measures
  if (cause !== 'correction' && cause !== 'payout') {
    return { ...measures, day: { ...day, realized: plus(day.realized) } }
  }
  const moved: ChallengeMeasures = {
    ...measures,
    balance: plus(measures.balance),
    equity: plus(measures.equity),
    transfers: plus(measures.transfers),
    peakBalance: plus(measures.peakBalance),
    peakEquity: plus(measures.peakEquity),
    peakBalanceEod: measures.peakBalanceEod === null ? null : plus(measures.peakBalanceEod),
    peakEquityEod: measures.peakEquityEod === null ? null : plus(measures.peakEquityEod),
    day: { ...day, startEquity: plus(day.startEquity) },
  }
  if (cause === 'correction') return { ...moved, corrections: plus(measures.corrections) }
  return { ...moved, payouts: moneyIn(terms.currency)(new Exact(measures.payouts).minus(change)) }
}

/** What the drawdown hangs from at the moment. */
export function drawdownAnchor(measures: ChallengeMeasures, step: TemplateStep, terms: TemplateTerms): string {
  const initial = sum(terms, measures.stepInitialBalance, measures.corrections)
  switch (step.maximumDrawdown?.mode) {
    case 'trailing_intraday':
      return measures.peakEquity
    case 'trailing_end_of_day':
      return measures.peakEquityEod === null ? initial : higher(initial, measures.peakEquityEod)
    default:
      return initial
  }
}

/** The rule that these figures break, the day's loss first; undefined where they break none. */
export function breachOf(measures: ChallengeMeasures, terms: TemplateTerms): Breach | undefined {
  const step = stepOf(terms, measures.stepSequence)
  const { maximumDailyLoss, maximumDrawdown } = step
  const day = maximumDailyLoss && below('maximum_daily_loss', maximumDailyLoss, measures.day.startEquity)
  return (
    day ??
    (maximumDrawdown && below('maximum_drawdown', maximumDrawdown, drawdownAnchor(measures, step, terms))) ??
    undefined
  )

  function below(rule: Breach['rule'], { kind, value }: Threshold, anchor: string): Breach | undefined {
    const money = moneyIn(terms.currency)
    const limit = { kind, value }
    const amount = amountOf(limit, terms)
    const floor = new Exact(anchor).minus(amount)
    const { equity, engineSequence } = measures
    if (!floor.greaterThan(equity)) return undefined
    return { rule, limit, limitAmount: money(amount), anchor, floor: money(floor), equity, engineSequence }
  }
}

/** Realised profit of the step. */
export function profitOf(measures: ChallengeMeasures, terms: TemplateTerms): string {
  const { balance, stepInitialBalance, corrections, payouts } = measures
  return moneyIn(terms.currency)(new Exact(balance).minus(stepInitialBalance).minus(corrections).plus(payouts))
}

/** Whether an evaluation is done: everything closed, the target reached, and enough days of either kind. */
export function reachedBy(measures: ChallengeMeasures, terms: TemplateTerms): Reached | undefined {
  const step = stepOf(terms, measures.stepSequence)
  if (step.kind === 'funded' || measures.openPositions > 0) return undefined
  const { tradingDays, profitableDays } = measures
  const { minimumTradingDays, minimumProfitableDays, profitTarget } = step
  if (tradingDays < minimumTradingDays || profitableDays < minimumProfitableDays) return undefined
  const targetAmount = profitTarget && amountOf(profitTarget, terms)
  const profit = profitOf(measures, terms)
  if (targetAmount?.greaterThan(profit)) return undefined
  return {
    target: profitTarget,
    targetAmount: targetAmount && moneyIn(terms.currency)(targetAmount),
    profit,
    tradingDays,
    profitableDays,
    minimumTradingDays,
    minimumProfitableDays,
  }
}
