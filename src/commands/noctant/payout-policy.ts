/**
 * Whether a payout may be granted: the frozen policy applied to the account's figures, every rule with what it asked for
 * and what it found. Pure and exact.
 *
 * Profit is what the lower of balance and equity has above the funded step's initial balance, so open losses count. A
 * correction that added to the balance is no profit; one that took from it has taken from the profit. What other requests
 * may still take is not available.
 */
import type { Decimal } from 'decimal.js'
import type { PayoutDecision, PayoutInput, PayoutSnapshot } from '../../events/noctant/payout.ts'
import { Exact, minorUnits } from './money.ts'

const DAY_MS = 24 * 3_600_000

export function evaluatePayout(snapshot: PayoutSnapshot, input: PayoutInput): PayoutDecision {
  const { policy, currency, initialBalance } = snapshot
  const digits = minorUnits(currency)
  const money = (amount: Decimal): string => amount.toFixed(Math.max(digits, amount.decimalPlaces()))
  const requested = new Exact(input.requestedAmount)
  const profit = Exact.min(input.balance, input.equity).minus(initialBalance).minus(Exact.max(0, input.corrections))
  const available = profit.minus(input.outstandingAmount)
  const remaining = available.minus(requested)
  const ordinal = input.payoutsBefore + 1
  const checks = [
    ...kycChecks(snapshot, input),
    ...countChecks(snapshot, ordinal),
    ...daysChecks(snapshot, input),
    {
      rule: 'minimum_profit',
      passed: available.greaterThanOrEqualTo(policy.minimumProfit),
      required: policy.minimumProfit,
      actual: money(available),
    },
    ...maximumChecks(snapshot, requested, available, money),
    {
      rule: 'required_remaining_buffer',
      passed: remaining.greaterThanOrEqualTo(policy.requiredRemainingBuffer),
      required: policy.requiredRemainingBuffer,
      actual: money(remaining),
    },
  ]
  const accepted = checks.every(({ passed }) => passed)
  const trader = requested.times(policy.profitSplitPercent).div(100).toDecimalPlaces(digits, Exact.ROUND_DOWN)
  const amounts = {
    grossAmount: money(requested),
    traderAmount: money(trader),
    firmRetainedAmount: money(requested.minus(trader)),
  }
  return {
    outcome: accepted ? 'accepted' : 'refused',
    checks,
    profit: money(profit),
    availableProfit: money(available),
    requiredRemainingBuffer: policy.requiredRemainingBuffer,
    granted: accepted ? { ...amounts, ordinal } : null,
  }
}

type Check = PayoutDecision['checks'][number]

function kycChecks({ kycRequired }: PayoutSnapshot, { kycStatus, kycVerified }: PayoutInput): Check[] {
  if (!kycRequired) return []
  const actual = kycStatus === 'verified' && !kycVerified ? 'expired' : (kycStatus ?? 'unreported')
  return [{ rule: 'kyc_verified', passed: kycVerified, required: 'verified', actual }]
}

function countChecks({ policy: { maximumCount } }: PayoutSnapshot, ordinal: number): Check[] {
  if (maximumCount === null) return []
  const passed = ordinal <= maximumCount
  return [{ rule: 'maximum_count', passed, required: String(maximumCount), actual: String(ordinal) }]
}

/** Since the request before it or, for the first, since the funded step began. */
function daysChecks({ policy, fundedAt }: PayoutSnapshot, { lastRequestedAt, evaluatedAt }: PayoutInput): Check[] {
  const after = (rule: string, since: string, days: number): Check => {
    const from = new Date(Date.parse(since) + days * DAY_MS)
    const passed = Date.parse(evaluatedAt) >= from.getTime()
    return { rule, passed, required: from.toISOString(), actual: evaluatedAt }
  }
  if (lastRequestedAt !== null) {
    return [after('minimum_days_between_payouts', lastRequestedAt, policy.minimumDaysBetweenPayouts)]
  }
  const { minimumDaysBeforeFirstPayout: days = 0 } = policy
  return days === 0 ? [] : [after('minimum_days_before_first_payout', fundedAt, days)]
}

function maximumChecks(
  { policy: { maximum } }: PayoutSnapshot,
  requested: Decimal,
  available: Decimal,
  money: (amount: Decimal) => string,
): Check[] {
  if (maximum === null) return []
  const limit = maximum.kind === 'amount' ? new Exact(maximum.value) : available.times(maximum.value).div(100)
  const passed = requested.lessThanOrEqualTo(limit)
  return [{ rule: 'maximum', passed, required: money(limit), actual: money(requested) }]
}
