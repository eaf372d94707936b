/** Firsthand's events in sentences, for auditors; audit/sentences.ts says how placeholders are written. */
export const firsthandSentences: Readonly<Record<string, string>> = {
  'firsthand.OrganizationCreated.v1': 'The organization {name} was created, on the tier {tier}.',
  'firsthand.OrganizationSuspended.v1': 'The organization was suspended{reason?: <reason>}.',
  'firsthand.OrganizationResumed.v1': 'The organization was resumed{reason?: <reason>}.',
  'firsthand.SettingsChanged.v1':
    'The settings changed{defaultPlatformFeePct?: the fee of new jobs is <defaultPlatformFeePct>}; automatic top-up: {autoTopUpEnabled}{autoTopUpThresholdCents?, below <autoTopUpThresholdCents> cents}{autoTopUpAmountCents?, of <autoTopUpAmountCents> cents}.',
  'firsthand.FeeFloorSet.v1': 'The organization may set no fee below {feeFloorPct}.',
  'firsthand.ApiKeyCreated.v1':
    'The {environment} key {keyId} ({name}) was made{replaces? in the place of <replaces>}.',
  'firsthand.ApiKeyRotated.v1': 'The key {keyId} was replaced by {replacedBy} and works until {validUntil}.',
  'firsthand.ApiKeyRevoked.v1': 'The key {keyId} was revoked{reason?: <reason>}.',
  'firsthand.ApiKeyUseNoted.v1': 'The key {keyId} was in use at {usedAt}.',
  'firsthand.CreditsGranted.v1':
    '{amountCents} cents were granted ({kind}), good until {endsAt}{reason?: <reason>}; the balance is {balanceCents}.',
  'firsthand.EscrowHeld.v1': '{amountCents} cents were held for {job.jobId}; the balance is {balanceCents}.',
  'firsthand.EscrowRefunded.v1':
    '{amountCents} cents of {jobId} went back; files approved: {filesApproved}; the balance is {balanceCents}.',
  'firsthand.EscrowSettled.v1':
    '{paidCents} cents that were held for {jobId} are paid out; files approved: {filesApproved}.',
  'firsthand.CreditsExpired.v1': '{amountCents} cents ({kind}) came to their end; the balance is {balanceCents}.',
  'firsthand.CreditsPurchased.v1':
    '{amountCents} cents came by {source.id} ({kind}), good until {endsAt}; the balance is {balanceCents}.',
  'firsthand.CreditsClawedBack.v1':
    '{amountCents} cents were taken back{reversedCents?, after <reversedCents> had gone back}; {owedCents} are owed, and the balance is {balanceCents}.',
  'firsthand.AutoTopUpDue.v1':
    'The balance of {balanceCents} is below {thresholdCents}: the top-up {topUpId} is to buy {amountCents} cents.',
  'firsthand.AutoTopUpSettled.v1': 'The top-up {topUpId} is paid; the balance is {balanceCents}.',
  'firsthand.AutoTopUpCancelled.v1': 'The top-up {topUpId} is not wanted any more.',
  'firsthand.AutoTopUpFailed.v1':
    'The top-up {topUpId} failed for good ({reason}); attempts: {attempts}; it is switched off.',
  'firsthand.CheckoutRequested.v1': 'The purchase {purchaseId} of {amountCents} cents was asked for.',
  'firsthand.CheckoutOpened.v1': 'The purchase {purchaseId} can be paid in the session {sessionId}.',
  'firsthand.PurchaseStarted.v1':
    'The session {sessionId} is to be paid with {amountCents} cents ({currency}) by the customer {customerId}.',
  'firsthand.PurchasePaid.v1': 'The session {sessionId} was paid with {amountCents} cents.',
  'firsthand.PurchaseFailed.v1': 'The payment of the session {sessionId} failed: {reason}.',
  'firsthand.PurchaseExpired.v1': 'The session {sessionId} ended without a payment.',
  'firsthand.PurchaseQuarantined.v1':
    'The session {sessionId} was paid with {amountCents} cents ({currency}), which is not what was recorded.',
  'firsthand.PurchaseReversed.v1':
    '{amountCents} cents of the session {sessionId} went back ({cause}), {reversedCents} in all.',
  'firsthand.TopUpStarted.v1': 'The top-up {topUpId} of {amountCents} cents is tried; attempt {attempt}.',
  'firsthand.TopUpPaid.v1': 'The top-up {topUpId} was paid by {paymentIntentId}.',
  'firsthand.TopUpDeclined.v1':
    'The top-up {topUpId} was declined: {reason}{nextAttemptAt?; it is tried again at <nextAttemptAt>}.',
  'firsthand.TopUpReversed.v1':
    '{amountCents} cents of the top-up {topUpId} went back ({cause}), {reversedCents} in all.',
  'firsthand.StripeCustomerClaimed.v1': 'A customer of the payment provider is asked for, for {environment}.',
  'firsthand.StripeCustomerLinked.v1': 'The payment provider knows the organization as {customerId} in {environment}.',
  'firsthand.PaymentMethodSaved.v1': 'The card {paymentMethodId} was kept for top-ups in {environment}.',
  'firsthand.JobPosted.v1':
    'The job {jobId} was posted; files needed: {filesNeeded}, each at {pricePerFileCents} cents.',
  'firsthand.JobCancelled.v1':
    'The job {jobId} was cancelled; files approved: {filesApproved}; {refundCents} cents go back.',
  'firsthand.RequestKeyUsed.v1': 'A key of a request was used for {operation}.',
  'firsthand.SeatClaimed.v1':
    'The worker {workerId} claimed a seat of {jobId} for {submissionId}, until {expiresAt}; seats open: {openSeats}.',
  'firsthand.RetryClaimed.v1':
    'The worker {workerId} takes attempt {attempt} of {submissionId}, until {expiresAt}; seats open: {openSeats}.',
  'firsthand.SeatReleased.v1': 'The seat of {claimId} is free ({cause}); seats open: {openSeats}.',
  'firsthand.SubmissionReceived.v1': 'The worker {workerId} submitted {fileId} as attempt {attempt} of {submissionId}.',
  'firsthand.SubmissionApproved.v1':
    '{submissionId} was approved with {stars} of 5 stars for {payoutCents} cents: {reason} Files approved: {filesApproved}.',
  'firsthand.SubmissionRejected.v1': '{submissionId} was rejected ({cause}){stars? with <stars> of 5 stars}: {reason}',
  'firsthand.JobCompleted.v1': 'The job {jobId} is complete; files approved: {filesApproved}.',
  'firsthand.UploadStored.v1':
    'Attempt {attempt} of {submissionId} is stored as {fileId}: {sizeBytes} bytes of {contentType}, SHA-256 {sha256}.',
  'firsthand.InspectionFinished.v1':
    'The file {fileId} was inspected{contentType? and is <contentType>}{fault?; it cannot be judged: <fault>}.',
  'firsthand.ScoreGiven.v1': '{submissionId} was given {stars} of 5 stars by {scoredBy}: {reason}',
  'firsthand.ScoringFailed.v1':
    'Scoring {submissionId} failed at {step} ({fault}); failures so far: {failures}{dueAt?; it is tried again at <dueAt>}.',
  'firsthand.ScoringResumed.v1': '{submissionId} was set aside, and its scoring is tried again.',
  'firsthand.DeliveryCopyStored.v1':
    'The copy of {fileId} for the buyer is stored: {sizeBytes} bytes of {contentType}.',
  'firsthand.FileRemoved.v1':
    'The {copy} bytes of {fileId} were removed; what they had been kept for until then: {keptFor}.',
  'firsthand.ContentClaimed.v1': 'The bytes with SHA-256 {sha256} were submitted first as {submissionId}.',
  'firsthand.WorkerRegistered.v1': 'The worker {workerId} ({name}) was registered.',
  'firsthand.WorkerSuspended.v1': 'The worker was suspended{reason?: <reason>}.',
  'firsthand.WorkerResumed.v1': 'The worker was resumed{reason?: <reason>}.',
  'firsthand.WorkerForgotten.v1':
    'The worker was forgotten: what was personal cannot be read any more{reference? (<reference>)}.',
  'firsthand.WorkerTokenIssued.v1': 'The worker was issued the token {tokenId}, which ends in {hint}.',
  'firsthand.WorkerTokenRevoked.v1': 'The token {tokenId} was revoked{reason?: <reason>}.',
  'firsthand.EarningCredited.v1':
    'The worker earned {amountCents} cents with {submissionId} and is owed {balanceCents} cents.',
  'firsthand.EarningsPaid.v1':
    'The worker was paid {amountCents} cents ({reference}) and is owed {balanceCents} cents.',
  'firsthand.SubmissionSlotTaken.v1': 'Claims of the worker on {date}: {taken}, the last one {claimId}.',
  'firsthand.WebhookEndpointPlaceTaken.v1': 'The webhook endpoint {endpointId} took a place, to send to {url}.',
  'firsthand.WebhookEndpointPlaceFreed.v1': 'The place of the webhook endpoint {endpointId} is free again.',
  'firsthand.WebhookEndpointCreated.v1': 'The webhook endpoint {endpointId} was made; it sends to {url}.',
  'firsthand.WebhookEndpointChanged.v1': 'The webhook endpoint {endpointId} was changed: {status}, to {url}.',
  'firsthand.WebhookSecretRotated.v1':
    'The webhook endpoint {endpointId} has another secret; the former one signs until {previousValidUntil}.',
  'firsthand.WebhookEndpointFailing.v1': 'The webhook endpoint {endpointId} failed for the first time since a success.',
  'firsthand.WebhookEndpointRecovered.v1':
    'The webhook endpoint {endpointId}, failing since {failingSince}, recovered.',
  'firsthand.WebhookEndpointDisabled.v1': 'The webhook endpoint {endpointId} was disabled: {reason}.',
  'firsthand.WebhookEndpointDeleted.v1': 'The webhook endpoint {endpointId} was deleted.',
  'firsthand.WebhookEventCreated.v1': 'The event {eventId} ({eventType}) is to go to the endpoint {endpointId}.',
  'firsthand.WebhookAttemptStarted.v1': 'Attempt {attempt} to send the event {eventId} began.',
  'firsthand.WebhookAttemptFinished.v1':
    'Attempt {attempt} to send the event {eventId} ended: {status}{errorMessage?, <errorMessage>}{nextAttemptAt?; the next is due at <nextAttemptAt>}.',
  'firsthand.WebhookReplayRequested.v1': 'The event {eventId} was asked to be sent again; attempts so far: {attempts}.',
}
