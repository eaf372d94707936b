/** Facts of an account. Streams `rungate.account-<id>`, and `rungate.accountSlug-<id of the slug>`. */
import { z } from 'zod'
import type { EventOf } from '../event.ts'
import { keyFacts, tier, time, uuid } from './vocabulary.ts'

const ofAccount = { accountId: uuid, occurredAt: time }

/** All that a registration makes, so that it can be finished from this event alone. */
export const registration = z.object({
  name: z.string(),
  policyId: uuid,
  agent: keyFacts.extend({ agentId: uuid, name: z.string() }),
  token: keyFacts.extend({ tokenId: uuid }),
})

export const accountSlugEvents = {
  'rungate.SlugClaimed.v1': z.object({ ...ofAccount, slug: z.string(), registration }),
}
export type AccountSlugEvent = EventOf<typeof accountSlugEvents>
export type SlugClaim = AccountSlugEvent['data']

export const accountEvents = {
  'rungate.AccountRegistered.v1': z.object({
    ...ofAccount,
    slug: z.string(),
    name: z.string(),
    tier,
    /** Whether the house pays for its provider calls. */
    isHosted: z.boolean(),
  }),
  'rungate.AccountRenamed.v1': z.object({ ...ofAccount, name: z.string() }),
  'rungate.AccountSuspended.v1': z.object({ ...ofAccount, reason: z.string().nullable() }),
  'rungate.AccountResumed.v1': z.object({ ...ofAccount, reason: z.string().nullable() }),
  'rungate.TierChanged.v1': z.object({ ...ofAccount, tier }),
  /** Steps of a calendar month; null: the tier's. */
  'rungate.StepLimitSet.v1': z.object({ ...ofAccount, stepLimit: z.int().positive().nullable() }),
}
export type AccountEvent = EventOf<typeof accountEvents>
