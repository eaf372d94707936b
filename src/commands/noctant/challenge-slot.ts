/**
 * The places that a product grants one user: so many challenges at once, and none for a while after a breach. One stream
 * per (operator, user, product) holds them, so that concurrent starts cannot take the same place. A place is given back
 * when the next one is asked for: by then the challenges' own streams say which of them have ended.
 */
import type { ChallengeSlotEvent } from '../../events/noctant/challenge.ts'
import type { Aggregate } from '../decider.ts'
import { deterministicId } from '../identity.ts'
import { Rejected } from './rejection.ts'

export interface SlotState {
  /** Instance → since when it holds a place. */
  held: ReadonlyMap<string, string>
  /** The latest breach among those that were given back. */
  breachedAt: string | null
}

/** What has become of a holder. */
export interface Holder {
  instanceId: string
  /** Never started, or not live any more. */
  isOver: boolean
  breachedAt: string | null
}

export interface ReserveSlot {
  operatorId: string
  globalUserId: string
  productId: string
  instanceId: string
  maxConcurrentPerUser: number | null
  cooldownHoursAfterBreach: number | null
  holders: readonly Holder[]
  at: string
}

const HOUR_MS = 3_600_000

export const slotsIdOf = (operatorId: string, globalUserId: string, productId: string): string =>
  deterministicId('noctant.challengeSlots', operatorId, globalUserId, productId)

const later = (a: string | null, b: string | null): string | null =>
  a !== null && b !== null ? (Date.parse(a) > Date.parse(b) ? a : b) : (a ?? b)

export const challengeSlots: Aggregate<SlotState, ReserveSlot, ChallengeSlotEvent> = {
  category: 'noctant.challengeSlots',
  initialState: { held: new Map(), breachedAt: null },

  evolve(state, event) {
    const { instanceId, occurredAt } = event.data
    switch (event.type) {
      case 'noctant.ChallengeSlotReserved.v1':
        return { ...state, held: new Map(state.held).set(instanceId, occurredAt) }
      case 'noctant.ChallengeSlotReleased.v1': {
        const held = new Map(state.held)
        held.delete(instanceId)
        return { held, breachedAt: later(state.breachedAt, event.data.breachedAt) }
      }
      default:
        return event satisfies never
    }
  },

  decide(command, state) {
    const { operatorId, globalUserId, productId, instanceId, holders, at } = command
    if (state.held.has(instanceId)) return []
    const scope = { operatorId, globalUserId, productId }
    const ended = holders.filter((holder) => holder.isOver && state.held.has(holder.instanceId))
    const breachedAt = ended.reduce((latest, holder) => later(latest, holder.breachedAt), state.breachedAt)
    requireCooledDown(breachedAt, command)
    const { maxConcurrentPerUser: max } = command
    if (max !== null && state.held.size - ended.length >= max) {
      throw new Rejected('challenge_limit_reached', `The product allows a user ${max} challenges at once.`)
    }
    const released = ended.map(
      (holder): ChallengeSlotEvent => ({
        type: 'noctant.ChallengeSlotReleased.v1',
        data: { ...scope, instanceId: holder.instanceId, breachedAt: holder.breachedAt, occurredAt: at },
      }),
    )
    return [...released, { type: 'noctant.ChallengeSlotReserved.v1', data: { ...scope, instanceId, occurredAt: at } }]
  },
}

function requireCooledDown(breachedAt: string | null, { cooldownHoursAfterBreach, at }: ReserveSlot): void {
  if (breachedAt === null || cooldownHoursAfterBreach === null) return
  const until = new Date(Date.parse(breachedAt) + cooldownHoursAfterBreach * HOUR_MS)
  if (Date.parse(at) >= until.getTime()) return
  throw new Rejected('challenge_cooling_down', `After a breach the user may start again at ${until.toISOString()}.`)
}
