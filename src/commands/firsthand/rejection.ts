/**
 * Why firsthand's commands are refused. `Rejected` here takes these codes alone, so that one without an entry in the error
 * table (http/firsthand/errors.ts) does not compile.
 */
import type { WebhookRejectionCode } from '../../events/webhook.ts'
import { type KernelRejectionCode, Rejected as Rejection } from '../rejection.ts'

export type RejectionCode =
  | KernelRejectionCode
  | 'organization_not_found'
  | 'organization_exists'
  | 'organization_suspended'
  | 'api_key_not_found'
  | 'api_key_limit_reached'
  | 'api_key_expiry_passed'
  /** Revoked, at its end, or replaced: there is nothing to rotate. */
  | 'api_key_ended'
  /** A key makes none that may do more, or elsewhere, than itself. */
  | 'key_beyond_own'
  | 'fee_below_floor'
  | 'top_up_incomplete'
  | 'job_not_found'
  | 'job_completed'
  | 'job_ended'
  | 'no_free_seat'
  | 'open_claims_reached'
  | 'daily_claims_reached'
  | 'claim_not_found'
  /** Lapsed, or given back. */
  | 'claim_ended'
  | 'claim_submitted'
  | 'upload_missing'
  | 'submission_not_found'
  | 'submission_not_rejected'
  | 'submission_duplicate'
  | 'attempts_used'
  | 'worker_not_found'
  | 'worker_suspended'
  | 'worker_token_limit_reached'
  | 'earnings_too_low'
  | 'insufficient_credits'
  | 'credits_owed'
  | 'credits_out_of_range'
  | 'credits_end_passed'
  | WebhookRejectionCode
  | 'webhook_event_not_found'
  /** It was shown as long as its answer could get lost. */
  | 'webhook_secret_hidden'

/** A broken rule that nobody needs to remember. */
export const Rejected: new (code: RejectionCode, detail: string, pointer?: string) => Rejection<RejectionCode> =
  Rejection
