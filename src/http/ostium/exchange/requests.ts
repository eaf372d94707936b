/**
 * What a trader may ask for, checked and in the units of the contracts. An amount that its unit cannot hold exactly is refused:
 * nothing is rounded here.
 */
import { z } from '@hono/zod-openapi'
import { ZERO_ADDRESS } from '../../../adapters/chain/address.ts'
import { PLACES, unitsOf, unitsOfNumber } from '../../../commands/ostium/decimals.ts'
import { wrongLevels } from '../../../commands/ostium/requests.ts'
import { complaint } from '../../complaints.ts'
import { InexactNumber } from '../../json.ts'
import { boundedText, listOf } from '../../schemas.ts'

/** The largest number of as many bits. */
const ofBits = (bits: bigint): bigint => 2n ** bits - 1n
const UINT8_MAX = 255
const UINT16_MAX = 65_535
const PRICE_MAX = ofBits(192n)
const AMOUNT_MAX = ofBits(256n)
const LEVERAGE_MAX = ofBits(32n)
/** More than any amount needs. */
const DECIMAL_LENGTH_MAX = 80
/** Before elements are looked at; how many of them one request may have is a setting, at most this. */
const ITEMS_MAX = 1_000

interface Amount {
  places: number
  min: bigint
  max: bigint
  says: string
}

/** A decimal in text, as whole units. */
const decimal = ({ places, min, max, says }: Amount) =>
  boundedText(DECIMAL_LENGTH_MAX)
    .transform((text, context) => {
      const units = unitsOf(text, places)
      if (units !== undefined && units >= min && units <= max) return units
      context.addIssue(`must be ${says}, a decimal in text with at most ${places} places`)
      return z.NEVER
    })
    .openapi({ type: 'string' })

const price = decimal({ places: PLACES.price, min: 1n, max: PRICE_MAX, says: 'a price above 0' })
const level = decimal({ places: PLACES.price, min: 0n, max: PRICE_MAX, says: 'a price, or 0 for the default' })
const collateral = decimal({ places: PLACES.usdc, min: 5_000_000n, max: AMOUNT_MAX, says: 'an amount of at least 5' })
const leverage = decimal({ places: PLACES.leverage, min: 100n, max: LEVERAGE_MAX, says: 'a leverage of at least 1' })
const change = decimal({
  ...{ places: PLACES.usdc, min: -AMOUNT_MAX, max: AMOUNT_MAX },
  says: 'an amount to add, or below 0 to remove',
}).refine((units) => units !== 0n, 'must not be 0')

interface Percentage {
  places: number
  min: number
  max: number
  fallback?: number
}

/** A JSON number as whole units, exactly as it was written. */
const percentage = ({ places, min, max, fallback }: Percentage) => {
  const says = `must be a number from ${min} to ${max} with at most ${places} places`
  const isWithin = (units: bigint) => {
    const scale = 10 ** places
    return units >= BigInt(Math.round(min * scale)) && units <= BigInt(Math.round(max * scale))
  }
  return z
    .union([z.number(), z.instanceof(InexactNumber)], {
      error: ({ input }) => (input === undefined ? undefined : says),
    })
    .transform((given, context) => {
      const units = unitsOfNumber(given instanceof InexactNumber ? given.source : String(given), places)
      if (units !== undefined && isWithin(units)) return units
      context.addIssue(says)
      return z.NEVER
    })
    .openapi({ type: 'number', minimum: min, maximum: max, ...(fallback !== undefined && { default: fallback }) })
}

const slippage = percentage({ places: PLACES.percent, min: 0, max: 100, fallback: 0.25 })

/** A number that a word of the contract holds; the document says only that it is not below 0. */
const index = (max: number) =>
  z
    .int()
    .min(0)
    .refine((given) => given <= max, `must be at most ${max}`)
const pair = index(UINT16_MAX)
const place = index(UINT8_MAX)
const orderId = z.int().min(0)

const isUnits = (value: unknown): value is bigint => typeof value === 'bigint'

/** Levels on the right side of the price, as far as the rest of the order can be read. */
const standsRight = (name: 'tp' | 'sl') => (order: { b: boolean; p: bigint; tp?: bigint; sl?: bigint }) => {
  const levels = { tp: 0n, sl: 0n, [name]: order[name] ?? 0n }
  return !wrongLevels(order.b, order.p, levels).includes(name)
}
const rightOf = (name: 'tp' | 'sl', says: string) => ({
  path: [name],
  error: says,
  when({ value }: { value: unknown }) {
    if (typeof value !== 'object' || value === null) return false
    const order = value as Record<string, unknown>
    return typeof order.b === 'boolean' && isUnits(order.p) && isUnits(order[name])
  },
})

/** At least one. */
const someOf = <S extends z.ZodType>(element: S) =>
  listOf(element, ITEMS_MAX)
    .refine((given) => given.length > 0, 'must have at least 1 element')
    .openapi({ minItems: 1 })

export const openRequest = z
  .object({
    open: z
      .object({
        ...{ a: pair, b: z.boolean(), t: z.enum(['market', 'limit', 'stop']) },
        ...{ p: price, s: collateral, l: leverage, tp: level.optional(), sl: level.optional() },
      })
      .refine(
        standsRight('tp'),
        rightOf('tp', 'must be above the price of a long position, and below that of a short one'),
      )
      .refine(
        standsRight('sl'),
        rightOf('sl', 'must be below the price of a long position, and above that of a short one'),
      )
      .openapi('Open'),
    bd: z
      .object({
        b: z
          .string()
          .regex(/^0x[a-fA-F0-9]{40}$/, 'must be an address')
          .openapi({ type: 'string', pattern: '^0x[a-fA-F0-9]{40}$' }),
        f: percentage({ places: PLACES.fee, min: 0, max: 0.5 }),
      })
      .refine(({ b, f }) => b !== ZERO_ADDRESS || f === 0n, {
        path: ['b'],
        error: 'must be an address that takes the fee, not the zero address',
        when: ({ value }) => isUnits((value as { f?: unknown } | null)?.f),
      })
      .openapi('BuilderConfig')
      .optional(),
    sp: slippage.optional(),
  })
  .openapi('OpenRequest')

export const closeRequest = z
  .object({
    closes: someOf(
      z
        .object({ a: pair, t: place, p: price, r: percentage({ places: PLACES.percent, min: 1, max: 100 }) })
        .openapi('CloseItem'),
    ),
    sp: slippage.optional(),
  })
  .openapi('CloseRequest')

/** What each kind of cancel needs. */
const placeOfOrder = z.object({ t: z.literal('limit'), a: pair, i: place })
const idOfOrder = z.object({ t: z.enum(['close', 'open']), o: orderId })
/** Any value, since it may belong to the other kind. */
const ofOneKind = z.unknown().optional().openapi({ type: 'integer', minimum: 0 })

const cancelItem = z
  .object({ t: z.enum(['limit', 'close', 'open']), ...{ a: ofOneKind, i: ofOneKind, o: ofOneKind } })
  .transform((given, context) => {
    const kind = given.t === 'limit' ? placeOfOrder : idOfOrder
    const { data, error } = kind.safeParse(given, { error: complaint })
    if (data) return data
    for (const { path, message } of error.issues) context.addIssue({ code: 'custom', path, message })
    return z.NEVER
  })
  .openapi('CancelItem')

export const cancelRequest = z.object({ cancels: someOf(cancelItem) }).openapi('CancelRequest')

const ONE_LEVEL = 'must be the only level: without p, one of tp and sl is changed at a time'
/** What is wrong with the places hides nothing about the levels. */
const hasReadLevels = ({ value, issues }: z.core.ParsePayload): boolean =>
  typeof value === 'object' && issues.every(({ path = [] }) => path[0] === 'a' || path[0] === 'i')

export const modifyRequest = z
  .object({ a: pair, i: place, p: price.optional(), tp: level.optional(), sl: level.optional() })
  .superRefine(
    ({ p, tp, sl }, { addIssue }) => {
      if (p !== undefined || (tp === undefined) !== (sl === undefined)) return
      for (const name of ['tp', 'sl']) addIssue({ code: 'custom', path: [name], message: ONE_LEVEL })
    },
    { when: hasReadLevels },
  )
  .openapi('ModifyRequest')

export const marginRequest = z.object({ a: pair, i: place, amount: change }).openapi('MarginRequest')
