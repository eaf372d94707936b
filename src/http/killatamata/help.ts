/** What callers can do about killatamata's own refusals. */
import type { KernelCode } from '../errors.ts'
import type { KillatamataCode } from './errors.ts'

export const help: Readonly<Record<Exclude<KillatamataCode, KernelCode>, string>> = {
  account_not_found: 'No account has this id.',
  account_gone: 'The account does not come back. Sign in again to open a new one.',
  key_not_found: 'No key of the account is named so. The list of keys shows them.',
  key_limit_reached: 'Revoke keys that are not used any more, then make another.',
  key_prefix_ambiguous: 'Name the key by its id, which the list of keys shows, or by more characters.',
  code_invalid: 'Ask for a new code. A code is good for ten minutes, once, and five wrong ones void it.',
  id_token_used: 'A token makes one key and opens one session. Sign in with Google again to get another one.',
  id_token_invalid: 'Send a fresh ID token that Google has made for this application, with a verified address.',
  sign_in_unavailable: 'Wait as many seconds as `Retry-After` says, or sign in by a mailed code.',
  csrf_token_invalid: 'Send the `csrfToken` of the session in the header `x-csrf-token`.',
  secret_already_shown: 'The answer with the secret is gone. Revoke the key and make another one.',
  mail_off: 'No mails are sent here. Sign in another way.',
  device_link_not_found: 'Compare the code with what the device shows, or start again on the device.',
  device_link_decided: 'Start again on the device, and approve the new code with the account that is meant.',
  device_link_consumed: 'Start again on the device: a key is shown once.',
  device_link_expired: 'Start again on the device.',
  slow_down: 'Wait as many seconds as `Retry-After` says between two polls, from now on.',
  user_code_taken: 'Send the request again.',
  route_retired: 'Use the route that the header `Link` names.',
  insufficient_balance: 'Buy credit, then send the request again. What is owed is paid first.',
  balance_limit_exceeded: 'Spend some of the balance first.',
  capture_beyond_hold: 'Charge at most what is held.',
  hold_ended: 'Make another job.',
  period_closed: 'Send the request again.',
  checkout_not_found: 'No checkout of this account has this id.',
  package_not_found: 'Take the code of a package from the list of packages.',
  affiliate_code_not_found: 'Leave the affiliate code out, or send one that exists.',
  checkout_unpaid: 'Pay on the page of the checkout first, then claim it.',
  checkout_expired: 'Open another checkout.',
  settlement_amount_mismatch: 'Nothing was credited. Ask the house, with the id of the session or charge.',
  signature_invalid: 'Sign the body as it is sent, with the secret of this address.',
  payment_required:
    'Sign what the header `PAYMENT-REQUIRED` asks for, and send the request again with `PAYMENT-SIGNATURE`.',
  payment_malformed: 'Send the payment as base64 of JSON, by the scheme exact of x402, version 2.',
  payment_rejected: '`PAYMENT-RESPONSE` says why. Sign anew what `PAYMENT-REQUIRED` asks for.',
  settlement_pending:
    'Send the same request with the same payment again; never sign another one for it. It is credited once, also without you.',
  payment_already_used: 'Sign a new authorization.',
}
