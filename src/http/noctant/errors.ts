/** Noctant's refusals: the status and the title of every code, and the body, a problem document (RFC 9457). */
import { z } from '@hono/zod-openapi'
import type { RejectionCode } from '../../commands/noctant/rejection.ts'
import { type ErrorTable, kernelErrors, problemDocument } from '../errors.ts'
import { help } from './help.ts'

/** What noctant's HTTP refuses, in addition to what its commands refuse. */
export type NoctantHttpCode =
  | 'operator_suspended'
  | 'api_access_disabled'
  | 'attempt_not_found'
  | 'historical_session_not_found'
export type NoctantCode = RejectionCode | NoctantHttpCode

export const errors: ErrorTable<NoctantCode> = {
  codes: {
    ...kernelErrors,
    person_forgotten: { ...kernelErrors.person_forgotten, shownAs: 'user_forgotten' },
    invalid_amount: { status: 400, title: 'The amount cannot be used' },
    invalid_currency: { status: 400, title: 'The currency is unknown' },
    status_not_settable: { status: 400, title: 'The status cannot be set' },
    settlement_reference_missing: { status: 400, title: 'The payment needs a reference' },
    kyc_report_invalid: { status: 400, title: 'The KYC report is incomplete' },
    market_range_invalid: { status: 400, title: 'The market range cannot be used' },
    origin_invalid: { status: 400, title: 'The origin cannot be used' },
    launch_route_invalid: { status: 400, title: 'The route cannot be used' },
    launch_return_invalid: { status: 400, title: 'The return URL cannot be used' },
    launch_mode_invalid: { status: 400, title: 'The product mode does not go with this launch' },
    backtest_invalid: { status: 400, title: 'The backtest cannot be read from the route' },
    webhook_url_refused: { status: 400, title: 'The webhook URL cannot be used' },
    webhook_event_type_unknown: { status: 400, title: 'The event type is not delivered' },
    webhook_window_invalid: { status: 400, title: 'The window cannot be used' },
    product_rules_owner: { status: 400, title: 'The product needs another owner of the rules' },
    invalid_price: { status: 400, title: 'The price cannot be used' },
    operator_suspended: { status: 403, title: 'The operator is suspended' },
    api_access_disabled: { status: 403, title: 'The operator has no access to the API' },
    feed_not_granted: { status: 403, title: 'The feed is not granted for this range' },
    attempt_not_found: { status: 404, title: 'The attempt does not exist' },
    operator_not_found: { status: 404, title: 'The operator does not exist' },
    api_key_not_found: { status: 404, title: 'The API key does not exist' },
    user_not_found: { status: 404, title: 'The user does not exist' },
    product_not_found: { status: 404, title: 'The product does not exist' },
    payout_request_not_found: { status: 404, title: 'The payout request does not exist' },
    correction_not_found: { status: 404, title: 'The correction does not exist' },
    account_not_found: { status: 404, title: 'The account does not exist' },
    feed_not_found: { status: 404, title: 'The feed does not exist' },
    launch_session_not_found: { status: 404, title: 'The launch session does not exist' },
    historical_session_not_found: { status: 404, title: 'The historical session does not exist' },
    template_not_found: { status: 404, title: 'The template does not exist' },
    challenge_not_found: { status: 404, title: 'The challenge does not exist' },
    webhook_not_configured: { status: 409, title: 'There is no webhook endpoint' },
    webhook_disabled: { status: 409, title: 'The webhook endpoint is disabled' },
    operator_slug_taken: { status: 409, title: 'The slug is taken' },
    operator_already_exists: { status: 409, title: 'The operator exists already' },
    operator_terminated: { status: 409, title: 'The operator is terminated' },
    account_facts_differ: { status: 409, title: 'The account exists with other facts' },
    api_key_limit_reached: { status: 409, title: 'There are too many API keys that work' },
    webhook_limit_reached: { status: 409, title: 'There are too many webhook endpoints' },
    product_not_sellable: { status: 409, title: 'The product is not for sale' },
    product_slug_taken: { status: 409, title: 'The slug is taken' },
    product_metadata_limit_reached: { status: 409, title: 'The products have too much metadata' },
    product_status_conflict: { status: 409, title: 'The product cannot take this status' },
    challenge_account_unfit: { status: 409, title: 'The account does not suit the challenge' },
    challenge_under_way: { status: 409, title: 'A challenge is under way' },
    challenge_limit_reached: { status: 409, title: 'The user has as many challenges as the product allows' },
    challenge_cooling_down: { status: 409, title: 'The user has to wait after a breach' },
    challenge_state_conflict: { status: 409, title: 'The challenge is in another state' },
    challenge_reset_refused: { status: 409, title: 'The reset policy does not allow it' },
    user_forgotten: { status: 409, title: 'The user was forgotten' },
    kyc_required: { status: 409, title: 'The user has to be verified' },
    payout_not_eligible: { status: 409, title: 'The account is not eligible for this payout' },
    payout_state_conflict: { status: 409, title: 'The payout request is in another state' },
    account_replaced: { status: 409, title: 'The account is traded on another execution account' },
    account_disabled: { status: 409, title: 'The account is disabled' },
    account_closed: { status: 409, title: 'The account is closed' },
    feed_already_exists: { status: 409, title: 'The feed exists with other content' },
    launch_challenge_missing: { status: 409, title: 'The account has no challenge' },
    launch_session_redeemed: { status: 409, title: 'The launch session has been used' },
    launch_session_expired: { status: 409, title: 'The launch session has expired' },
    launch_session_withdrawn: { status: 409, title: 'The launch session is not available any more' },
  },
  help,
  body: problemDocument,
  schema: z.looseObject({}),
  documented: [400, 401, 403, 404, 409, 429, 503],
}
