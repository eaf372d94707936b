/** Facts of a buyer and its API keys. Stream `firsthand.organization-<org id>`. Event names are the storage format. */
import { z } from 'zod'
import type { EventOf } from '../event.ts'
import { cents, environment, fraction, scope, tier, time } from './vocabulary.ts'

const ofOrganization = { organizationId: z.string(), occurredAt: time }
const ofKey = { ...ofOrganization, keyId: z.string() }

export const organizationEvents = {
  'firsthand.OrganizationCreated.v1': z.object({ ...ofOrganization, name: z.string(), tier }),
  'firsthand.OrganizationSuspended.v1': z.object({ ...ofOrganization, reason: z.string().nullable() }),
  'firsthand.OrganizationResumed.v1': z.object({ ...ofOrganization, reason: z.string().nullable() }),
  /** All settings as they are from now on. */
  'firsthand.SettingsChanged.v1': z.object({
    ...ofOrganization,
    /** Of new jobs; null: the house's own. */
    defaultPlatformFeePct: fraction.nullable(),
    autoTopUpEnabled: z.boolean(),
    autoTopUpThresholdCents: cents.nullable(),
    autoTopUpAmountCents: cents.nullable(),
  }),
  /** The organization may set no fee below it. */
  'firsthand.FeeFloorSet.v1': z.object({ ...ofOrganization, feeFloorPct: fraction }),
  /** The payment provider is about to be asked for a customer of this environment. */
  'firsthand.StripeCustomerClaimed.v1': z.object({ ...ofOrganization, environment }),
  'firsthand.StripeCustomerLinked.v1': z.object({ ...ofOrganization, environment, customerId: z.string() }),
  /** The card that automatic top-ups are paid with. */
  'firsthand.PaymentMethodSaved.v1': z.object({ ...ofOrganization, environment, paymentMethodId: z.string() }),
  'firsthand.ApiKeyCreated.v1': z.object({
    ...ofKey,
    /** The id in the key's own text, by which a presented key is found. */
    textId: z.string(),
    /** SHA-256 of the whole key, hex; the key itself is shown once and kept nowhere. */
    keyHash: z.string().regex(/^[0-9a-f]{64}$/),
    /** Its last four characters, by which people tell keys apart. */
    hint: z.string(),
    name: z.string(),
    scopes: z.array(scope),
    environment,
    expiresAt: time.nullable(),
    /** The key that it was made from by rotation; null: from none. */
    replaces: z.string().nullable(),
    /** The key that asked for it; null: an administrator did. Absent where that was not recorded yet. */
    madeBy: z.string().nullable().optional(),
  }),
  /** Another key took this one's place; this one works until then. */
  'firsthand.ApiKeyRotated.v1': z.object({ ...ofKey, replacedBy: z.string(), validUntil: time }),
  'firsthand.ApiKeyRevoked.v1': z.object({ ...ofKey, reason: z.string().nullable() }),
  /** Noted at the first use, and then now and again. */
  'firsthand.ApiKeyUseNoted.v1': z.object({ ...ofKey, usedAt: time }),
}
export type OrganizationEvent = EventOf<typeof organizationEvents>
