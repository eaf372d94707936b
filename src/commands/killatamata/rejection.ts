/**
 * Why killatamata's commands are refused. `Rejected` here takes these codes alone, so that one without an entry in the error
 * table (http/killatamata/errors.ts) does not compile.
 */
import { type KernelRejectionCode, Rejected as Rejection } from '../rejection.ts'

export type RejectionCode =
  | KernelRejectionCode
  | 'account_not_found'
  /** It is forgotten. */
  | 'account_gone'
  | 'key_not_found'
  | 'key_limit_reached'
  /** A prefix that several keys begin with. */
  | 'key_prefix_ambiguous'
  /** Wrong, used, voided, expired or never asked for: which of them is not told. */
  | 'code_invalid'
  | 'id_token_used'
  | 'device_link_not_found'
  | 'device_link_decided'
  | 'device_link_consumed'
  | 'device_link_expired'
  | 'slow_down'
  /** Another link under way has the user code. */
  | 'user_code_taken'
  | 'insufficient_balance'
  /** A balance beyond what numbers of JSON hold. */
  | 'balance_limit_exceeded'
  | 'capture_beyond_hold'
  /** The hold of this id was captured or released. */
  | 'hold_ended'
  /** The ledger goes on in its next period. */
  | 'period_closed'
  | 'checkout_not_found'
  | 'payment_already_used'
  | 'project_not_found'
  | 'thread_not_found'
  | 'asset_not_found'
  /** It has another version than the one that the caller knows. */
  | 'document_changed'
  | 'approval_plan_not_found'
  | 'approval_plan_expired'
  | 'agent_request_not_found'
  | 'affiliate_not_found'
  | 'affiliate_exists'
  /** It was not approved yet. */
  | 'affiliate_pending'
  | 'affiliate_code_not_found'
  | 'affiliate_code_taken'
  | 'affiliate_already_bound'
  | 'affiliate_self_referral'
  | 'payout_address_missing'
  | 'payout_below_minimum'
  | 'payout_request_open'
  | 'payout_request_not_found'
  | 'payout_request_decided'
  | 'slug_taken'
  | 'game_not_found'
  | 'version_exists'
  | 'release_not_found'
  | 'release_state_conflict'
  /** A reviewer's own. */
  | 'own_release'
  | 'launch_session_not_found'
  | 'launch_session_state_conflict'
  /** An input that no file can be made of. */
  | 'media_input_invalid'
  /** Two names of one thing with different values. */
  | 'conflicting_inputs'
  | 'invalid_frame_count'
  | 'frame_budget_exceeded'
  | 'url_not_allowed'
  /** This machine lacks what the task needs. */
  | 'task_unavailable'
  | 'job_abandoned'

/** A broken rule that nobody needs to remember. */
export const Rejected: new (code: RejectionCode, detail: string, pointer?: string) => Rejection<RejectionCode> =
  Rejection
