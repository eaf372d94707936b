/**
 * Credits in lots, each with its end. What ends first is spent first; of what ends together, the older. A hold names the
 * parts that it took, so that what a job did not use goes back to where it came from. All of it is arithmetic on whole
 * cents.
 */

import type { LotKind } from '../../events/firsthand/vocabulary.ts'
import type { LotPart } from '../../events/firsthand/wallet.ts'

export interface Lot {
  lotId: string
  kind: LotKind
  /** RFC 3339 in UTC with milliseconds: later times are greater texts. */
  endsAt: string
  remaining: bigint
}

/** What goes back to a lot that has ended, or is about to, can be spent for so long. */
const REFUND_GOOD_MS = 30 * 86_400_000

export const hasEnded = ({ endsAt }: Lot, at: string): boolean => endsAt <= at

export const sumOf = (parts: readonly { amountCents: string }[]): bigint =>
  parts.reduce((sum, { amountCents }) => sum + BigInt(amountCents), 0n)

/** The parts of lots that such an amount takes. The lots hold as much; they are in the order in which they are spent. */
export function take(lots: readonly Lot[], amount: bigint): LotPart[] {
  const parts: LotPart[] = []
  let missing = amount
  for (const { remaining, ...lot } of lots) {
    if (missing === 0n) break
    const taken = remaining < missing ? remaining : missing
    missing -= taken
    parts.push({ ...lot, amountCents: taken.toString(), remainingCents: (remaining - taken).toString() })
  }
  if (missing > 0n) throw new Error(`the lots lack ${missing} cents of what the balance says`)
  return parts
}

/**
 * Where an amount out of these parts goes back: the last that was taken goes back first, each into a lot of its own end,
 * or of one 30 days from now where that is later.
 */
export function giveBack(lots: readonly Lot[], held: readonly LotPart[], amount: bigint, at: string): LotPart[] {
  const soonest = new Date(Date.parse(at) + REFUND_GOOD_MS).toISOString()
  const back: LotPart[] = []
  let left = amount
  for (const { lotId, kind, endsAt: end, amountCents } of held.toReversed()) {
    if (left === 0n) break
    const most = BigInt(amountCents)
    const part = most < left ? most : left
    left -= part
    const endsAt = end < soonest ? soonest : end
    const remaining = lots.find((lot) => lot.lotId === lotId && lot.endsAt === endsAt)?.remaining ?? 0n
    back.push({
      ...{ lotId, kind, endsAt },
      amountCents: part.toString(),
      remainingCents: (remaining + part).toString(),
    })
  }
  if (left > 0n) throw new Error(`a refund of ${amount} cents is more than was held`)
  return back
}

/** The lots with these as they are now: empty ones go, and those that end first come first. */
export function withLots(lots: readonly Lot[], changed: readonly Lot[]): Lot[] {
  const isSame = (a: Lot, b: Lot) => a.lotId === b.lotId && a.endsAt === b.endsAt
  const kept = lots.map((lot) => changed.find((each) => isSame(each, lot)) ?? lot)
  const added = changed.filter((each) => !lots.some((lot) => isSame(lot, each)))
  return [...kept, ...added]
    .filter(({ remaining }) => remaining > 0n)
    .toSorted((a, b) => compare(a.endsAt, b.endsAt) || compare(a.lotId, b.lotId))
}

/** Ids of lots sort by the time they were made. */
const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

export const lotOf = ({ lotId, kind, endsAt, remainingCents }: LotPart): Lot => ({
  ...{ lotId, kind, endsAt },
  remaining: BigInt(remainingCents),
})

/** So many calendar months on, at the same time of day; the last day of a month that is shorter. */
export function monthsLater(at: string, months: number): string {
  const time = new Date(at)
  const day = time.getUTCDate()
  time.setUTCDate(1)
  time.setUTCMonth(time.getUTCMonth() + months)
  const lastDay = new Date(Date.UTC(time.getUTCFullYear(), time.getUTCMonth() + 1, 0)).getUTCDate()
  time.setUTCDate(Math.min(day, lastDay))
  return time.toISOString()
}
