/** The old data of an account: what was deleted, so that read models which are made anew leave it out too. */
import type { CleanupEvent, CleanupFacts, DeletedDeliveries } from '../../events/rungate/cleanup.ts'
import type { Aggregate } from '../decider.ts'

export interface CleanupState {
  /** Of the last cleanup; null: there was none. */
  before: string | null
}

export type CleanupCommand =
  /** One event for each part of what is deleted. */
  { kind: 'delete'; parts: readonly CleanupFacts[] } | { kind: 'deleteDeliveries'; facts: DeletedDeliveries }

export const cleanup: Aggregate<CleanupState, CleanupCommand, CleanupEvent> = {
  category: 'rungate.cleanup',
  initialState: { before: null },
  evolve: (state, { type, data }) => (type === 'rungate.OldDataDeleted.v1' ? { before: data.before } : state),
  decide: (command) =>
    command.kind === 'delete'
      ? command.parts.map((data) => ({ type: 'rungate.OldDataDeleted.v1', data }))
      : [{ type: 'rungate.DeliveriesDeleted.v1', data: command.facts }],
}
