/**
 * Schemas that every contract's requests need. What a contract leaves open in its document, and the system nevertheless
 * bounds, is checked by refinements: they refuse without showing in the document.
 */
import { z } from '@hono/zod-openapi'
import { Decimal } from 'decimal.js'
import { isUuid } from '../events/uuid.ts'
import { InexactNumber } from './json.ts'

/** Any UUID in its usual form, in lower case from here on. */
export const uuid = z
  .string()
  .refine(isUuid, 'is to be a UUID')
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

const RFC3339 = z.regexes.datetime({ offset: true })

/** A point in time from outside: RFC 3339, in UTC with milliseconds from here on; years 0001 to 9999. */
export const timeInput = z
  .string()
  .transform((text, { addIssue }) => {
    const time = RFC3339.test(text) ? new Date(text) : undefined
    if (time === undefined) addIssue('is to be an RFC 3339 date and time')
    // Years beyond four digits, which an offset can lead to, have a sign.
    else if (Number.isNaN(time.getTime()) || !/^(?!0000)\d/.test(time.toISOString())) addIssue('is out of range')
    else return time.toISOString()
    return z.NEVER
  })
  .openapi({ type: 'string', format: 'date-time' })

export const optionalTime = timeInput.nullish().openapi({ type: ['string', 'null'], format: 'date-time' })

export const LIMIT_MAX = 200
export const LIMIT_DEFAULT = 50

/** Page size from a query. */
export const limit = z
  .string()
  .refine((text) => /^\d{1,3}$/.test(text) && Number(text) >= 1 && Number(text) <= LIMIT_MAX, {
    message: `is to be a whole number from 1 to ${LIMIT_MAX}`,
  })
  .transform(Number)
  .openapi({ type: 'integer', format: 'int64' })
  .optional()

const characters = (text: string): number => [...text].length

/** An id that the caller has chosen: 1 to 255 characters, kept byte for byte. */
export const externalId = z
  .string()
  .refine(
    (text) => text.length > 0 && text.length <= 1_020 && characters(text) <= 255,
    'is to have 1 to 255 characters',
  )

const DECIMAL = /^-?\d+(\.\d+)?([eE]\d+)?$/

/** The contracts allow decimals as text and as numbers; an answer's are always text, without exponent. */
export const decimalOut = z.string().openapi({ type: ['string', 'number'], pattern: DECIMAL.source })
export const nullableDecimalOut = z
  .string()
  .nullable()
  .openapi({ type: ['string', 'number', 'null'], pattern: DECIMAL.source })

/** Digits of an amount, before and after the point together, that are worth reading. */
const DIGITS_MAX = 40

/**
 * A decimal from a request, as text without exponent and without needless zeros, exactly as much as was sent: a JSON
 * number that a double cannot hold is read from its source text.
 */
export const decimalInput = z
  .union([z.string().regex(DECIMAL), z.number(), z.instanceof(InexactNumber)])
  .transform((given, context) => {
    const text = given instanceof InexactNumber ? given.source : String(given)
    const plain = plainDecimal(text)
    if (plain === undefined) context.addIssue(`is to have at most ${DIGITS_MAX} digits`)
    return plain ?? ''
  })
  .openapi({ type: ['string', 'number'], pattern: DECIMAL.source })

function plainDecimal(text: string): string | undefined {
  if (text.length > 2 * DIGITS_MAX) return undefined
  const value = new Decimal(text)
  if (!value.isFinite() || Math.abs(value.e) > DIGITS_MAX || value.decimalPlaces() > DIGITS_MAX) return undefined
  return value.toFixed()
}
