/**
 * What has a name takes two streams: the name decides, and its owner follows. A claim holds what the owner's first event says,
 * so that a crash in between is made good from the claim alone (processes/rungate/completion.ts).
 */
import type { AdminTokenFacts } from '../../events/rungate/admin-token.ts'
import type { AgentFacts } from '../../events/rungate/agent.ts'
import type { AlertRuleCreation } from '../../events/rungate/alert-rule.ts'
import { folded, type NameClaim } from '../../events/rungate/name.ts'
import type { PolicyFacts } from '../../events/rungate/policy.ts'
import type { ProviderKeyFacts } from '../../events/rungate/provider-key.ts'
import type { NameKind } from '../../events/rungate/vocabulary.ts'
import type { WebhookCreation } from '../../events/rungate/webhook.ts'
import type { CommandBus, CommandContext } from '../handle.ts'
import { adminToken } from './admin-token.ts'
import { agent } from './agent.ts'
import { alertRule } from './alert-rule.ts'
import { name, nameIdOf } from './name.ts'
import { policy } from './policy.ts'
import { providerKey } from './provider-key.ts'
import { Rejected } from './rejection.ts'
import { webhook } from './webhook.ts'

/** What the first event of an owner says, by its kind. */
export interface Creations {
  policy: PolicyFacts
  agent: AgentFacts
  providerKey: ProviderKeyFacts
  adminToken: AdminTokenFacts
  alertRule: AlertRuleCreation
  webhook: WebhookCreation
}
export type Owner = { accountId: string; kind: NameKind; ownerId: string }

const handleName = (bus: CommandBus, kind: 'claim' | 'release', claim: NameClaim, context: CommandContext) => {
  const { creation, ...released } = claim
  const command = kind === 'claim' ? { kind, claim } : { kind, claim: released }
  return bus.handle(name, nameIdOf(claim.accountId, claim.kind, claim.name), command, context)
}

const claimOf = (owner: Owner, of: string, at: string, creation: object | null = null): NameClaim => ({
  ...owner,
  name: of,
  creation: creation as NameClaim['creation'],
  occurredAt: at,
})

/** Takes the name for an owner that is to be made. Rejects with name_taken. */
export const claimForNew = <K extends NameKind>(
  bus: CommandBus,
  owner: Owner & { kind: K },
  of: string,
  creation: Creations[K],
  context: CommandContext,
) => handleName(bus, 'claim', claimOf(owner, of, context.at, creation), context)

/** The name is free again, where it is this owner's. */
export const releaseName = (bus: CommandBus, owner: Owner, of: string, context: CommandContext) =>
  handleName(bus, 'release', claimOf(owner, of, context.at), context)

/** Makes a change, with the new name claimed before it and the former one released after it. Rejects with name_taken. */
export async function withNewName<T>(
  bus: CommandBus,
  owner: Owner,
  { from, to = from }: { from: string; to: string | undefined },
  change: () => Promise<T>,
  context: CommandContext,
): Promise<T> {
  if (folded(from) === folded(to)) return change()
  await handleName(bus, 'claim', claimOf(owner, to, context.at), context)
  try {
    const changed = await change()
    await releaseName(bus, owner, from, context)
    return changed
  } catch (error) {
    // Of any other failure nobody knows whether the change was made.
    if (error instanceof Rejected) await releaseName(bus, owner, to, context)
    throw error
  }
}

/** The id of the living owner of a name; undefined where it is free. */
export async function ownerOf(
  bus: CommandBus,
  accountId: string,
  kind: NameKind,
  of: string,
): Promise<string | undefined> {
  const state = await bus.current(name, nameIdOf(accountId, kind, of))
  return state.status === 'taken' ? state.ownerId : undefined
}

/** The name that the owner has now: null: it is no more and has none; undefined: it was never made. */
export async function nameNow(bus: CommandBus, { kind, ownerId }: Owner): Promise<string | null | undefined> {
  switch (kind) {
    case 'policy': {
      const state = await bus.current(policy, ownerId)
      if (state.status === 'absent') return undefined
      return state.status === 'deleted' ? null : state.facts.name
    }
    case 'agent': {
      const state = await bus.current(agent, ownerId)
      return state.status === 'absent' ? undefined : state.facts.profile.name
    }
    case 'providerKey': {
      const state = await bus.current(providerKey, ownerId)
      if (state.status === 'absent') return undefined
      return state.status === 'deleted' ? null : state.facts.name
    }
    case 'adminToken': {
      const state = await bus.current(adminToken, ownerId)
      if (state.status === 'absent') return undefined
      return state.status === 'revoked' ? null : state.facts.name
    }
    case 'alertRule': {
      const state = await bus.current(alertRule, ownerId)
      if (state.status === 'absent') return undefined
      return state.status === 'deleted' ? null : state.rule.name
    }
    case 'webhook': {
      const state = await bus.current(webhook, ownerId)
      if (state.status === 'absent') return undefined
      return state.status === 'deleted' ? null : state.webhook.name
    }
    default:
      return kind satisfies never
  }
}
