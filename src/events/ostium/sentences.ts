/** Ostium's events in sentences, for auditors; audit/sentences.ts says how placeholders are written. */
export const ostiumSentences: Readonly<Record<string, string>> = {
  'ostium.TransactionsBuilt.v1': 'Transactions were handed out to {trader} for {operation}, by {channel}.',
  'ostium.AgentWalletCreated.v1':
    'The agent {agentId} was made for {trader}, with the account {smartAccount}; it may be verified until {pendingUntil}.',
  'ostium.AgentVerified.v1':
    'The agent {agentId} is the delegate of {trader}, as of block {blockNumber}; the allowance is {allowance}.',
  'ostium.AgentSuspended.v1':
    'The agent {agentId} of {trader} was suspended ({noticedBy}): the delegate is {delegatedTo}.',
  'ostium.AgentCancelled.v1':
    'The agent {agentId} of {trader} was never verified and is gone ({by}){nonce?, by the message <nonce>}.',
  'ostium.AgentRevoked.v1':
    'The agent {agentId} of {trader} was revoked ({by}){nonce?, by the message <nonce>}{delegatedTo?; the delegate was <delegatedTo>}{allowance?, the allowance <allowance>}.',
  'ostium.ChallengeIssued.v1': 'The message {nonce} ({purpose}) was made for {trader} to sign until {expiresAt}.',
  'ostium.ChallengeConsumed.v1': 'The message {nonce} came back signed by {trader}.',
  'ostium.DelegatedActionRequested.v1':
    'The action {actionId} ({operation}) of {trader} is owed by the agent {agentId} until {deadline}.',
  'ostium.DelegatedActionRefused.v1': 'The chain would not take {operation} of {trader}: {revert.text}.',
  'ostium.DelegatedActionSigned.v1':
    'The action {actionId} was signed as {txHash}, attempt {attempt}, under the nonce {sponsorNonce} of {sponsor}.',
  'ostium.DelegatedActionBroadcast.v1': 'The action {actionId} was sent as {txHash}.',
  'ostium.DelegatedActionIncluded.v1':
    'The action {actionId} is in block {blockNumber} as {txHash}{orderId?; its order is <orderId>}.',
  'ostium.DelegatedActionReverted.v1':
    'The action {actionId} is in block {blockNumber} as {txHash} and had no effect: {revert.text}.',
  'ostium.DelegatedActionAbandoned.v1': 'The action {actionId} was given up: {reason}.',
  'ostium.SponsorNonceTaken.v1': 'The nonce {nonce} of {sponsor} was taken for the action {actionId}.',
  'ostium.SponsorNonceFilled.v1':
    'The nonce {nonce} of {sponsor} was filled by {txHash}: its action {actionId} came to nothing.',
}
