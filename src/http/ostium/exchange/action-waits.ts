/**
 * Requests that wait for what becomes of their action. The process follows the log once for all of them; a place is taken
 * before the action is recorded, so that nothing falls in between.
 */
import { type ActionState, action, hasEnded } from '../../../commands/ostium/action.ts'
import type { ActionEvent } from '../../../events/ostium/action.ts'
import { type Delivered, isPoison } from '../../../events/subscription.ts'
import type { ReadModels } from '../../../postgres/database.ts'
import { projectionsCheckpoint, readCheckpoint } from '../../../projections/checkpoint.ts'

export interface ActionWait {
  /** Resolves with the state as soon as it is as wanted, or when the time is over, as it is then. */
  until(isWanted: (state: ActionState) => boolean, waitMs: number): Promise<ActionState>
  /** What is known of it from elsewhere, where that is more. */
  note(state: ActionState): void
  leave(): void
}

export interface ActionWaits {
  enter(actionId: string): ActionWait
}

interface Waiting {
  state: ActionState
  /** Called at each change. */
  look: () => void
}

const CATEGORY = `${action.category}-`
const ORDER = ['absent', 'refused', 'requested', 'signed', 'broadcast', 'included', 'reverted', 'abandoned'] as const
const progressOf = ({ status }: ActionState): number => ORDER.indexOf(status)

export const isSent = (state: ActionState): boolean => state.status === 'broadcast' || hasEnded(state)

export function createActionWaits() {
  const byAction = new Map<string, Set<Waiting>>()
  let isOver = false

  const enter: ActionWaits['enter'] = (actionId) => {
    const waiting: Waiting = { state: action.initialState, look: () => undefined }
    const all = byAction.get(actionId) ?? new Set()
    byAction.set(actionId, all.add(waiting))
    return {
      until(isWanted, waitMs) {
        const { promise, resolve } = Promise.withResolvers<ActionState>()
        const timer = setTimeout(() => resolve(waiting.state), waitMs)
        waiting.look = () => {
          if (isOver || isWanted(waiting.state)) resolve(waiting.state)
        }
        waiting.look()
        return promise.finally(() => clearTimeout(timer))
      },
      note(state) {
        if (progressOf(state) <= progressOf(waiting.state)) return
        waiting.state = state
        waiting.look()
      },
      leave() {
        all.delete(waiting)
        if (all.size === 0) byAction.delete(actionId)
      },
    }
  }

  return {
    types: ['ostium.DelegatedAction'],
    enter,
    /** How many wait now. */
    waiting: () => [...byAction.values()].reduce((sum, { size }) => sum + size, 0),
    /** Nobody waits any longer, now and from now on. */
    endAll(): void {
      isOver = true
      for (const all of byAction.values()) for (const { look } of all) look()
    },
    load: async (db: ReadModels) => (await readCheckpoint(db, projectionsCheckpoint('ostium')))?.position,
    apply(events: readonly Delivered[]): void {
      for (const event of events) {
        const all = byAction.get(event.stream.slice(CATEGORY.length))
        if (!all || isPoison(event)) continue
        for (const waiting of all) {
          waiting.state = action.evolve(waiting.state, event as unknown as ActionEvent)
          waiting.look()
        }
      }
    },
  } satisfies ActionWaits & Record<string, unknown>
}
