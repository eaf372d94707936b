/** At which desks of an account this process was of late, so that figures of the account can wait for what was done there. */
import { createLru } from '../../../runtime/lru.ts'
import type { DeskOf } from './run-interface.ts'

const ACCOUNTS_MAX = 5_000
const AGENTS_MAX = 100
/** By then the read models have it, or are known to be behind. */
const KEPT_MS = 2_000

export interface RecentDesks {
  note(desk: DeskOf): void
  /** Ids of agents, at most a hundred. */
  of(accountId: string): string[]
}

export function createRecentDesks(elapsedMs: () => number): RecentDesks {
  /** Account → agent → when; the latest one last. */
  const recent = createLru<string, Map<string, number>>(ACCOUNTS_MAX)
  return {
    note({ accountId, agentId }) {
      const agents = recent.get(accountId) ?? new Map<string, number>()
      agents.delete(agentId)
      agents.set(agentId, elapsedMs())
      if (agents.size > AGENTS_MAX) agents.delete(agents.keys().next().value ?? '')
      recent.set(accountId, agents)
    },
    of(accountId) {
      const since = elapsedMs() - KEPT_MS
      return [...(recent.get(accountId) ?? [])].flatMap(([agentId, at]) => (at >= since ? [agentId] : []))
    },
  }
}
