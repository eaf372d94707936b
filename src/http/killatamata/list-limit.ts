/** How many a list answers with: a whole number from 1. More than the most count as the most. */
import { boundedText } from '../schemas.ts'

const LIMIT_MAX = 500
const TEXT_LENGTH_MAX = 30

export const listLimit = boundedText(TEXT_LENGTH_MAX)
  .refine((given) => /^0*[1-9]\d*$/.test(given), 'must be a whole number from 1')
  .transform((given) => Math.min(Number(given), LIMIT_MAX))
  .openapi({ type: 'integer', minimum: 1 })
  .optional()
