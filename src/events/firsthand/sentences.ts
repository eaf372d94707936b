/** Firsthand's events in sentences, for auditors; audit/sentences.ts says how placeholders are written. */
export const firsthandSentences: Readonly<Record<string, string>> = {
  'firsthand.OrganizationCreated.v1': 'The organization {name} was created, on the tier {tier}.',
  'firsthand.OrganizationSuspended.v1': 'The organization was suspended{reason?: <reason>}.',
  'firsthand.OrganizationResumed.v1': 'The organization was resumed{reason?: <reason>}.',
  'firsthand.SettingsChanged.v1':
    'The settings changed{defaultPlatformFeePct?: the fee of new jobs is <defaultPlatformFeePct>}{autoTopUpAmountCents?; a top-up buys <autoTopUpAmountCents> cents}.',
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
    '{amountCents} cents of {jobId} went back, with {filesApproved} files approved; the balance is {balanceCents}.',
  'firsthand.CreditsExpired.v1': '{amountCents} cents ({kind}) came to their end; the balance is {balanceCents}.',
  'firsthand.JobPosted.v1': 'The job {jobId} was posted: {filesNeeded} files at {pricePerFileCents} cents.',
  'firsthand.JobCancelled.v1':
    'The job {jobId} was cancelled with {filesApproved} files approved; {refundCents} cents go back.',
}
