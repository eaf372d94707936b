/** Rungate's events in sentences, for auditors; audit/sentences.ts says how placeholders are written. */
export const rungateSentences: Readonly<Record<string, string>> = {
  'rungate.SlugClaimed.v1': 'The slug {slug} was claimed for the account {registration.name}.',
  'rungate.AccountRegistered.v1': 'The account {name} ({slug}) was registered, on the tier {tier}.',
  'rungate.AccountRenamed.v1': 'The account was renamed to {name}.',
  'rungate.AccountSuspended.v1': 'The account was suspended{reason?: <reason>}.',
  'rungate.AccountResumed.v1': 'The account was resumed{reason?: <reason>}.',
  'rungate.TierChanged.v1': 'The tier of the account is {tier} from now on.',
  'rungate.StepLimitSet.v1': 'The limit of steps per month was set{stepLimit? to <stepLimit>}.',
  'rungate.NameClaimed.v1': 'The name {name} was taken for the {kind} {ownerId}.',
  'rungate.NameReleased.v1': 'The name {name} of the {kind} {ownerId} is free again.',
  'rungate.AdminTokenIssued.v1':
    'The admin token {name} ({keyPrefix}…) was issued by {author.id}{expiresAt?; it ends at <expiresAt>}.',
  'rungate.AdminTokenRevoked.v1': 'The admin token {tokenId} was revoked by {author.id}.',
  'rungate.AdminTokenUseNoted.v1': 'The admin token {tokenId} was in use at {usedAt}.',
  'rungate.ProviderKeyAdded.v1': 'The key {name} of {provider} was added by {author.id}.',
  'rungate.ProviderKeyChanged.v1': 'The provider key is {name} from now on{baseUrl?, and leads to <baseUrl>}.',
  'rungate.ProviderKeyRotated.v1': 'The secret of the provider key {keyId} was replaced by {author.id}.',
  'rungate.ProviderKeyDisabled.v1': 'The provider key {keyId} was disabled by {author.id}.',
  'rungate.ProviderKeyEnabled.v1': 'The provider key {keyId} was enabled by {author.id}.',
  'rungate.ProviderKeyDeleted.v1':
    'The provider key {keyId} was deleted by {author.id}{remapTo?; agents use <remapTo> in its place}.',
  'rungate.PolicyCreated.v1': 'The policy {name} was made by {author.id}.',
  'rungate.PolicyChanged.v1': 'The policy {name} was changed by {author.id}: this is version {version}.',
  'rungate.PolicyDeleted.v1': 'The policy {name} was deleted by {author.id}: this is version {version}.',
  'rungate.AgentBound.v1': 'The agent {agentId} was bound to the policy.',
  'rungate.AgentUnbound.v1': 'The agent {agentId} is bound to the policy no more.',
  'rungate.AgentCreated.v1': 'The agent {profile.name} was made by {author.id}, under the policy {profile.policyId}.',
  'rungate.AgentChanged.v1': 'The agent {profile.name} was changed by {author.id}: {profile.status}.',
  'rungate.AgentKeyRotated.v1':
    'The key of the agent {agentId} was replaced by {author.id}; it begins with {keyPrefix}.',
}
