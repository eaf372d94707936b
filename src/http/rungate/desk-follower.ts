/** What other processes do at the desks, as far as a process has to know at once: turns that they ask for, and ended runs. */
import type { Directory } from '../../api-keys/directory.ts'
import type { DeskUpkeep } from '../../commands/rungate/desk/interface.ts'
import { anyVersionOf } from '../../events/event.ts'
import { isPoison } from '../../events/subscription.ts'
import { projectionsCheckpoint, readCheckpoint } from '../../projections/checkpoint.ts'

type Follow = DeskUpkeep['follow']

const TYPES: readonly Parameters<Follow>[0]['type'][] = ['rungate.TurnAsked.v1', 'rungate.RunEnded.v1']

export interface DeskFollower extends Directory {
  /** From now on `follow` is told of each event. */
  tell(follow: Follow): void
}

export function createDeskFollower(): DeskFollower {
  let follow: Follow = () => undefined
  return {
    types: TYPES.map(anyVersionOf),
    // What came before the read models' place concerns no call of this process, which begins now.
    load: async (db) => (await readCheckpoint(db, projectionsCheckpoint('rungate')))?.position,
    apply(events) {
      for (const event of events) {
        if (isPoison(event) || !TYPES.some((type) => type === event.type)) continue
        follow({ type: event.type, data: event.data } as Parameters<Follow>[0])
      }
    },
    tell(next) {
      follow = next
    },
  }
}
