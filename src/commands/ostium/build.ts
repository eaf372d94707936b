/** Transactions that were handed out unsigned: each request for some is a stream of its own, which is known to be new. */
import type { BuildEvent, BuildFacts } from '../../events/ostium/build.ts'
import type { Aggregate } from '../decider.ts'

export type BuildState = 'absent' | 'built'

export const build: Aggregate<BuildState, BuildFacts, BuildEvent> = {
  category: 'ostium.build',
  initialState: 'absent',
  evolve: () => 'built',
  decide: (facts, state) => (state === 'built' ? [] : [{ type: 'ostium.TransactionsBuilt.v1', data: facts }]),
}
