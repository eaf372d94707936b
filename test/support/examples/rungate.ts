/** Examples of rungate's events: one account with its policy, agent, token, and a provider key. */
import type { AccountEvent, AccountSlugEvent } from '../../../src/events/rungate/account.ts'
import type { AdminTokenEvent } from '../../../src/events/rungate/admin-token.ts'
import type { AgentEvent, AgentProfile } from '../../../src/events/rungate/agent.ts'
import type { CircuitEvent } from '../../../src/events/rungate/circuit.ts'
import type { CleanupEvent } from '../../../src/events/rungate/cleanup.ts'
import type { NameEvent } from '../../../src/events/rungate/name.ts'
import type { PolicyEvent } from '../../../src/events/rungate/policy.ts'
import { defaultSettings, type PolicySettings } from '../../../src/events/rungate/policy-settings.ts'
import type { ProviderKeyEvent } from '../../../src/events/rungate/provider-key.ts'
import type { StepContentEvent } from '../../../src/events/rungate/step-content.ts'
import { type DeskStoryEvent, deskExamples, deskStreamOf } from './desk.ts'

export type RungateStoryEvent =
  | AccountEvent
  | AccountSlugEvent
  | NameEvent
  | AdminTokenEvent
  | ProviderKeyEvent
  | PolicyEvent
  | AgentEvent
  | DeskStoryEvent
  | CleanupEvent
  | CircuitEvent
  | StepContentEvent

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
  const ofAgent = (seconds: number) => ({ ...at(seconds), agentId, author })
  const ofCircuit = (seconds: number) => ({
    ...at(seconds),
    ...{ keyId, provider: 'openai', processId: uuidOf('rungate process') },
  })
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
    'rungate.OldDataDeleted.v1': {
      ...{ ...at(29_700), cleanupId: uuidOf('rungate cleanup'), author, days: 30, before: timeAt(0) },
      ...{ runIds: [uuidOf('rungate earlier run')], steps: 4, ledgerEntries: 3 },
    },
    'rungate.CircuitOpened.v1': { ...ofCircuit(825), failures: 5, waitMs: 30_000 },
    'rungate.CircuitProbed.v1': ofCircuit(826),
    'rungate.CircuitClosed.v1': ofCircuit(827),
    'rungate.StepContentLogged.v1': {
      ...at(828),
      ...{ agentId, runId: uuidOf('rungate run'), stepId: uuidOf('rungate step'), day: '2026-03-02' },
      ...{ sealedRequest: '0a1b2c3d.c2VhbGVk', requestBytes: 120, sealedResponse: null, responseBytes: 0 },
    },
  }
}

/** The stream that a rungate event belongs in. */
export function rungateStreamOf({ type, data }: { type: string; data: Record<string, unknown> }): string {
  const atDesk = deskStreamOf({ type, data })
  if (atDesk !== undefined) return atDesk
  const name = type.split('.')[1] ?? ''
  if (name.startsWith('OldData')) return `rungate.cleanup-${data.accountId}`
  if (name.startsWith('Slug')) return `rungate.accountSlug-${data.slug}`
  if (name.startsWith('Name')) return `rungate.name-${data.ownerId}`
  if (name.startsWith('AdminToken')) return `rungate.adminToken-${data.tokenId}`
  if (name.startsWith('ProviderKey')) return `rungate.providerKey-${data.keyId}`
  if (name.startsWith('Policy') || name === 'AgentBound' || name === 'AgentUnbound') {
    return `rungate.policy-${data.policyId}`
  }
  if (name.startsWith('Circuit')) return `rungate.circuit-${data.keyId}`
  if (name.startsWith('StepContent')) return `rungate.content-${data.stepId}`
  if (name.startsWith('Agent')) return `rungate.agent-${data.agentId}`
  return `rungate.account-${data.accountId}`
}
