/**
 * Credits that are bought, each purchase once, and what is taken back where its money went back. What the purchase's lots
 * do not hold any more is owed: it bars new jobs, and whatever credits come in pay it first.
 */
import type { PurchaseSource, WalletEvent } from '../../events/firsthand/wallet.ts'
import { monthsLater, sumOf, take } from './lots.ts'
import { bonusOf } from './packs.ts'
import { CREDITS_GOOD_MONTHS, evolveWallet, nextTransactionId, type Of, type WalletState } from './wallet-state.ts'

/** The credits of a purchase; none where it was credited before. */
export function buy(source: PurchaseSource, amount: bigint, before: WalletState, of: Of): WalletEvent[] {
  if (before.purchases.has(source.id)) return []
  const endsAt = monthsLater(of.occurredAt, CREDITS_GOOD_MONTHS)
  const events: WalletEvent[] = []
  let state = before
  const add = (kind: 'purchase' | 'bonus', cents: bigint) => {
    const amounts = { amountCents: cents.toString(), balanceCents: (state.balance + cents).toString() }
    const data = { ...of, transactionId: nextTransactionId(state, of), kind, ...amounts, endsAt, source }
    const event: WalletEvent = { type: 'firsthand.CreditsPurchased.v1', data }
    events.push(event)
    state = evolveWallet(state, event)
  }
  add('purchase', amount)
  const bonus = bonusOf(amount)
  if (bonus > 0n) add('bonus', bonus)
  return [...events, ...payDebt(before, state, of)]
}

/**
 * Takes back what the purchase's lots still hold of money that went back; `reversed` is all of it so far. The bonus goes in
 * proportion. The rest is owed.
 */
export function clawBack(source: PurchaseSource, reversed: bigint, state: WalletState, of: Of): WalletEvent[] {
  const purchase = state.purchases.get(source.id)
  if (!purchase) throw new Error(`${source.id}: money went back of a purchase that was not credited`)
  const { paid, bonus, lotIds } = purchase
  const most = reversed > paid ? paid : reversed
  if (most <= purchase.reversed) return []
  const creditsOf = (money: bigint): bigint => money + (bonus * money) / paid
  const wanted = creditsOf(most) - creditsOf(purchase.reversed)
  const taken = takeFrom(lotIds, wanted, state, of)
  const owedCents = (state.owed + wanted - taken.amount).toString()
  const data = { ...of, ...taken.told, source, reversedCents: most.toString(), owedCents }
  return [{ type: 'firsthand.CreditsClawedBack.v1', data }]
}

/** What came in since `before` pays what is owed, as far as it goes. */
export function payDebt(before: WalletState, state: WalletState, of: Of): WalletEvent[] {
  const came = state.balance - before.balance
  if (state.owed === 0n || came <= 0n) return []
  const wasIn = (lotId: string) => sumIn(before, lotId)
  const lotIds = state.lots.filter(({ lotId }) => sumIn(state, lotId) > wasIn(lotId)).map(({ lotId }) => lotId)
  const taken = takeFrom(lotIds, came < state.owed ? came : state.owed, state, of)
  const owedCents = (state.owed - taken.amount).toString()
  const data = { ...of, ...taken.told, source: null, reversedCents: null, owedCents }
  return [{ type: 'firsthand.CreditsClawedBack.v1', data }]
}

const sumIn = ({ lots }: WalletState, id: string): bigint =>
  lots.reduce((sum, { lotId, remaining }) => (lotId === id ? sum + remaining : sum), 0n)

/** Of these lots, at most `wanted`. */
function takeFrom(lotIds: readonly string[], wanted: bigint, state: WalletState, of: Of) {
  const lots = state.lots.filter(({ lotId }) => lotIds.includes(lotId))
  const held = lots.reduce((sum, { remaining }) => sum + remaining, 0n)
  const amount = held < wanted ? held : wanted
  const parts = take(lots, amount)
  if (sumOf(parts) !== amount) throw new Error(`${sumOf(parts)} cents were taken for ${amount}`)
  const transactionId = amount === 0n ? null : nextTransactionId(state, of)
  const balanceCents = (state.balance - amount).toString()
  return { amount, told: { transactionId, parts, amountCents: amount.toString(), balanceCents } }
}
