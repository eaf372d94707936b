/**
 * Why rungate's commands are refused. `Rejected` here takes these codes alone, so that one without an entry in the error
 * table (http/rungate/errors.ts) does not compile.
 */
import { type KernelRejectionCode, Rejected as Rejection } from '../rejection.ts'

export type RejectionCode =
  | KernelRejectionCode
  | 'account_not_found'
  | 'slug_taken'
  | 'name_taken'
  | 'admin_token_not_found'
  /** A token makes none that may do more than itself. */
  | 'token_beyond_own'
  /** The account has as many admin tokens as it may have. */
  | 'admin_token_limit_reached'
  | 'provider_key_not_found'
  /** No key of this provider and account that can be used. */
  | 'provider_key_unusable'
  /** The key of this name is another provider's. */
  | 'provider_differs'
  /** A key that leads elsewhere from now on needs its secret anew. */
  | 'secret_needed'
  | 'policy_not_found'
  /** Its parts contradict each other. */
  | 'policy_contradicts'
  /** No policy of this id that the caller may give to an agent. */
  | 'policy_unusable'
  /** An agent names it. */
  | 'policy_in_use'
  | 'agent_not_found'
  | 'run_not_found'
  | 'call_not_found'
  /** It has ended. */
  | 'run_not_running'
  /** The run has made all the steps that its policy allows. */
  | 'step_limit_reached'
  | 'alert_rule_not_found'
  | 'webhook_not_found'
  /** The account has as many webhooks as it may have. */
  | 'webhook_limit_reached'
  | 'webhook_url_refused'
  | 'approval_not_found'
  /** Somebody was first, or its time is over. */
  | 'approval_decided'
  /** A token has nothing personal, and nobody makes another's thing personal. */
  | 'visibility_refused'
  /** The link or the code is wrong, was used or has expired: which of them is not told. */
  | 'login_refused'
  | 'address_elsewhere'
  /** The session's address has an account already. */
  | 'registration_done'
  /** The account has an owner. */
  | 'account_claimed'
  | 'account_gone'
  | 'member_not_found'
  | 'member_exists'
  | 'owner_stays'
  | 'owner_role_fixed'
  | 'owner_only'
  | 'already_owner'
  | 'invitation_not_found'
  | 'invitation_used'
  | 'invitation_pending'
  | 'invitation_not_pending'
  | 'session_not_found'

/** A broken rule that nobody needs to remember. */
export const Rejected: new (code: RejectionCode, detail: string, pointer?: string) => Rejection<RejectionCode> =
  Rejection
