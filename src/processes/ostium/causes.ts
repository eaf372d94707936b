/** What an action follows from: the event by which it is owed. By it audits go from the request to the block. */
import { consequenceContext, systemContext } from '../../commands/context.ts'
import type { CommandContext } from '../../commands/handle.ts'
import { action } from '../../commands/ostium/action.ts'
import type { Recorded } from '../../events/event.ts'
import type { EventStore } from '../../events/store.ts'
import { createLru } from '../../runtime/lru.ts'

/** Of a command of this part, for the action; without a cause where nothing is on record of it. */
export type ContextOf = (actionId: string, commandId: string, at: string) => Promise<CommandContext>

const CACHED_MAX = 1_000

export function contextsOf(part: string, store: Pick<EventStore, 'readStream'>): ContextOf {
  const causes = createLru<string, Recorded>(CACHED_MAX)

  async function causeOf(actionId: string): Promise<Recorded | undefined> {
    const known = causes.get(actionId)
    if (known) return known
    for await (const event of store.readStream(`${action.category}-${actionId}`, { maxCount: 1n })) {
      causes.set(actionId, event)
      return event
    }
    return undefined
  }

  return async (actionId, commandId, at) => {
    const cause = await causeOf(actionId)
    return cause ? consequenceContext(part, cause, at, commandId) : systemContext(part, commandId, at)
  }
}
