/**
 * What happens at the desks, as far as a process has to know at once: turns that others ask for, and runs that begin and end. The read
 * models may be far behind; what follows their place is known here before the process serves.
 */
import type { Directory } from '../../api-keys/directory.ts'
import type { DeskUpkeep } from '../../commands/rungate/desk/interface.ts'
import { anyVersionOf } from '../../events/event.ts'
import { isPoison } from '../../events/subscription.ts'
import { projectionsCheckpoint, readCheckpoint } from '../../projections/checkpoint.ts'

type Follow = DeskUpkeep['follow']

type Followed = Parameters<Follow>[0]

const TYPES: readonly Followed['type'][] = [
  ...(['rungate.TurnAsked.v1', 'rungate.RunStarted.v1', 'rungate.RunEnded.v1', 'rungate.OldDataDeleted.v1'] as const),
]

export interface DeskFollower extends Directory {
  /** `follow` is told of each event: of those that there were already, and from now on. */
  tell(follow: Follow): void
}

export function createDeskFollower(): DeskFollower {
  let early: Followed[] = []
  let follow: Follow = (event) => void early.push(event)
  return {
    types: TYPES.map(anyVersionOf),
    // What came before is in the read models, and concerns no call of this process, which begins now.
    load: async (db) => (await readCheckpoint(db, projectionsCheckpoint('rungate')))?.position,
    apply(events) {
      for (const event of events) {
        if (isPoison(event) || !TYPES.some((type) => type === event.type)) continue
        follow({ type: event.type, data: event.data } as Followed)
      }
    },
    tell(next) {
      follow = next
      for (const event of early) follow(event)
      early = []
    },
  }
}
