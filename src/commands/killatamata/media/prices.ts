/**
 * Prices of media, from presets/killatamata/prices.json. A job keeps the numbers that it was priced with, so that a later table changes
 * nothing of what was sold. All arithmetic is of whole numbers, rounded up after each step.
 */
import { readFileSync } from 'node:fs'
import { z } from 'zod'
import type { Pricing } from '../../../events/killatamata/media.ts'

const whole = z.int().positive()
const entry = z.strictObject({
  unit: z.string(),
  /** How many units cost `unitUsdMicros`. */
  unitSize: whole,
  unitUsdMicros: whole,
  minimumUsdMicros: whole.optional(),
  factors: z.record(z.string(), z.number().min(1)).optional(),
  /** What it is billed by in the end, at most what was held. */
  completion: z.strictObject({ unit: z.string(), unitUsdMicros: whole }).optional(),
})
const schema = z.strictObject({ version: z.string(), tasks: z.record(z.string(), entry) })

const FILE = new URL('../../../../presets/killatamata/prices.json', import.meta.url)
const table = schema.parse(JSON.parse(readFileSync(FILE, 'utf8')))

/** What a job is to be billed for. */
export interface Bill {
  /** The line of the table. */
  line: string
  /** Whole units. */
  quantity: number
  /** Names of the table's factors, in the order in which they are applied. */
  factors?: readonly string[]
  billedAt: Pricing['billedAt']
  /** What else explains the price. */
  details?: Pricing['details']
}

/** A factor has at most this many parts of one. */
const FACTOR_PARTS = 1_000

const dividedUp = (value: bigint, by: bigint): bigint => (value + by - 1n) / by

export function pricingOf({ line, quantity, factors = [], billedAt, details = {} }: Bill): Pricing {
  const priced = table.tasks[line]
  if (!priced) throw new Error(`${line} has no price`)
  const { unit, unitSize, unitUsdMicros, minimumUsdMicros = 0, factors: known = {}, completion } = priced
  const multipliers = factors.map((name) => {
    const factor = known[name]
    if (factor === undefined) throw new Error(`${line} has no factor ${name}`)
    return { name, factor }
  })
  return {
    ...{ priceVersion: table.version, unit, quantity, unitUsdMicros, unitSize, minimumUsdMicros },
    ...{ multipliers, billedAt, details: { ...details, ...(completion && { completion }) } },
  }
}

/** In micro-dollars; `quantity` in place of the one that the price was made with. */
export function priceOf(pricing: Pricing, quantity: number = pricing.quantity): bigint {
  const { unitUsdMicros, unitSize, minimumUsdMicros, multipliers } = pricing
  const plain = dividedUp(BigInt(quantity) * BigInt(unitUsdMicros), BigInt(unitSize))
  const least = plain < BigInt(minimumUsdMicros) ? BigInt(minimumUsdMicros) : plain
  return multipliers.reduce(
    (price, { factor }) => dividedUp(price * BigInt(Math.round(factor * FACTOR_PARTS)), BigInt(FACTOR_PARTS)),
    least,
  )
}

/** What a job costs that was held at its most: by what came out, where the price says so, and never more than the hold. */
export function finalPrice(
  pricing: Pricing,
  holdMicros: bigint,
  { quantity, tenths }: { quantity: number; tenths: number },
) {
  const { completion } = pricing.details
  const by = completionSchema.safeParse(completion)
  const price = by.success ? BigInt(tenths) * BigInt(by.data.unitUsdMicros) : priceOf(pricing, quantity)
  return price < holdMicros ? price : holdMicros
}
const completionSchema = z.object({ unitUsdMicros: whole })
