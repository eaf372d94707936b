/** Killatamata's events in sentences, for auditors; audit/sentences.ts says how placeholders are written. */
export const killatamataSentences: Readonly<Record<string, string>> = {
  'killatamata.AccountOpened.v1': 'The account {accountId} was opened.',
  'killatamata.IdentityLinked.v1': 'A proof of the person ({kind}) was linked to the account.',
  'killatamata.AdminGranted.v1': 'The account {accountId} may review from now on.',
  'killatamata.AdminRevoked.v1': 'The account {accountId} may review no more.',
  'killatamata.ApiKeyIssued.v1': 'The key {keyId} was made{label? with the label <label>}, by {source}.',
  'killatamata.ApiKeyRevoked.v1': 'The key {keyId} was revoked.',
  'killatamata.ApiKeyExpired.v1': 'The key {keyId} was not used for long, and works no more.',
  'killatamata.AccountForgotten.v1': 'The person of the account was forgotten{reference? (<reference>)}.',
  'killatamata.IdentityClaimed.v1': 'A proof of a person ({kind}) opens the account {accountId}.',
  'killatamata.ApiKeyUsed.v1': 'The key {keyId} was in use on {day}.',
  'killatamata.CodeRequested.v1': 'A code to sign in with was asked for; it is good until {expiresAt}.',
  'killatamata.CodeRefused.v1': 'A wrong code was given.',
  'killatamata.CodeRedeemed.v1': 'The code was given, and is used up.',
  'killatamata.IdTokenExchanged.v1': 'An ID token was used for a {use}.',
  'killatamata.SessionOpened.v1': 'A browser’s session began ({by}), good until {expiresAt}.',
  'killatamata.SessionEnded.v1': 'The session ended ({reason}).',
  'killatamata.LinkStarted.v1': 'A device asks for a key with the code {userCode}, until {expiresAt}.',
  'killatamata.LinkApproved.v1': 'The account {accountId} lets the device have a key.',
  'killatamata.LinkPolled.v1': 'The device asked whether it is approved.',
  'killatamata.LinkPolledTooEarly.v1': 'The device asked too early; it is to wait {intervalS} s from now on.',
  'killatamata.LinkConsumed.v1': 'The device was given the key {key.keyId}.',
  'killatamata.LinkExpired.v1': 'The device’s code came to its end.',
  'killatamata.MailRequested.v1': 'A mail was asked for ({purpose}).',
  'killatamata.MailSent.v1': 'The mail was sent at attempt {attempt}, by {via}.',
  'killatamata.MailFailed.v1':
    'Attempt {attempt} to send the mail failed: {reason}{nextAttemptAt?; it is tried again at <nextAttemptAt>}.',
  'killatamata.LedgerPeriodOpened.v1':
    'Period {period} begins with {balances.availableMicros} micro-dollars to spend and {balances.heldMicros} held.',
  'killatamata.DepositCredited.v1':
    '{usdMicros} micro-dollars came by {provider}; {after.availableMicros} can be spent.',
  'killatamata.HoldPlaced.v1': '{usdMicros} micro-dollars were held for {jobId}; {after.availableMicros} can be spent.',
  'killatamata.HoldCaptured.v1':
    '{capturedMicros} micro-dollars were paid for {jobId}, and {releasedMicros} went back; {after.availableMicros} can be spent.',
  'killatamata.HoldReleased.v1':
    '{usdMicros} micro-dollars that were held for {jobId} went back ({reason}); {after.availableMicros} can be spent.',
  'killatamata.DepositReversed.v1':
    '{usdMicros} micro-dollars of {depositId} went back ({cause}); {after.owedMicros} are owed.',
  'killatamata.LedgerPeriodClosed.v1': 'Period {period} ends.',
  'killatamata.CheckoutRequested.v1': 'The checkout {checkoutId} of {usdCents} cents was asked for, by {provider}.',
  'killatamata.CheckoutOpened.v1': 'The checkout {checkoutId} can be paid until {expiresAt}.',
  'killatamata.CheckoutFailed.v1': 'The checkout {checkoutId} was not opened: {reason}.',
  'killatamata.CheckoutExpired.v1': 'The checkout {checkoutId} ended without a payment.',
  'killatamata.PaymentNoticed.v1': '{providerId} of {provider} is to be paid with {usdCents} cents ({currency}).',
  'killatamata.PaymentConfirmed.v1': '{providerId} of {provider} was paid with {usdCents} cents.',
  'killatamata.SettlementCredited.v1': '{providerId} of {provider} brought {usdMicros} micro-dollars ({depositId}).',
  'killatamata.SettlementMismatched.v1':
    '{providerId} of {provider} was paid with {usdCents} cents ({currency}), which is not what was sold.',
  'killatamata.SettlementResolved.v1':
    '{providerId} of {provider} is credited to {accountId} with {usdCents} cents, because: {reason}.',
  'killatamata.PaymentReversed.v1': '{usdCents} cents of {providerId} went back ({cause}), {reversedCents} in all.',
  'killatamata.PaymentLapsed.v1': '{providerId} of {provider} ended without a payment.',
  'killatamata.UnmatchedPaymentNoticed.v1':
    '{providerId} of {provider} was paid with {usdCents} cents ({currency}), and nobody here has opened it.',
  'killatamata.X402PaymentClaimed.v1': '{purchaseId} of {usdCents} cents is to be paid by an authorization.',
  'killatamata.X402SettlementAttempted.v1': 'The authorization is sent to the chain, attempt {attempt}.',
  'killatamata.X402PaymentSettled.v1': 'The chain has the payment, in the transaction {transaction}.',
  'killatamata.X402PaymentFailed.v1': 'The authorization pays nothing: {reason}.',
  'killatamata.X402PaymentCredited.v1': 'The payment brought {usdMicros} micro-dollars ({depositId}).',
  'killatamata.MediaJobRequested.v1':
    'The job {jobId} ({job.task}) was asked for, with {job.holdUsdMicros} micro-dollars held.',
  'killatamata.MediaJobStarted.v1': 'Attempt {attempt} at {jobId} began.',
  'killatamata.MediaJobSubmittedToProvider.v1': 'The provider {provider} has {jobId} in its queue.',
  'killatamata.MediaJobCompleted.v1': '{jobId} has its files, for {chargedMicros} micro-dollars.',
  'killatamata.MediaJobFailed.v1': '{jobId} failed ({code}): {message}',
  'killatamata.MediaJobAbandoned.v1': '{jobId} was held for and never came to be; its request is given up.',
  'killatamata.MediaOutputsDeleted.v1': 'The files of {jobId} were deleted.',
  'killatamata.CallbackRequested.v1': 'The end of {jobId} is to be told to {host}.',
  'killatamata.CallbackAttempted.v1':
    'Attempt {attempt} to tell the end of {jobId} failed: {reason}; it is tried again at {nextAttemptAt}.',
  'killatamata.CallbackDelivered.v1': 'The end of {jobId} was told at attempt {attempt}.',
  'killatamata.CallbackGivenUp.v1': 'Nobody could be told the end of {jobId}, after {attempt} attempts: {reason}.',
}
