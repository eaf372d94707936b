/** Killatamata's refusals: the status and the title of every code, and the problem document that callers see. */
import { z } from '@hono/zod-openapi'
import type { RejectionCode } from '../../commands/killatamata/rejection.ts'
import { type ErrorEntry, type ErrorTable, type KernelCode, kernelErrors, problemDocument } from '../errors.ts'
import { help } from './help.ts'

/** Of requests, which no command knows. */
type RequestCode =
  | 'route_retired'
  | 'id_token_invalid'
  | 'sign_in_unavailable'
  | 'csrf_token_invalid'
  | 'secret_already_shown'
  | 'mail_off'
  | 'package_not_found'
  | 'capture_token_invalid'
  | 'bundle_rejected'
  | 'admin_required'
  | 'launch_session_over'
  | 'checkout_unpaid'
  | 'checkout_expired'
  | 'settlement_amount_mismatch'
  | 'signature_invalid'
  | 'storyboard_invalid'
  | 'agent_unavailable'
  | 'payment_required'
  | 'payment_malformed'
  | 'payment_rejected'
  | 'settlement_pending'
  | 'media_job_not_found'
  | 'file_not_found'
  | 'file_expired'
  | 'range_not_satisfiable'

export type KillatamataCode = RejectionCode | RequestCode

const own: Record<Exclude<KillatamataCode, KernelCode>, ErrorEntry> = {
  account_not_found: { status: 404, title: 'The account does not exist' },
  account_gone: { status: 410, title: 'The account was forgotten' },
  key_not_found: { status: 404, title: 'The key does not exist' },
  key_limit_reached: { status: 409, title: 'The account has as many keys as it may have' },
  key_prefix_ambiguous: { status: 409, title: 'Several keys begin so' },
  code_invalid: { status: 401, title: 'The code is not good' },
  id_token_used: { status: 409, title: 'The ID token was used before' },
  id_token_invalid: { status: 401, title: 'The ID token is not good' },
  sign_in_unavailable: { status: 503, title: 'Nobody can sign in this way now', retryAfterS: 30 },
  csrf_token_invalid: { status: 403, title: 'The CSRF token is not that of the session' },
  secret_already_shown: { status: 409, title: 'The secret was shown before' },
  mail_off: { status: 503, title: 'Mails are switched off' },
  device_link_not_found: { status: 404, title: 'No device asks with this code' },
  device_link_decided: { status: 409, title: 'Another account has approved the device' },
  device_link_consumed: { status: 410, title: 'The device has its key' },
  device_link_expired: { status: 410, title: 'The code has expired' },
  slow_down: { status: 429, title: 'The device asks too often' },
  user_code_taken: { status: 409, title: 'Another device asks with this code' },
  route_retired: { status: 410, title: 'The route is retired' },
  insufficient_balance: { status: 402, title: 'The balance is too small' },
  balance_limit_exceeded: { status: 400, title: 'The balance would be too large' },
  capture_beyond_hold: { status: 409, title: 'More would be charged than was held' },
  hold_ended: { status: 409, title: 'What was held is given back or paid' },
  period_closed: { status: 409, title: 'The ledger has moved on' },
  checkout_not_found: { status: 404, title: 'The checkout does not exist' },
  package_not_found: { status: 404, title: 'The package does not exist' },
  affiliate_not_found: { status: 404, title: 'The account is no affiliate' },
  affiliate_exists: { status: 409, title: 'The account has applied before' },
  affiliate_pending: { status: 409, title: 'The affiliate is not approved yet' },
  affiliate_code_not_found: { status: 404, title: 'The affiliate code does not exist' },
  affiliate_code_taken: { status: 409, title: 'Another affiliate has the code' },
  affiliate_already_bound: { status: 409, title: 'The account is bound to another code' },
  affiliate_self_referral: { status: 409, title: 'The code is the account’s own' },
  capture_token_invalid: { status: 400, title: 'The token does not belong to the code' },
  payout_address_missing: { status: 409, title: 'There is no payout address' },
  payout_below_minimum: { status: 409, title: 'Too little can be paid' },
  payout_request_open: { status: 409, title: 'A payout is requested already' },
  payout_request_not_found: { status: 404, title: 'The payout request does not exist' },
  slug_taken: { status: 409, title: 'The slug is another game’s' },
  game_not_found: { status: 404, title: 'The game does not exist' },
  version_exists: { status: 409, title: 'The game has this version' },
  bundle_rejected: { status: 400, title: 'The bundle cannot be taken' },
  release_not_found: { status: 404, title: 'The release does not exist' },
  release_state_conflict: { status: 409, title: 'The release does not stand so' },
  own_release: { status: 403, title: 'The release is the account’s own' },
  admin_required: { status: 403, title: 'The account may not review' },
  launch_session_not_found: { status: 404, title: 'The launch session does not exist' },
  launch_session_state_conflict: { status: 409, title: 'The launch session does not stand so' },
  launch_session_over: { status: 410, title: 'The launch session has ended' },
  payout_request_decided: { status: 409, title: 'The payout request is decided already' },
  checkout_unpaid: { status: 409, title: 'The checkout is not paid' },
  checkout_expired: { status: 409, title: 'The checkout ended without a payment' },
  settlement_amount_mismatch: { status: 409, title: 'What was paid is not what was sold' },
  signature_invalid: { status: 400, title: 'The event is not signed with our secret' },
  payment_required: { status: 402, title: 'A payment is required' },
  payment_malformed: { status: 400, title: 'The payment cannot be read' },
  payment_rejected: { status: 402, title: 'The payment is not good' },
  settlement_pending: { status: 503, title: 'The chain has not settled the payment yet', retryAfterS: 5 },
  payment_already_used: { status: 409, title: 'Another account has used the payment' },
  project_not_found: { status: 404, title: 'The project does not exist' },
  thread_not_found: { status: 404, title: 'The conversation does not exist' },
  asset_not_found: { status: 404, title: 'The asset does not exist' },
  document_changed: { status: 409, title: 'The document has changed' },
  storyboard_invalid: { status: 400, title: 'The storyboard is not good' },
  approval_plan_not_found: { status: 404, title: 'The plan does not exist' },
  approval_plan_expired: { status: 409, title: 'The plan has expired' },
  agent_request_not_found: { status: 404, title: 'The request does not exist' },
  agent_unavailable: { status: 503, title: 'The agent does not answer now', retryAfterS: 30 },
  media_input_invalid: { status: 400, title: 'Nothing can be made of the input' },
  conflicting_inputs: { status: 400, title: 'Two members contradict each other' },
  invalid_frame_count: { status: 400, title: 'A clip cannot have this number of frames' },
  frame_budget_exceeded: { status: 400, title: 'The clip would be too short or too long' },
  url_not_allowed: { status: 400, title: 'The address is not called' },
  task_unavailable: { status: 503, title: 'The task is not done here now', retryAfterS: 60 },
  job_abandoned: { status: 409, title: 'The request was given up' },
  media_job_not_found: { status: 404, title: 'The job does not exist' },
  file_not_found: { status: 404, title: 'The file does not exist' },
  file_expired: { status: 410, title: 'The file was deleted' },
  range_not_satisfiable: { status: 416, title: 'The range lies behind the file’s end' },
}

const problem = z
  .object({
    ...{ type: z.string(), title: z.string(), status: z.int(), detail: z.string(), code: z.string() },
    request_id: z.string(),
    errors: z.array(z.object({ pointer: z.string(), code: z.string(), detail: z.string() })).optional(),
  })
  .openapi('Problem')

export const errors: ErrorTable<KillatamataCode> = {
  codes: { ...kernelErrors, ...own },
  help,
  body: problemDocument,
  schema: problem,
}
