/**
 * An account as the contract shows it, from a decision's state. The read model's row has this very shape, so that the
 * answer to a command and a later GET agree; a test holds the two together.
 */
import type { AccountState } from '../../../commands/noctant/account.ts'
import type { AccountView } from '../../../projections/noctant/account.ts'

/** Throws where the account has not been opened: no accepted command leaves it so. */
export function accountView(state: AccountState): AccountView {
  if (state.status === 'absent') throw new Error('an account that was never opened has no view')
  const { facts, status, updatedAt } = state
  return {
    org_id: facts.orgId,
    global_user_id: facts.globalUserId,
    program_account_id: facts.programAccountId,
    current_program_account_attempt_id: facts.attemptId,
    account_id: facts.accountId,
    external_account_id: facts.externalAccountId,
    account_number: facts.accountNumber,
    account_name: facts.accountName,
    product_id: facts.productId,
    challenge_instance_id: state.challengeInstanceId,
    currency: facts.currency,
    execution_profile_key: facts.executionProfileKey,
    execution_mode: facts.executionMode,
    market_mode: facts.marketMode,
    program_type: facts.programType,
    program_origin: facts.programOrigin,
    provisioning_source: facts.provisioningSource,
    provider_type: facts.providerType,
    rules_owner: facts.rulesOwner,
    feed_source: facts.feedSource,
    branding_policy: facts.brandingPolicy,
    visibility_policy: facts.visibilityPolicy,
    claim_allowed: facts.claimAllowed,
    marketing_allowed: facts.marketingAllowed,
    sponsorship_status: status,
    created_at: facts.occurredAt,
    updated_at: updatedAt,
  }
}
