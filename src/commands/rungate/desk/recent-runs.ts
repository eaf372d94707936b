/** Runs that began of late, on whichever process: what is decided on one by its id alone finds its desk here before the read models show it. */
import { createLru } from '../../../runtime/lru.ts'
import type { DeskOf } from './run-interface.ts'

const RUNS_MAX = 20_000

export interface StartedRun extends DeskOf {
  policyId: string
}

export interface RecentRuns {
  note(runId: string, run: StartedRun): void
  forget(runId: string): void
  /** Undefined: it is of another account, or nothing is known of it here. */
  find(accountId: string, runId: string): StartedRun | undefined
}

export function createRecentRuns(): RecentRuns {
  const runs = createLru<string, StartedRun>(RUNS_MAX)
  return {
    note: (runId, { accountId, agentId, policyId }) => void runs.set(runId, { accountId, agentId, policyId }),
    forget: (runId) => void runs.delete(runId),
    find(accountId, runId) {
      const found = runs.get(runId)
      return found?.accountId === accountId ? found : undefined
    },
  }
}
