/** How an agent comes to be, with its key. */
import type { CommandContext } from '../../../commands/handle.ts'
import { deterministicId } from '../../../commands/identity.ts'
import { type AgentState, agent, agentNotFound } from '../../../commands/rungate/agent.ts'
import { requireKeys } from '../../../commands/rungate/changing.ts'
import { createAgent } from '../../../commands/rungate/creating.ts'
import { generateKey } from '../../../commands/rungate/keys.ts'
import { Rejected } from '../../../commands/rungate/rejection.ts'
import type { AgentProfile } from '../../../events/rungate/agent.ts'
import type { Operator, RungateParts } from '../access.ts'
import { isKnownHere } from '../keys.ts'
import { requireOwn } from '../people/rights.ts'

const NAME_LENGTH_MAX = 100
/** Names that are tried in turn: `x`, `x-2`, … */
const ATTEMPTS_MAX = 100

const suffixed = (name: string, attempt: number): string => {
  const suffix = attempt === 1 ? '' : `-${attempt}`
  return `${[...name].slice(0, NAME_LENGTH_MAX - suffix.length).join('')}${suffix}`
}

/** Throws where the account has no such agent (404), or the caller may not change it (403). */
export async function requireOwnAgent(
  { bus }: Pick<RungateParts, 'bus'>,
  agentId: string,
  by: Operator,
): Promise<Exclude<AgentState, { status: 'absent' }>> {
  const state = await bus.current(agent, agentId)
  if (state.status === 'absent' || state.facts.accountId !== by.accountId) throw agentNotFound()
  requireOwn(by, state.facts)
  return state
}

type Wanted = Partial<AgentProfile> & Pick<AgentProfile, 'name' | 'policyId'>

/** The agent, and its key to be shown once. With `mayRename`, a taken name is given a suffix. */
export async function newAgent(
  { bus, agents, keyKnownWaitMs }: Pick<RungateParts, 'bus' | 'agents' | 'keyKnownWaitMs'>,
  wanted: Wanted,
  { accountId, memberId, author }: Operator,
  command: CommandContext,
  { mayRename }: { mayRename: boolean },
) {
  const { secret, facts: key } = generateKey('sk')
  const usual = {
    ...{ description: null, allowedPolicies: null, providerKeys: {}, routingOverride: null, metadata: {} },
    status: 'active' as const,
  }
  const profile = { ...usual, ...wanted, status: usual.status }
  await requireKeys(bus, accountId, profile)
  const agentId = deterministicId('rungate.agent', command.commandId)
  for (let attempt = 1; ; attempt++) {
    const name = suffixed(wanted.name, attempt)
    const facts = {
      agentId,
      accountId,
      memberId,
      author,
      occurredAt: command.at,
      ...key,
      profile: { ...profile, name },
    }
    try {
      const handled = await createAgent(bus, facts, command)
      await isKnownHere(keyKnownWaitMs, () => agents.find(key.textId) !== undefined)
      return { secret, handled, note: name === wanted.name ? undefined : `The name ${wanted.name} is taken.` }
    } catch (error) {
      const isTaken = error instanceof Rejected && error.code === 'name_taken'
      if (!isTaken || !mayRename || attempt === ATTEMPTS_MAX) throw error
    }
  }
}
