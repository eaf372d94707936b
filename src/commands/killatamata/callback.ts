/** The callback of a job: one logical POST, tried again after given waits, and given up after the last. */
import type { CallbackEvent } from '../../events/killatamata/media.ts'
import type { Aggregate } from '../decider.ts'

type DataOf<T extends CallbackEvent['type']> = Extract<CallbackEvent, { type: T }>['data']
export type CallbackFacts = DataOf<'killatamata.CallbackRequested.v1'>

export type CallbackState =
  | { status: 'absent' }
  | { status: 'pending'; facts: CallbackFacts; attempts: number; nextAttemptAt: string }
  | { status: 'delivered' | 'given_up'; facts: CallbackFacts; attempts: number }

export type CallbackCommand =
  | { kind: 'request'; facts: CallbackFacts }
  | { kind: 'delivered'; status: number; at: string }
  /** `waitsMs`: before the second attempt, the third and so on. */
  | { kind: 'failed'; status: number | null; reason: string; waitsMs: readonly number[]; at: string }

export const callback: Aggregate<CallbackState, CallbackCommand, CallbackEvent> = {
  category: 'killatamata.callback',
  initialState: { status: 'absent' },

  evolve(state, event) {
    if (event.type === 'killatamata.CallbackRequested.v1') {
      return { status: 'pending', facts: event.data, attempts: 0, nextAttemptAt: event.data.occurredAt }
    }
    if (state.status === 'absent') return state
    const { facts } = state
    const { attempt: attempts } = event.data
    switch (event.type) {
      case 'killatamata.CallbackAttempted.v1':
        return { status: 'pending', facts, attempts, nextAttemptAt: event.data.nextAttemptAt }
      case 'killatamata.CallbackDelivered.v1':
        return { status: 'delivered', facts, attempts }
      case 'killatamata.CallbackGivenUp.v1':
        return { status: 'given_up', facts, attempts }
      default:
        return event satisfies never
    }
  },

  decide(command, state) {
    if (command.kind === 'request') {
      return state.status === 'absent' ? [{ type: 'killatamata.CallbackRequested.v1', data: command.facts }] : []
    }
    if (state.status !== 'pending') return []
    const { accountId, requestId, jobId } = state.facts
    const { at: occurredAt, status } = command
    const attempt = state.attempts + 1
    const of = { accountId, requestId, jobId, occurredAt, attempt }
    if (command.kind === 'delivered') {
      return [{ type: 'killatamata.CallbackDelivered.v1', data: { ...of, status: command.status } }]
    }
    const { reason, waitsMs } = command
    const waitMs = waitsMs[attempt - 1]
    if (waitMs === undefined) return [{ type: 'killatamata.CallbackGivenUp.v1', data: { ...of, reason } }]
    const nextAttemptAt = new Date(Date.parse(occurredAt) + waitMs).toISOString()
    return [{ type: 'killatamata.CallbackAttempted.v1', data: { ...of, status, reason, nextAttemptAt } }]
  },
}
