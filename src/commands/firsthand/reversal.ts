/** Money that went back of a payment: by refunds, of which the provider tells all so far, and by disputes, each by itself. */

export interface Reversed {
  /** By refunds and by disputes, at most what was paid. */
  reversedCents: bigint
  /** By refunds alone. */
  refundedCents: bigint
}

export const NOTHING_REVERSED: Reversed = { reversedCents: 0n, refundedCents: 0n }

export type Reversal =
  /** By all refunds so far. */
  | { cause: 'refund'; refundedCents: bigint }
  /** By this dispute: its command must have an id of its own, since a second one of the same amount counts as well. */
  | { cause: 'dispute'; disputedCents: bigint }

/** The amounts of the event; undefined: nothing more goes back. The whole is never more than `paidCents`. */
export function reversalOf(before: Reversed, reversal: Reversal, paidCents: bigint) {
  const told = reversal.cause === 'refund' ? reversal.refundedCents - before.refundedCents : reversal.disputedCents
  const left = paidCents - before.reversedCents
  const amountCents = told < left ? told : left
  if (amountCents <= 0n) return undefined
  return { amountCents: amountCents.toString(), reversedCents: (before.reversedCents + amountCents).toString() }
}

type Amounts = { cause: Reversal['cause']; amountCents: string; reversedCents: string }

/** What went back after this event. */
export const afterReversal = (
  { refundedCents }: Reversed,
  { cause, amountCents, reversedCents }: Amounts,
): Reversed => ({
  reversedCents: BigInt(reversedCents),
  refundedCents: cause === 'refund' ? refundedCents + BigInt(amountCents) : refundedCents,
})
