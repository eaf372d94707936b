/** How many a list answers with, and from where on. The contract knows no greatest number: more than the most count as the most. */
import { boundedText } from '../schemas.ts'

const LIMIT_MAX = 500
const TEXT_LENGTH_MAX = 30
/** More than anything has parts. */
const OFFSET_MAX = 999_999_999

const wholeFrom = (min: 0 | 1, most: number) =>
  boundedText(TEXT_LENGTH_MAX)
    .refine((given) => /^\d+$/.test(given) && Number(given) >= min, `must be a whole number from ${min}`)
    .transform((given) => Math.min(Number(given), most))
    .openapi({ type: 'integer', minimum: min })
    .optional()

/** A whole number from 1; `most` is what more than it count as. */
export const limitOf = (most: number) => wholeFrom(1, most)
export const listLimit = limitOf(LIMIT_MAX)
/** A whole number from 0. */
export const listOffset = wholeFrom(0, OFFSET_MAX)
