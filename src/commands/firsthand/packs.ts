/** What is sold: five packs, the larger ones with credits on top. Whole cents. */
const BONUS_BY_PACK = {
  1000: 0,
  2500: 125,
  5000: 500,
  10000: 1_500,
  25000: 5_000,
} as const

/** What a purchase of so much gets on top; nothing where it is no pack. */
export const bonusOf = (amountCents: bigint): bigint =>
  BigInt((BONUS_BY_PACK as Readonly<Record<string, number>>)[String(amountCents)] ?? 0)
