/**
 * How a member leaves an account: the roster decides; the address is free again, and what was its own has another owner, but for
 * what tells the member alone, which is deleted.
 */
import type { MemberRemoval } from '../../events/rungate/roster.ts'
import type { Author } from '../../events/rungate/vocabulary.ts'
import type { CommandBus, CommandContext } from '../handle.ts'
import { address } from './address.ts'
import { agent } from './agent.ts'
import { deleteAlertRule } from './alert-rules.ts'
import { policy } from './policy.ts'
import { Rejected } from './rejection.ts'
import { session } from './session.ts'
import { deleteWebhook } from './webhooks.ts'

/** What a member has, as the read models know it. */
export interface MemberBelongings {
  agents(accountId: string, memberId: string): Promise<readonly string[]>
  /** Personal ones. */
  policies(accountId: string, memberId: string): Promise<readonly string[]>
  webhooks(accountId: string, memberId: string): Promise<readonly string[]>
  alertRules(accountId: string, memberId: string): Promise<readonly string[]>
  sessions(memberId: string): Promise<readonly string[]>
}

/** What became of a member's things, as far as it was done now; `position`: of the last event. */
export interface Cleared {
  agents: number
  policies: number
  webhooks: number
  alertRules: number
  position: bigint | undefined
}

/** Everything that follows from a removal. A second time does what is left. */
export async function finishRemoval(
  bus: CommandBus,
  belongings: MemberBelongings,
  { accountId, memberId, addressId, heirId, author }: MemberRemoval,
  context: CommandContext,
): Promise<Cleared> {
  const { at } = context
  const release = { kind: 'release', addressId, accountId, memberId, reason: 'removed', at } as const
  const released = await bus.handle(address, addressId, release, context)
  let position = released.events.length > 0 ? released.position : undefined
  await endSessions(bus, await belongings.sessions(memberId), { reason: 'removed', author }, context)
  const inheritance = { kind: 'inherit', memberId, heirId, accountId, author, at } as const
  const cleared = { agents: 0, policies: 0, webhooks: 0, alertRules: 0 }
  for (const agentId of await belongings.agents(accountId, memberId)) {
    const handled = await bus.handle(agent, agentId, inheritance, context)
    if (handled.events.length === 0) continue
    cleared.agents += 1
    position = handled.position
  }
  for (const policyId of await belongings.policies(accountId, memberId)) {
    const handled = await bus.handle(policy, policyId, inheritance, context)
    if (handled.events.length === 0) continue
    cleared.policies += 1
    position = handled.position
  }
  const asker = { accountId, memberId, author }
  for (const webhookId of await belongings.webhooks(accountId, memberId)) {
    const handled = await unlessGone(() => deleteWebhook(bus, webhookId, asker, context))
    if (!handled) continue
    cleared.webhooks += 1
    position = handled.position
  }
  for (const ruleId of await belongings.alertRules(accountId, memberId)) {
    const handled = await unlessGone(() => deleteAlertRule(bus, ruleId, asker, context))
    if (!handled) continue
    cleared.alertRules += 1
    position = handled.position
  }
  return { ...cleared, position }
}

/** Undefined: it was deleted before, and the read models do not show that yet. */
async function unlessGone<T>(deleting: () => Promise<T>): Promise<T | undefined> {
  try {
    return await deleting()
  } catch (error) {
    if (error instanceof Rejected && /^(webhook|alert_rule)_not_found$/.test(error.code)) return undefined
    throw error
  }
}

/** Ends these sessions; those that have ended already stay so. */
export async function endSessions(
  bus: CommandBus,
  sessionIds: readonly string[],
  { reason, author }: { reason: 'revoked' | 'removed'; author: Author },
  context: CommandContext,
): Promise<void> {
  for (const sessionId of sessionIds) {
    await bus.handle(session, sessionId, { kind: 'end', reason, author, at: context.at }, context)
  }
}
