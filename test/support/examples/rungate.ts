/** Examples of rungate's events: one account with its policy, agent, token, and a provider key. */

import type { EventOf } from '../../../src/events/event.ts'
import type { AccountEvent, AccountSlugEvent } from '../../../src/events/rungate/account.ts'
import type { AddressEvent } from '../../../src/events/rungate/address.ts'
import type { AdminTokenEvent, AdminTokenPlaceEvent } from '../../../src/events/rungate/admin-token.ts'
import type { AgentEvent, AgentProfile } from '../../../src/events/rungate/agent.ts'
import type { AlertRuleEvent, AlertRuleFacts } from '../../../src/events/rungate/alert-rule.ts'
import type { CircuitEvent } from '../../../src/events/rungate/circuit.ts'
import type { CleanupEvent } from '../../../src/events/rungate/cleanup.ts'
import type { mailEvents } from '../../../src/events/rungate/mail.ts'
import type { NameEvent } from '../../../src/events/rungate/name.ts'
import type { PolicyEvent } from '../../../src/events/rungate/policy.ts'
import { defaultSettings, type PolicySettings } from '../../../src/events/rungate/policy-settings.ts'
import type { ProviderKeyEvent } from '../../../src/events/rungate/provider-key.ts'
import type { RosterEvent } from '../../../src/events/rungate/roster.ts'
import type { SessionEvent } from '../../../src/events/rungate/session.ts'
import type { StepContentEvent } from '../../../src/events/rungate/step-content.ts'
import type {
  WebhookDeliveryEvent,
  WebhookEvent,
  WebhookFacts,
  webhookPlaceEvents,
} from '../../../src/events/rungate/webhook.ts'
import { type DeskStoryEvent, deskExamples, deskStreamOf } from './desk.ts'

export type RungateStoryEvent =
  | AccountEvent
  | AccountSlugEvent
  | NameEvent
  | AdminTokenEvent
  | AdminTokenPlaceEvent
  | ProviderKeyEvent
  | PolicyEvent
  | AgentEvent
  | DeskStoryEvent
  | CleanupEvent
  | AlertRuleEvent
  | CircuitEvent
  | StepContentEvent
  | AddressEvent
  | RosterEvent
  | SessionEvent
  | EventOf<typeof mailEvents>
  | WebhookEvent
  | EventOf<typeof webhookPlaceEvents>
  | WebhookDeliveryEvent

type Examples = {
  readonly [T in RungateStoryEvent['type']]: Extract<RungateStoryEvent, { type: T }>['data']
}

/** `uuidOf` and `timeAt` are those of examples.ts, which imports this file. */
export function rungateExamples(uuidOf: (name: string) => string, timeAt: (seconds: number) => string): Examples {
  const accountId = uuidOf('rungate account')
  const tokenId = uuidOf('rungate token')
  const policyId = uuidOf('rungate policy')
  const agentId = uuidOf('rungate agent')
  const keyId = uuidOf('rungate provider key')
  const author = { id: tokenId, tokenId }
  const system = { id: 'system', tokenId: null }
  const at = (seconds: number) => ({ accountId, occurredAt: timeAt(seconds) })
  const facts = (name: string) => ({
    ...{ textId: `0000Rungate${name}Text`.slice(0, 17), keyHash: 'ab'.repeat(32) },
    keyPrefix: name === 'Token' ? 'rg_adm_0000' : 'rg_sk_00000',
  })
  const claimed = { kind: 'policy' as const, name: 'careful', ownerId: policyId }
  const ofKey = (seconds: number) => ({ ...at(seconds), keyId, author })
  const secret = { secretId: uuidOf('rungate secret'), sealed: '0a1b2c3d.c2VhbGVk', masked: 'sk-…6789' }
  const settings: PolicySettings = {
    ...defaultSettings,
    budget: { ...defaultSettings.budget, hardLimitUsd: '0.0003' },
    modelMapping: { 'gpt-4o': { anthropic: 'claude-sonnet-4-5' } },
    outcomeDefaults: { idleTimeout: 'failed' },
  }
  const ofPolicy = (seconds: number, version: number) => ({
    ...at(seconds),
    ...{ policyId, name: 'careful', settings, version, author },
  })
  const profile: AgentProfile = {
    ...{ name: 'writer', description: null, policyId, allowedPolicies: null },
    providerKeys: { openai: [{ keyId, weight: 3 }] },
    routingOverride: { modelRoutes: [{ pattern: 'gpt-*', chain: ['openai'], timeoutMs: 5_000 }] },
    ...{ metadata: { team: 'news' }, status: 'active' },
  }
  const ofRule = (seconds: number) => ({ ...at(seconds), ruleId: uuidOf('rungate alert rule') })
  const rule: AlertRuleFacts = {
    ...{ name: 'spend', description: null, agentId: null, cooldownSeconds: 300, scope: 'org' },
    condition: { type: 'cost_threshold', thresholdUsd: '5.0001', windowMinutes: 60 },
  }
  const ofAgent = (seconds: number) => ({ ...at(seconds), agentId, author })
  const ofCircuit = (seconds: number) => ({
    ...at(seconds),
    ...{ keyId, provider: 'openai', processId: uuidOf('rungate process') },
  })
  const [memberId, otherId] = [uuidOf('rungate member'), uuidOf('rungate other member')]
  const [addressId, otherAddressId] = [uuidOf('rungate address'), uuidOf('rungate other address')]
  const member = { id: memberId, tokenId: null }
  const registration = {
    ...{ name: 'Acme', policyId: uuidOf('rungate default policy') },
    agent: { ...facts('First'), agentId: uuidOf('rungate first agent'), name: '' },
    token: { ...facts('Token'), tokenId },
  }
  const ofAddress = (seconds: number) => ({ ...at(seconds), addressId, memberId })
  const login = { loginId: uuidOf('rungate login') }
  const ofInvitation = (seconds: number, name = 'invitation') => ({
    ...at(seconds),
    invitationId: uuidOf(`rungate ${name}`),
  })
  const invited = { tokenHash: 'cd'.repeat(32), expiresAt: timeAt(9_000) }
  const ofSession = (seconds: number) => ({ ...at(seconds), sessionId: uuidOf('rungate session'), memberId })
  const webhookId = uuidOf('rungate webhook')
  const ofWebhook = (seconds: number) => ({ ...at(seconds), webhookId })
  const webhook: WebhookFacts = {
    ...{ name: 'news', url: 'https://hooks.example.com/rungate', description: null, scope: 'org' },
    ...{ events: ['agent.created', 'run.completed'], agentId: null },
  }
  const hookSecret = { secretId: uuidOf('rungate webhook secret'), sealed: '0a1b2c3d.c2VhbGVk', masked: 'whsec_…c3Q=' }
  const ofDelivery = (seconds: number, name = 'delivery') => ({
    ...ofWebhook(seconds),
    ...{ deliveryId: uuidOf(`rungate ${name}`), eventType: 'agent.created' as const, runId: null },
  })
  const attempted = {
    ...{ startedAt: timeAt(872), durationMs: 12, responseStatus: 500, responseExcerpt: 'busy' },
    ...{ errorClass: 'http_5xx', errorMessage: 'the endpoint answered 500' },
  }
  const ofMail = (seconds: number) => ({ ...at(seconds), mailId: uuidOf('rungate mail') })
  return {
    'rungate.SlugClaimed.v1': {
      ...at(800),
      slug: 'acme',
      registration: {
        ...{ name: 'Acme', policyId: uuidOf('rungate default policy') },
        agent: { ...facts('First'), agentId: uuidOf('rungate first agent'), name: 'acme' },
        token: { ...facts('Token'), tokenId },
      },
    },
    'rungate.AccountRegistered.v1': { ...at(801), slug: 'acme', name: 'Acme', tier: 'free', isHosted: false },
    'rungate.AccountRenamed.v1': { ...at(802), name: 'Acme Inc' },
    'rungate.TierChanged.v1': { ...at(803), tier: 'pro' },
    'rungate.StepLimitSet.v1': { ...at(804), stepLimit: 10_000 },
    'rungate.AccountSuspended.v1': { ...at(805), reason: 'unpaid' },
    'rungate.AccountResumed.v1': { ...at(806), reason: null },
    'rungate.AdminTokenIssued.v1': {
      ...at(807),
      ...{ ...facts('Token'), tokenId, name: 'ci', description: null, scopes: ['admin'], expiresAt: null },
      author: system,
    },
    'rungate.AdminTokenPlaceTaken.v1': { ...at(807), tokenId, madeBy: null, expiresAt: null },
    'rungate.AdminTokenPlaceFreed.v1': { ...at(890), tokenId, author },
    'rungate.AdminTokenUseNoted.v1': { ...at(808), tokenId, usedAt: timeAt(808) },
    'rungate.AdminTokenRevoked.v1': { ...at(890), tokenId, author },
    'rungate.NameClaimed.v1': { ...at(809), ...claimed, creation: { name: 'careful' } },
    'rungate.ProviderKeyAdded.v1': {
      ...ofKey(810),
      ...{ ...secret, provider: 'openai', name: 'main', baseUrl: null },
    },
    'rungate.ProviderKeyChanged.v1': { ...ofKey(811), name: 'spare', baseUrl: 'https://llm.example.com/v1' },
    'rungate.ProviderKeyRotated.v1': { ...ofKey(812), ...secret, masked: 'sk-…wxyz' },
    'rungate.ProviderKeyDisabled.v1': ofKey(813),
    'rungate.ProviderKeyEnabled.v1': ofKey(814),
    'rungate.PolicyCreated.v1': { ...ofPolicy(815, 1), memberId: null },
    'rungate.PolicyChanged.v1': { ...ofPolicy(816, 2), changedFields: ['budget'] },
    'rungate.AgentBound.v1': { ...at(817), policyId, agentId },
    'rungate.AgentCreated.v1': { ...ofAgent(818), ...facts('Agent'), memberId: null, profile },
    'rungate.AgentChanged.v1': {
      ...ofAgent(819),
      profile: { ...profile, status: 'disabled' },
      changedFields: ['status'],
    },
    'rungate.AgentKeyRotated.v1': { ...ofAgent(820), ...facts('Rotated') },
    'rungate.ProviderKeyDeleted.v1': { ...ofKey(821), remapTo: null },
    'rungate.AgentUnbound.v1': { ...at(822), policyId, agentId },
    'rungate.PolicyDeleted.v1': ofPolicy(823, 3),
    'rungate.NameReleased.v1': { ...at(824), ...claimed },
    ...deskExamples({ uuidOf, timeAt, accountId, agentId, policyId, keyId, settings, author }),
    'rungate.AlertRuleCreated.v1': { ...ofRule(860), author, memberId: null, rule },
    'rungate.AlertRuleChanged.v1': { ...ofRule(861), author, rule: { ...rule, name: 'spending' } },
    'rungate.AlertRuleDisabled.v1': { ...ofRule(862), author },
    'rungate.AlertRuleEnabled.v1': { ...ofRule(863), author },
    'rungate.AlertTriggered.v1': { ...ofRule(864), rule, observed: '5.0001' },
    'rungate.AlertRuleDeleted.v1': { ...ofRule(29_699), author },
    'rungate.OldDataDeleted.v1': {
      ...{ ...at(29_700), cleanupId: uuidOf('rungate cleanup'), author, days: 30, before: timeAt(0) },
      ...{ runIds: [uuidOf('rungate earlier run')], steps: 4, ledgerEntries: 3 },
    },
    'rungate.DeliveriesDeleted.v1': {
      ...at(29_700),
      ...{ before: timeAt(0), deliveryIds: [uuidOf('rungate earlier delivery')] },
    },
    'rungate.CircuitOpened.v1': { ...ofCircuit(825), failures: 5, waitMs: 30_000 },
    'rungate.CircuitProbed.v1': ofCircuit(826),
    'rungate.CircuitClosed.v1': ofCircuit(827),
    'rungate.StepContentLogged.v1': {
      ...at(828),
      ...{ agentId, runId: uuidOf('rungate run'), stepId: uuidOf('rungate step'), day: '2026-03-02' },
      ...{ sealedRequest: '0a1b2c3d.c2VhbGVk', requestBytes: 120, sealedResponse: null, responseBytes: 0 },
    },
    'rungate.LoginRequested.v1': {
      ...ofAddress(830),
      ...{ ...login, accountId: null, email: 'ada@example.com', tokenHash: 'ef'.repeat(32), codeHash: 'ab'.repeat(32) },
      expiresAt: timeAt(1_730),
    },
    'rungate.MailRequested.v1': {
      ...ofMail(831),
      ...{
        memberId,
        purpose: 'login',
        about: login.loginId,
        to: 'ada@example.com',
        subject: 'Your code',
        text: '012345',
      },
      ...{ html: '<p>012345</p>', token: '0a'.repeat(32), code: '012345', validUntil: timeAt(1_730) },
    },
    'rungate.MailFailed.v1': { ...ofMail(832), attempt: 1, reason: 'ECONNECTION', nextAttemptAt: timeAt(842) },
    'rungate.MailSent.v1': { ...ofMail(842), attempt: 2, via: 'smtp' },
    'rungate.LoginFailed.v1': { ...ofAddress(843), ...login, accountId: null },
    'rungate.LoginVerified.v1': { ...ofAddress(844), ...login, accountId: null },
    'rungate.SessionStarted.v1': {
      ...ofSession(845),
      ...{ accountId: null, addressId, keyHash: 'ba'.repeat(32), expiresAt: timeAt(9_000) },
      ...{ ipAddress: '198.51.100.7', userAgent: 'Mozilla/5.0' },
    },
    'rungate.AddressBound.v1': {
      ...ofAddress(846),
      ...{ email: 'ada@example.com', displayName: 'ada', joining: { kind: 'registered', registration } },
    },
    'rungate.MemberJoined.v1': {
      ...at(847),
      ...{ memberId, addressId, email: 'ada@example.com', displayName: 'ada', role: 'owner' },
      ...{ invitationId: null, invitedBy: null },
    },
    'rungate.MemberRenamed.v1': { ...at(848), memberId, displayName: 'Ada', author: member },
    'rungate.SessionSeen.v1': { ...ofSession(849), accountId: null, expiresAt: timeAt(9_900) },
    'rungate.InvitationCreated.v1': {
      ...ofInvitation(850),
      ...{ ...invited, addressId: otherAddressId, memberId: otherId, email: 'grace@example.com', role: 'member' },
      ...{ invitedBy: memberId, author: member },
    },
    'rungate.InvitationResent.v1': { ...ofInvitation(851), ...invited, author: member },
    'rungate.InvitationAccepted.v1': { ...ofInvitation(852), memberId: otherId },
    'rungate.InvitationRevoked.v1': { ...ofInvitation(853, 'revoked invitation'), author: member },
    'rungate.InvitationExpired.v1': ofInvitation(854, 'expired invitation'),
    'rungate.MemberRoleChanged.v1': { ...at(855), memberId, role: 'viewer', author: member },
    'rungate.OwnershipTransferred.v1': { ...at(856), fromId: memberId, toId: otherId, author: member },
    'rungate.AgentReassigned.v1': { ...ofAgent(857), memberId },
    'rungate.PolicyReassigned.v1': { ...at(858), policyId, memberId, author },
    'rungate.MemberRemoved.v1': { ...at(859), memberId, addressId, heirId: otherId, author: member },
    'rungate.AddressReleased.v1': { ...ofAddress(860), reason: 'removed' },
    'rungate.SessionEnded.v1': { ...ofSession(861), accountId, reason: 'removed', author: member },
    'rungate.MemberForgotten.v1': { ...ofAddress(862), reference: 'DSR-2026-019' },
    'rungate.WebhookEndpointPlaceTaken.v1': ofWebhook(865),
    'rungate.WebhookCreated.v1': { ...ofWebhook(866), ...hookSecret, author, memberId: null, webhook },
    'rungate.WebhookChanged.v1': { ...ofWebhook(867), author, webhook: { ...webhook, description: 'for the desk' } },
    'rungate.SecretRotated.v1': {
      ...{ ...ofWebhook(868), ...hookSecret, masked: 'whsec_…dHI=', author },
      ...{ previousMasked: hookSecret.masked, previousValidUntil: timeAt(1_468) },
    },
    'rungate.PreviousSecretExpired.v1': { ...ofWebhook(869), author },
    'rungate.DeliveryRequested.v1': {
      ...ofDelivery(870),
      ...{ eventId: uuidOf('rungate told event'), body: '{"type":"agent.created"}', isTrial: false, attemptsMax: 4 },
      sourcePosition: '9223372036854775807',
    },
    'rungate.AttemptStarted.v1': { ...ofDelivery(872), attempt: 1 },
    'rungate.AttemptFinished.v1': {
      ...{ ...ofDelivery(873), ...attempted, attempt: 1, status: 'transient_fail', nextAttemptAt: timeAt(903) },
    },
    'rungate.DeliveryGivenUp.v1': {
      ...{ ...ofDelivery(1_400), attempts: 4, cause: 'failed', reason: 'the endpoint answered 500', isTrial: false },
    },
    'rungate.WebhookFailuresCounted.v1': { ...ofWebhook(1_401), failures: 10, upTo: '9223372036854775807' },
    'rungate.WebhookFailing.v1': { ...ofWebhook(1_401), failures: 10 },
    'rungate.WebhookEnabled.v1': { ...ofWebhook(1_402), author },
    'rungate.WebhookDisabled.v1': { ...ofWebhook(1_403), author },
    'rungate.WebhookDeleted.v1': { ...ofWebhook(1_404), author },
    'rungate.WebhookEndpointPlaceFreed.v1': ofWebhook(1_405),
  }
}

/** The stream that a rungate event belongs in. */
export function rungateStreamOf({ type, data }: { type: string; data: Record<string, unknown> }): string {
  const atDesk = deskStreamOf({ type, data })
  if (atDesk !== undefined) return atDesk
  const name = type.split('.')[1] ?? ''
  if (name.startsWith('AlertRule') || name === 'AlertTriggered') return `rungate.alertRule-${data.ruleId}`
  if (name.startsWith('WebhookEndpointPlace')) return `rungate.webhookEndpoints-${data.accountId}`
  if (/^(Delivery|Attempt)/.test(name)) return `rungate.webhookDelivery-${data.deliveryId}`
  if (/^(Webhook|SecretRotated|PreviousSecret)/.test(name)) return `rungate.webhook-${data.webhookId}`
  if (/^(OldData|Deliveries)/.test(name)) return `rungate.cleanup-${data.accountId}`
  if (name.startsWith('Slug')) return `rungate.accountSlug-${data.slug}`
  if (name.startsWith('Name')) return `rungate.name-${data.ownerId}`
  if (name.startsWith('AdminTokenPlace')) return `rungate.adminTokens-${data.accountId}`
  if (name.startsWith('AdminToken')) return `rungate.adminToken-${data.tokenId}`
  if (name.startsWith('ProviderKey')) return `rungate.providerKey-${data.keyId}`
  if (name.startsWith('Policy') || name === 'AgentBound' || name === 'AgentUnbound') {
    return `rungate.policy-${data.policyId}`
  }
  if (name.startsWith('Circuit')) return `rungate.circuit-${data.keyId}`
  if (name.startsWith('StepContent')) return `rungate.content-${data.stepId}`
  if (name.startsWith('Mail')) return `rungate.mail-${data.mailId}`
  if (name.startsWith('Session')) return `rungate.session-${data.sessionId}`
  if (/^(Login|Address|MemberForgotten)/.test(name)) return `rungate.address-${data.addressId}`
  if (/^(Member|Ownership|Invitation)/.test(name)) return `rungate.roster-${data.accountId}`
  if (name.startsWith('Agent')) return `rungate.agent-${data.agentId}`
  return `rungate.account-${data.accountId}`
}
