/**
 * Schemas that every contract's requests need. What a contract leaves open in its document, and the system nevertheless
 * bounds, is checked by refinements: they refuse without showing in the document.
 */
import { z } from '@hono/zod-openapi'
import { Decimal } from 'decimal.js'
import { isUuid } from '../events/uuid.ts'
import { readTime } from '../runtime/rfc3339.ts'
import { InexactNumber, JsonSource } from './json.ts'

/** Text of at most `max` code points; a longer one is refused before other checks run over it. The document says so. */
export const text = (max: number, min = 0) => {
  const bounded = z.string().max(max, { abort: true })
  return min === 0 ? bounded : bounded.min(min)
}

/** The same bound where the contract leaves the length open: the document does not show it. */
export const boundedText = (max: number) =>
  z.string().refine((given) => hasAtMost(max, given), { message: `must have at most ${max} characters`, abort: true })

/** A list of at most `max` elements: a longer one is refused before zod looks at any of them. */
export const listOf = <S extends z.ZodType>(element: S, max: number, message = `must have at most ${max} elements`) =>
  z.preprocess((given, context) => {
    if (!Array.isArray(given) || given.length <= max) return given
    context.addIssue(message)
    return z.NEVER
  }, z.array(element))

/** An object of free names with at most `max` members, counted before zod looks at any of them. */
export const recordOf = <S extends z.ZodType>(value: S, max: number, nameMax = 255) =>
  z.preprocess(
    (given, context) => {
      if (typeof given !== 'object' || given === null || Array.isArray(given)) return given
      let count = 0
      for (const name in given) {
        count += 1
        if (count <= max && name.length <= nameMax) continue
        context.addIssue(`must have at most ${max} members, with names of at most ${nameMax} characters`)
        return z.NEVER
      }
      return given
    },
    z.record(z.string(), value),
  )

/** Any JSON of at most `max` values that comes with its text (JsonSource), numbers no double can come near refused. */
export const jsonSource = (max: number) =>
  z
    .any()
    .refine(
      (given) => given instanceof JsonSource && isBoundedJson(given.value, max),
      `must be JSON of at most ${max} values`,
    )

function isBoundedJson(value: unknown, max: number): boolean {
  const open: unknown[] = [value]
  let count = 0
  while (open.length > 0) {
    const each = open.pop()
    count += 1
    if (count > max || (each instanceof InexactNumber && !Number.isFinite(Number(each.source)))) return false
    if (typeof each !== 'object' || each === null || each instanceof InexactNumber) continue
    const inside = Object.values(each)
    if (count + open.length + inside.length > max) return false
    open.push(...inside)
  }
  return true
}

/** Any UUID in its usual form, in lower case from here on. */
export const uuid = z
  .string()
  .refine(isUuid, 'must be a UUID')
  .transform((text) => text.toLowerCase())
  .openapi({ type: 'string', format: 'uuid' })

export const optionalUuid = uuid.nullish().openapi({ type: ['string', 'null'], format: 'uuid' })

/** For answers, which hold what was validated when it came in. */
export const uuidOut = z.string().openapi({ type: 'string', format: 'uuid' })
export const nullableUuidOut = z
  .string()
  .nullable()
  .openapi({ type: ['string', 'null'], format: 'uuid' })

export const timeOut = z.string().openapi({ type: 'string', format: 'date-time' })
export const nullableTimeOut = z
  .string()
  .nullable()
  .openapi({ type: ['string', 'null'], format: 'date-time' })

/** RFC 3339 allows any number of digits after the second's point; more are no time that anybody keeps. */
const TIME_LENGTH_MAX = 100

/** A time from outside, in UTC and as it was sent; years 0001 to 9999. */
export const timeAsSent = boundedText(TIME_LENGTH_MAX)
  .transform((text, { addIssue }) => {
    const time = readTime(text)
    if (time === undefined) addIssue('must be a date and time such as 2026-03-02T09:00:00Z')
    // Years beyond four digits, which an offset can lead to, have a sign.
    else if (!/^(?!0000)\d/.test(time.utc)) addIssue('is out of range')
    else return { utc: time.utc, text }
    return z.NEVER
  })
  .openapi({ type: 'string', format: 'date-time' })

/** A time from outside, in UTC with milliseconds from here on. */
export const timeInput = timeAsSent.transform(({ utc }) => utc).openapi({ type: 'string', format: 'date-time' })

export const optionalTime = timeInput.nullish().openapi({ type: ['string', 'null'], format: 'date-time' })

/** Page sizes are part of what clients are promised, so no installation has its own. */
export const LIMIT_MAX = 200
export const LIMIT_DEFAULT = 50

/** A whole number in a query, within bounds; in the document an integer. */
export const wholeNumber = (min: number, max: number) =>
  z
    .string()
    .refine((given) => /^\d{1,9}$/.test(given) && Number(given) >= min && Number(given) <= max, {
      message: `must be a whole number from ${min} to ${max}`,
    })
    .transform(Number)
    .openapi({ type: 'integer' })

/** Page size from a query. */
export const limit = wholeNumber(1, LIMIT_MAX).openapi({ format: 'int64' }).optional()

/** Counts code points, as zod does: one takes one or two UTF-16 units. */
export const hasAtMost = (max: number, text: string): boolean =>
  text.length <= max || (text.length <= 2 * max && z.core.util.codePointLength(text) <= max)

/** An id that the caller has chosen: 1 to 255 characters, kept byte for byte. */
export const externalId = z
  .string()
  .refine((text) => text.length > 0 && hasAtMost(255, text), 'must have 1 to 255 characters')

const DECIMAL = /^-?\d+(\.\d+)?([eE]\d+)?$/

/** The contracts allow decimals as text and as numbers; an answer's are always text, without exponent. */
export const decimalOut = z.string().openapi({ type: ['string', 'number'], pattern: DECIMAL.source })
export const nullableDecimalOut = z
  .string()
  .nullable()
  .openapi({ type: ['string', 'number', 'null'], pattern: DECIMAL.source })

/** Digits of an amount, before and after the point together, that are worth reading. */
const DIGITS_MAX = 40
const DECIMAL_LENGTH_MAX = 1_000
const NO_DECIMAL = 'must be a decimal such as 100.50'

/**
 * A decimal from a request, as text without exponent and without needless zeros, exactly as much as was sent: a JSON
 * number that a double cannot hold is read from its source text.
 */
export const decimalInput = z
  .union([boundedText(DECIMAL_LENGTH_MAX).regex(DECIMAL, NO_DECIMAL), z.number(), z.instanceof(InexactNumber)], {
    error: ({ input }) => (input === undefined ? undefined : NO_DECIMAL),
  })
  .transform((given, context) => {
    const text = given instanceof InexactNumber ? given.source : String(given)
    const plain = plainDecimal(text)
    if (plain === undefined) context.addIssue(`must have at most ${DIGITS_MAX} digits`)
    return plain ?? ''
  })
  .openapi({ type: ['string', 'number'], pattern: DECIMAL.source })

function plainDecimal(text: string): string | undefined {
  if (text.length > 2 * DIGITS_MAX) return undefined
  const value = new Decimal(text)
  if (!value.isFinite() || Math.abs(value.e) > DIGITS_MAX || value.decimalPlaces() > DIGITS_MAX) return undefined
  return value.toFixed()
}
