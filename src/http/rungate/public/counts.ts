/** What /health shows: whether the read models answer, and how much there is. Asked for once a second at most. */
import type { ReadModels } from '../../../postgres/database.ts'
import { countAgents } from '../../../projections/rungate/agent.ts'
import { countRunning } from '../../../projections/rungate/run.ts'
import { createLru } from '../../../runtime/lru.ts'

export interface Counts {
  storage: 'connected' | 'error'
  agents: number
  activeRuns: number
}
export interface Health {
  counts(): Promise<Counts>
  uptimeS(): number
}

const KEPT_MS = 1_000

export function createHealth(db: ReadModels): Health {
  const startedMs = performance.now()
  const kept = createLru<'counts', Promise<Counts>>(1, { ttlMs: KEPT_MS })
  let last = { agents: 0, activeRuns: 0 }
  const ask = async (): Promise<Counts> => {
    try {
      const [agents, activeRuns] = await Promise.all([countAgents(db), countRunning(db)])
      last = { agents, activeRuns }
      return { storage: 'connected', ...last }
    } catch {
      // Said in the answer: the service itself is up.
      return { storage: 'error', ...last }
    }
  }
  return {
    counts() {
      const known = kept.get('counts') ?? ask()
      if (!kept.has('counts')) kept.set('counts', known)
      return known
    },
    uptimeS: () => Math.floor((performance.now() - startedMs) / 1_000),
  }
}
