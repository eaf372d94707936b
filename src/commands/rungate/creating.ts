/** How what has a name is made: the name, then the thing; of an agent, the bond with its policy in between. */
import type { AdminTokenFacts } from '../../events/rungate/admin-token.ts'
import type { AgentFacts } from '../../events/rungate/agent.ts'
import type { AlertRuleCreation } from '../../events/rungate/alert-rule.ts'
import type { NameClaim } from '../../events/rungate/name.ts'
import type { PolicyFacts } from '../../events/rungate/policy.ts'
import type { ProviderKeyFacts } from '../../events/rungate/provider-key.ts'
import type { WebhookCreation } from '../../events/rungate/webhook.ts'
import type { CommandBus, CommandContext } from '../handle.ts'
import { agent } from './agent.ts'
import { alertRule } from './alert-rule.ts'
import { claimForNew, releaseName } from './naming.ts'
import { isSeen, policy } from './policy.ts'
import { providerKey } from './provider-key.ts'
import { Rejected } from './rejection.ts'
import { finishToken } from './tokens.ts'
import { finishWebhook } from './webhooks.ts'

/** Rejects with name_taken. */
export async function createPolicy(bus: CommandBus, facts: PolicyFacts, context: CommandContext) {
  const { accountId, policyId: ownerId } = facts
  await claimForNew(bus, { accountId, kind: 'policy', ownerId }, facts.name, facts, context)
  return finishPolicy(bus, facts, context)
}

const finishPolicy = (bus: CommandBus, facts: PolicyFacts, context: CommandContext) =>
  bus.handle(policy, facts.policyId, { kind: 'create', facts }, context)

/** Rejects with name_taken. */
export async function addProviderKey(bus: CommandBus, facts: ProviderKeyFacts, context: CommandContext) {
  const { accountId, keyId: ownerId } = facts
  await claimForNew(bus, { accountId, kind: 'providerKey', ownerId }, facts.name, facts, context)
  return finishProviderKey(bus, facts, context)
}

const finishProviderKey = (bus: CommandBus, facts: ProviderKeyFacts, context: CommandContext) =>
  bus.handle(providerKey, facts.keyId, { kind: 'add', facts }, context)

/** Rejects with name_taken, and with policy_unusable where the caller sees no such living policy. */
export async function createAgent(bus: CommandBus, facts: AgentFacts, context: CommandContext) {
  const { accountId, agentId: ownerId, memberId, profile } = facts
  const { policyId } = profile
  const state = await bus.current(policy, policyId)
  if (state.status !== 'living' || !isSeen(state, { accountId, memberId })) throw policyUnusable()
  await claimForNew(bus, { accountId, kind: 'agent', ownerId }, profile.name, facts, context)
  return finishAgent(bus, facts, context)
}

async function finishAgent(bus: CommandBus, facts: AgentFacts, context: CommandContext) {
  const { accountId, agentId, memberId, profile } = facts
  try {
    await bindAgent(bus, profile.policyId, { accountId, memberId, agentId }, context)
  } catch (error) {
    if (error instanceof Rejected) {
      await releaseName(bus, { accountId, kind: 'agent', ownerId: agentId }, profile.name, context)
    }
    throw error
  }
  return bus.handle(agent, agentId, { kind: 'create', facts }, context)
}

/** Rejects with policy_unusable. */
export const bindAgent = (
  bus: CommandBus,
  policyId: string,
  of: { accountId: string; memberId: string | null; agentId: string },
  context: CommandContext,
) => bus.handle(policy, policyId, { kind: 'bind', ...of, at: context.at }, context)

const policyUnusable = () => new Rejected('policy_unusable', 'There is no such policy.', '/policy_id')

/** Rejects with name_taken. */
export async function createAlertRule(bus: CommandBus, facts: AlertRuleCreation, context: CommandContext) {
  const { accountId, ruleId: ownerId, rule } = facts
  await claimForNew(bus, { accountId, kind: 'alertRule', ownerId }, rule.name, facts, context)
  return finishAlertRule(bus, facts, context)
}

const finishAlertRule = (bus: CommandBus, facts: AlertRuleCreation, context: CommandContext) =>
  bus.handle(alertRule, facts.ruleId, { kind: 'create', facts }, context)

/** Of an account. */
export interface ClaimLimits {
  webhooksMax: number
  tokensMax: number
}

/** The owner of a claimed name, made from the claim alone. Harmless where it is there. */
export function finishClaim(
  bus: CommandBus,
  { kind, creation }: NameClaim,
  { webhooksMax, tokensMax }: ClaimLimits,
  context: CommandContext,
) {
  switch (kind) {
    case 'policy':
      return finishPolicy(bus, creation as unknown as PolicyFacts, context)
    case 'agent':
      return finishAgent(bus, creation as unknown as AgentFacts, context)
    case 'providerKey':
      return finishProviderKey(bus, creation as unknown as ProviderKeyFacts, context)
    case 'adminToken':
      return finishToken(bus, creation as unknown as AdminTokenFacts, tokensMax, context)
    case 'alertRule':
      return finishAlertRule(bus, creation as unknown as AlertRuleCreation, context)
    case 'webhook':
      return finishWebhook(bus, creation as unknown as WebhookCreation, webhooksMax, context)
    default:
      return kind satisfies never
  }
}
