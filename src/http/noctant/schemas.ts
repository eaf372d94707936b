/**
 * The schemas that several of noctant's operations share, under the contract's names. Enumerations take their values
 * from the events' vocabulary, so that what may be stored and what may be sent are one list.
 */
import { z } from '@hono/zod-openapi'
import * as vocabulary from '../../events/noctant/vocabulary.ts'
import { boundedText, decimalOut, externalId, nullableUuidOut, timeOut, uuid, uuidOut } from '../schemas.ts'

/** The key of a write, as text; what it is made of, the kernel checks. */
export const idempotencyKey = boundedText(1_020)

export const externalAccountQuery = z.object({ external_account_id: externalId })

/** The header of write requests; the kernel reads it before anything else does. */
export const requestIdHeader = z.object({ 'x-noctant-request-id': uuid.optional() })

export const sponsoredAccountStatus = z.enum(vocabulary.accountStatus.options).openapi('SponsoredAccountStatus')
export const providerType = z.enum(vocabulary.providerType.options).openapi('AccountProviderType')
export const rulesOwner = z.enum(vocabulary.rulesOwner.options).openapi('AccountRulesOwner')
export const feedSource = z.enum(vocabulary.feedSource.options).openapi('AccountFeedSource')
export const brandingPolicy = z.enum(vocabulary.brandingPolicy.options).openapi('AccountBrandingPolicy')
export const visibilityPolicy = z.enum(vocabulary.visibilityPolicy.options).openapi('AccountVisibilityPolicy')
export const executionScope = z.enum(['current', 'attempt', 'all_attempts']).openapi('AccountExecutionScope')

const executionMode = z.enum(vocabulary.executionMode.options).openapi('AccountExecutionMode')
const marketMode = z.enum(vocabulary.marketMode.options).openapi('AccountMarketMode')
const programType = z.enum(vocabulary.programType.options).openapi('AccountProgramType')
const programOrigin = z.enum(vocabulary.programOrigin.options).openapi('AccountProgramOrigin')
const provisioningSource = z.enum(vocabulary.provisioningSource.options).openapi('AccountProvisioningSource')

const user = {
  global_user_id: uuidOut,
  external_id: z.string(),
  email: z.string().nullable().optional(),
  display_name: z.string().nullable().optional(),
  created_at: timeOut,
  updated_at: timeOut,
}

export const userSummary = z.object(user).openapi('UserSummary')
export const provisionUserResponse = z.object({ ...user, created: z.boolean() }).openapi('ProvisionUserResponse')

export const operatorAccountView = z
  .object({
    org_id: uuidOut,
    global_user_id: uuidOut,
    program_account_id: uuidOut,
    current_program_account_attempt_id: uuidOut,
    account_id: uuidOut,
    external_account_id: z.string(),
    account_number: z.string(),
    account_name: z.string().nullable().optional(),
    product_id: nullableUuidOut.optional(),
    challenge_instance_id: nullableUuidOut.optional(),
    currency: z.string(),
    execution_profile_key: z.string(),
    execution_mode: executionMode,
    market_mode: marketMode,
    program_type: programType,
    program_origin: z.union([programOrigin, z.null()]).optional(),
    provisioning_source: provisioningSource,
    provider_type: providerType,
    rules_owner: rulesOwner,
    feed_source: feedSource,
    branding_policy: brandingPolicy,
    visibility_policy: visibilityPolicy,
    claim_allowed: z.boolean(),
    marketing_allowed: z.boolean(),
    sponsorship_status: sponsoredAccountStatus,
    created_at: timeOut,
    updated_at: timeOut,
  })
  .openapi('OperatorAccountView')

/** Figures of an account, in its currency. */
export const figures = { balance: decimalOut, equity: decimalOut, margin_used: decimalOut, free_margin: decimalOut }

/** How many items the answer holds. */
export const count = z.int().nonnegative()
