/**
 * Why noctant's commands are refused. `Rejected` here takes these codes alone, so that one without an entry in noctant's
 * error table (http/noctant/errors.ts) does not compile.
 */
import { type KernelRejectionCode, Rejected as Rejection } from '../rejection.ts'

export const rejectionCodes = [
  'operator_not_found',
  'operator_slug_taken',
  'operator_already_exists',
  'operator_terminated',
  'api_key_not_found',
  'api_key_limit_reached',
  'user_not_found',
  /** The person's key was destroyed. */
  'user_forgotten',
  'product_not_found',
  'account_not_found',
  'correction_not_found',
  'payout_request_not_found',
  /** No funded challenge, or the policy would not grant it any more. */
  'payout_not_eligible',
  'payout_state_conflict',
  'settlement_reference_missing',
  /** The external account id stands for an account with other facts. */
  'account_facts_differ',
  'account_closed',
  'account_disabled',
  'invalid_amount',
  'invalid_currency',
  'status_not_settable',
  'kyc_report_invalid',
  /** The account is traded on another execution account than the one that was meant. */
  'account_replaced',
  'template_not_found',
  /** The template's steps are gated, so it counts as not there; or the product is not for sale. */
  'product_not_sellable',
  'product_slug_taken',
  'product_status_conflict',
  'product_metadata_limit_reached',
  'product_rules_owner',
  'invalid_price',
  'challenge_not_found',
  'challenge_account_unfit',
  'challenge_under_way',
  'challenge_limit_reached',
  'challenge_cooling_down',
  'challenge_state_conflict',
  'challenge_reset_refused',
  /** The product's gate asks for a verified user. */
  'kyc_required',
  'feed_not_found',
  'feed_already_exists',
  /** The range goes beyond what the operator was granted, or beyond the feed. */
  'feed_not_granted',
  'market_range_invalid',
  'origin_invalid',
  'launch_route_invalid',
  'launch_return_invalid',
  'launch_mode_invalid',
  /** A launch of mode challenge into an account without one. */
  'launch_challenge_missing',
  'backtest_invalid',
  'launch_session_not_found',
  'launch_session_redeemed',
  'launch_session_expired',
  /** The operator is suspended, or the account is not active any more. */
  'launch_session_withdrawn',
  'webhook_not_configured',
  'webhook_limit_reached',
  'webhook_disabled',
  /** Not https, or not of the public internet. */
  'webhook_url_refused',
  'webhook_event_type_unknown',
  'webhook_window_invalid',
] as const

export type RejectionCode = (typeof rejectionCodes)[number] | KernelRejectionCode

/** A broken rule that nobody needs to remember; the same class for every context, with noctant's codes. */
export const Rejected: new (code: RejectionCode, detail: string, pointer?: string) => Rejection<RejectionCode> =
  Rejection
export type Rejected = Rejection<RejectionCode>
