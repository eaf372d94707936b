/** Changes that take more than one stream: names, an agent’s policy, the end of a policy and of a key. */
import type { AgentProfile } from '../../events/rungate/agent.ts'
import type { Author } from '../../events/rungate/vocabulary.ts'
import type { CommandBus, CommandContext } from '../handle.ts'
import { agent, agentNotFound, keysNamed } from './agent.ts'
import { bindAgent } from './creating.ts'
import { releaseName, withNewName } from './naming.ts'
import { isSeen, policy, policyNotFound } from './policy.ts'
import { mergeSettings, type SettingsChange } from './policy-merge.ts'
import { isUsable, type ProviderKeyCommand, providerKey, providerKeyNotFound } from './provider-key.ts'
import { Rejected } from './rejection.ts'

/** Who asks for a change of something of the account. */
export interface Asker {
  accountId: string
  memberId: string | null
  author: Author
}

/** Rejects with policy_not_found, name_taken and policy_contradicts. */
export async function changePolicy(
  bus: CommandBus,
  policyId: string,
  change: { name?: string; settings: SettingsChange },
  { author, ...asker }: Asker,
  context: CommandContext,
) {
  const state = await bus.current(policy, policyId)
  if (state.status !== 'living' || !isSeen(state, asker)) throw policyNotFound()
  // Before a name is claimed for nothing.
  mergeSettings(state.facts.settings, change.settings)
  const owner = { accountId: asker.accountId, kind: 'policy', ownerId: policyId } as const
  const command = { kind: 'change', ...change, ...asker, author, at: context.at } as const
  const make = () => bus.handle(policy, policyId, command, context)
  return withNewName(bus, owner, { from: state.facts.name, to: change.name }, make, context)
}

/** A bond that is older, and whose agent names another policy or was never made, is left over from a crash. */
const BOND_AGE_MS = 60_000

/** Rejects with policy_not_found, and with policy_in_use where an agent names it. */
export async function deletePolicy(
  bus: CommandBus,
  policyId: string,
  { author, ...asker }: Asker,
  context: CommandContext,
) {
  const state = await bus.current(policy, policyId)
  if (state.status !== 'living' || !isSeen(state, asker)) throw policyNotFound()
  for (const [agentId, since] of state.bound) {
    if (Date.parse(context.at) - Date.parse(since) < BOND_AGE_MS) break
    const bound = await bus.current(agent, agentId)
    if (bound.status !== 'absent' && bound.facts.profile.policyId === policyId) break
    await bus.handle(policy, policyId, { kind: 'unbind', agentId, at: context.at }, context)
  }
  const command = { kind: 'delete', ...asker, author, at: context.at } as const
  const handled = await bus.handle(policy, policyId, command, context)
  const owner = { accountId: asker.accountId, kind: 'policy', ownerId: policyId } as const
  await releaseName(bus, owner, state.facts.name, context)
  return handled
}

/** Rejects with agent_not_found, name_taken, policy_unusable and provider_key_unusable. */
export async function changeAgent(
  bus: CommandBus,
  agentId: string,
  { memberId: newMemberId, ...profile }: Partial<AgentProfile> & { memberId?: string | null },
  { accountId, memberId, author }: Asker,
  context: CommandContext,
) {
  const state = await bus.current(agent, agentId)
  if (state.status === 'absent' || state.facts.accountId !== accountId) throw agentNotFound()
  const { profile: before } = state.facts
  const { policyId = before.policyId } = profile
  if (profile.providerKeys) await requireKeys(bus, accountId, { providerKeys: profile.providerKeys })
  const isRebound = policyId !== before.policyId
  if (isRebound) await bindAgent(bus, policyId, { accountId, memberId, agentId }, context)
  const moved = newMemberId === undefined ? {} : { memberId: newMemberId }
  const command = { kind: 'change', profile, ...moved, accountId, author, at: context.at } as const
  const make = () => bus.handle(agent, agentId, command, context)
  const unbind = (from: string) => bus.handle(policy, from, { kind: 'unbind', agentId, at: context.at }, context)
  try {
    const owner = { accountId, kind: 'agent', ownerId: agentId } as const
    const handled = await withNewName(bus, owner, { from: before.name, to: profile.name }, make, context)
    if (isRebound) await unbind(before.policyId)
    return handled
  } catch (error) {
    if (isRebound && error instanceof Rejected) await unbind(policyId)
    throw error
  }
}

/** Rejects with provider_key_unusable where one is not of its provider and this account, or is deleted. */
export async function requireKeys(
  bus: CommandBus,
  accountId: string,
  profile: Pick<AgentProfile, 'providerKeys'>,
): Promise<void> {
  for (const { provider, keyId } of keysNamed(profile)) {
    if (isUsable(await bus.current(providerKey, keyId), accountId, provider)) continue
    const place = provider.replaceAll('~', '~0').replaceAll('/', '~1')
    throw new Rejected('provider_key_unusable', `is no key of ${provider}`, `/provider_keys/${place}`)
  }
}

type KeyChange = Omit<Extract<ProviderKeyCommand, { kind: 'change' }>, 'kind' | 'accountId' | 'author' | 'at'>

/** Rejects with provider_key_not_found, name_taken and provider_differs. */
export async function changeProviderKey(
  bus: CommandBus,
  keyId: string,
  change: KeyChange,
  { accountId, author }: Asker,
  context: CommandContext,
) {
  const state = await bus.current(providerKey, keyId)
  if (state.status === 'absent' || state.facts.accountId !== accountId) throw providerKeyNotFound()
  const command = { kind: 'change', ...change, accountId, author, at: context.at } as const
  const make = () => bus.handle(providerKey, keyId, command, context)
  const owner = { accountId, kind: 'providerKey', ownerId: keyId } as const
  return withNewName(bus, owner, { from: state.facts.name, to: change.name }, make, context)
}

/** Rejects with provider_key_not_found, and with provider_key_unusable for a replacement that cannot be one. */
export async function deleteProviderKey(
  bus: CommandBus,
  keyId: string,
  remapTo: string | null,
  { accountId, author }: Asker,
  context: CommandContext,
) {
  const state = await bus.current(providerKey, keyId)
  if (state.status === 'absent' || state.facts.accountId !== accountId) throw providerKeyNotFound()
  const { provider, name } = state.facts
  if (remapTo !== null && state.status !== 'deleted') {
    const replacement = await bus.current(providerKey, remapTo)
    if (remapTo === keyId || replacement.status !== 'active' || !isUsable(replacement, accountId, provider)) {
      throw new Rejected('provider_key_unusable', `is no other active key of ${provider}`, 'query/remap_to')
    }
  }
  const command = { kind: 'delete', remapTo, accountId, author, at: context.at } as const
  const handled = await bus.handle(providerKey, keyId, command, context)
  await releaseName(bus, { accountId, kind: 'providerKey', ownerId: keyId }, name, context)
  return handled
}
