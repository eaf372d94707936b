/** An affiliate as its owner sees it. */
import { z } from '@hono/zod-openapi'
import type { Existing } from '../../../commands/killatamata/affiliate-state.ts'
import { text, timeOut } from '../../schemas.ts'
import { email } from '../auth/email.ts'

const CODE_LENGTH = { min: 4, max: 32 }
const NAME_LENGTH = { min: 2, max: 120 }
const PAYOUT_ADDRESS_LENGTH = { min: 3, max: 320 }

/** A referral code as people write it. */
export const code = text(CODE_LENGTH.max, CODE_LENGTH.min)

export const profileMembers = {
  displayName: text(NAME_LENGTH.max, NAME_LENGTH.min),
  contactEmail: email,
  countryCode: text(2, 2)
    .refine((given) => /^[a-z]{2}$/i.test(given), 'must be two letters')
    .transform((given) => given.toUpperCase())
    .openapi({ type: 'string', minLength: 2, maxLength: 2 }),
  payoutAddress: text(PAYOUT_ADDRESS_LENGTH.max, PAYOUT_ADDRESS_LENGTH.min),
}

const shown = z
  .object({
    affiliateId: z.string(),
    status: z.enum(['active', 'pending']),
    displayName: z.string(),
    contactEmail: z.string(),
    countryCode: z.string().nullable(),
    payoutAddress: z.string().nullable(),
    termsVersion: z.string().nullable(),
    createdAt: timeOut,
  })
  .openapi('Affiliate')

export const affiliateAnswer = z.object({ ok: z.literal(true), affiliate: shown }).openapi('AffiliateResponse')

export const affiliateView = ({ affiliateId, status, profile, application, createdAt }: Existing) => ({
  ok: true as const,
  affiliate: {
    ...{ affiliateId, status, displayName: profile.displayName, contactEmail: profile.contactEmail },
    ...{ countryCode: profile.countryCode, payoutAddress: profile.payoutAddress },
    ...{ termsVersion: application.termsVersion, createdAt },
  },
})
