/**
 * When credits are bought by themselves: at a fall of the balance below the threshold, one top-up at a time, and at most ten
 * a day. The event stands in the same append as the fall, so that fifty jobs at once make one.
 */
import type { WalletEvent } from '../../events/firsthand/wallet.ts'
import { prefixedId } from '../../runtime/ulid.ts'
import type { Of, WalletState } from './wallet-state.ts'

/** As the organization has set it. */
export interface TopUpRule {
  thresholdCents: bigint
  amountCents: bigint
}

/** The wallet's top-ups so far. */
export interface TopUps {
  underWay: string | null
  /** Of the last one that came due; '' before the first. */
  lastAt: string
  /** Those of the UTC day of the last one. */
  today: number
}

export const NO_TOP_UPS: TopUps = { underWay: null, lastAt: '', today: 0 }

const TOP_UPS_A_DAY_MAX = 10

/** After events that made the balance go from `before` to that of `state`. */
export const crossing = (before: bigint, state: WalletState, rule: TopUpRule | null | undefined, of: Of) =>
  rule && before >= rule.thresholdCents && state.balance < rule.thresholdCents ? due(state, rule, of) : []

/** Settings that are saved while the balance is below count as a fall. Whatever came due since is the answer to them. */
export const savedBelow = (savedAt: string, state: WalletState, rule: TopUpRule | null, of: Of): WalletEvent[] =>
  rule && state.balance < rule.thresholdCents && state.topUps.lastAt < savedAt ? due(state, rule, of) : []

const dayOf = (at: string): string => at.slice(0, 10)
const countOn = ({ lastAt, today }: TopUps, at: string): number => (dayOf(lastAt) === dayOf(at) ? today : 0)

function due(state: WalletState, { thresholdCents, amountCents }: TopUpRule, of: Of): WalletEvent[] {
  const { topUps, balance } = state
  const { organizationId, environment, occurredAt } = of
  if (topUps.underWay !== null || countOn(topUps, occurredAt) >= TOP_UPS_A_DAY_MAX) return []
  const topUpId = prefixedId('tup', occurredAt, `${organizationId} ${environment} ${topUps.lastAt} ${topUps.today}`)
  const figures = { amountCents: amountCents.toString(), thresholdCents: thresholdCents.toString() }
  return [{ type: 'firsthand.AutoTopUpDue.v1', data: { ...of, balanceCents: balance.toString(), topUpId, ...figures } }]
}

type TopUpEvent = Extract<WalletEvent, { type: `firsthand.AutoTopUp${string}` }>

export function evolveTopUps(topUps: TopUps, { type, data }: TopUpEvent): TopUps {
  const { topUpId, occurredAt } = data
  if (type === 'firsthand.AutoTopUpDue.v1') {
    return { underWay: topUpId, lastAt: occurredAt, today: countOn(topUps, occurredAt) + 1 }
  }
  return { ...topUps, underWay: topUps.underWay === topUpId ? null : topUps.underWay }
}

/** What a top-up has come to: paid (its credits come in the same append), failed for good, or not wanted any more. */
export type TopUpEnd =
  | { as: 'settled' | 'cancelled' }
  | { as: 'failed'; amountCents: bigint; attempts: number; reason: string }

/** None where it has ended before. */
export function endTopUp(topUpId: string, end: TopUpEnd, state: WalletState, of: Of): WalletEvent[] {
  if (state.topUps.underWay !== topUpId) return []
  const data = { ...of, balanceCents: state.balance.toString(), topUpId }
  switch (end.as) {
    case 'settled':
      return [{ type: 'firsthand.AutoTopUpSettled.v1', data }]
    case 'cancelled':
      return [{ type: 'firsthand.AutoTopUpCancelled.v1', data }]
    case 'failed': {
      const { attempts, reason } = end
      const failed = { ...data, amountCents: end.amountCents.toString(), attempts, reason }
      return [{ type: 'firsthand.AutoTopUpFailed.v1', data: failed }]
    }
    default:
      return end satisfies never
  }
}
