/** What an affiliate code of a purchase does before anything is paid. */

import { Problem } from '../../errors.ts'
import { text } from '../../schemas.ts'
import type { KillatamataCode } from '../errors.ts'

const LENGTH = { min: 4, max: 32 }
export const affiliateCode = text(LENGTH.max, LENGTH.min)

/** Throws a Problem (404) for a code that nobody has. */
export function requireAffiliate(code: string | undefined): void {
  if (code === undefined) return
  throw new Problem<KillatamataCode>('affiliate_code_not_found', 'Nobody has this code.')
}
