/** The old data of an account: what was deleted, so that read models which are made anew leave it out too. */
import type { CleanupEvent, CleanupFacts } from '../../events/rungate/cleanup.ts'
import type { Aggregate } from '../decider.ts'

export interface CleanupState {
  /** Of the last cleanup; null: there was none. */
  before: string | null
}

/** One event for each part of what is deleted. */
export interface CleanupCommand {
  kind: 'delete'
  parts: readonly CleanupFacts[]
}

export const cleanup: Aggregate<CleanupState, CleanupCommand, CleanupEvent> = {
  category: 'rungate.cleanup',
  initialState: { before: null },
  evolve: (_, { data }) => ({ before: data.before }),
  decide: ({ parts }) => parts.map((data) => ({ type: 'rungate.OldDataDeleted.v1', data })),
}
