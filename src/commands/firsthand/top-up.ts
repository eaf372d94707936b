/**
 * An automatic top-up: a few attempts to charge the card, each recorded before the payment provider is asked. An attempt whose
 * answer is not known is asked for again under its own key, so it charges once; the next one begins only after a refusal.
 */
import type { TopUpEvent } from '../../events/firsthand/purchase.ts'
import type { Aggregate } from '../decider.ts'
import { afterReversal, NOTHING_REVERSED, type Reversal, type Reversed, reversalOf } from './reversal.ts'
import type { WalletName } from './wallet-state.ts'

type DataOf<T extends TopUpEvent['type']> = Extract<TopUpEvent, { type: T }>['data']
export type TopUpAttempt = DataOf<'firsthand.TopUpStarted.v1'>

export type TopUpState =
  | { status: 'absent' }
  | ({
      /** Asked, refused and to be asked again, refused for good, or paid. */
      status: 'started' | 'waiting' | 'failed' | 'paid'
      attempt: TopUpAttempt
      reason: string
      /** Null: it is not tried again. */
      nextAttemptAt: string | null
    } & Reversed)

export type TopUpCommand = { at: string } & (
  | {
      kind: 'start'
      topUpId: string
      wallet: WalletName
      amountCents: string
      customerId: string | null
      paymentMethodId: string | null
    }
  | { kind: 'pay'; paymentIntentId: string }
  /** `waitsMs`: after the first refusal, the second, …; the attempt after the last of them is the last. */
  | { kind: 'decline'; reason: string; waitsMs: readonly number[] }
  | ({ kind: 'reverse' } & Reversal)
)

export const topUp: Aggregate<TopUpState, TopUpCommand, TopUpEvent> = {
  category: 'firsthand.topUp',
  initialState: { status: 'absent' },

  evolve(state, event) {
    if (event.type === 'firsthand.TopUpStarted.v1') {
      return { status: 'started', attempt: event.data, reason: '', nextAttemptAt: null, ...NOTHING_REVERSED }
    }
    if (state.status === 'absent') return state
    switch (event.type) {
      case 'firsthand.TopUpPaid.v1':
        return { ...state, status: 'paid' }
      case 'firsthand.TopUpDeclined.v1': {
        const { reason, nextAttemptAt } = event.data
        return { ...state, status: nextAttemptAt === null ? 'failed' : 'waiting', reason, nextAttemptAt }
      }
      case 'firsthand.TopUpReversed.v1':
        return { ...state, ...afterReversal(state, event.data) }
      default:
        return event satisfies never
    }
  },

  decide(command, state) {
    const occurredAt = command.at
    if (command.kind === 'start') {
      const attempt = nextAttempt(state, occurredAt)
      if (attempt === undefined) return []
      const { topUpId, wallet, amountCents, customerId, paymentMethodId } = command
      const data = { ...wallet, topUpId, attempt, amountCents, customerId, paymentMethodId, occurredAt }
      return [{ type: 'firsthand.TopUpStarted.v1', data }]
    }
    if (state.status === 'absent') return []
    const { organizationId, environment, topUpId, attempt } = state.attempt
    const of = { organizationId, environment, topUpId, occurredAt }
    switch (command.kind) {
      case 'pay': {
        if (state.status !== 'started') return []
        const { paymentIntentId } = command
        return [{ type: 'firsthand.TopUpPaid.v1', data: { ...of, attempt, paymentIntentId } }]
      }
      case 'decline': {
        if (state.status !== 'started') return []
        const waitMs = command.waitsMs[attempt - 1]
        const nextAttemptAt = waitMs === undefined ? null : new Date(Date.parse(occurredAt) + waitMs).toISOString()
        return [{ type: 'firsthand.TopUpDeclined.v1', data: { ...of, attempt, reason: command.reason, nextAttemptAt } }]
      }
      case 'reverse': {
        const amounts = state.status === 'paid' && reversalOf(state, command, BigInt(state.attempt.amountCents))
        if (!amounts) return []
        return [{ type: 'firsthand.TopUpReversed.v1', data: { ...of, cause: command.cause, ...amounts } }]
      }
      default:
        return command satisfies never
    }
  },
}

/** Its number; undefined where none is to be made now. */
function nextAttempt(state: TopUpState, at: string): number | undefined {
  if (state.status === 'absent') return 1
  const { status, nextAttemptAt, attempt } = state
  return status === 'waiting' && nextAttemptAt !== null && nextAttemptAt <= at ? attempt.attempt + 1 : undefined
}

/** The attempt's own key at the payment provider; the first one's is the top-up's id. */
export const chargeKeyOf = ({ topUpId, attempt }: Pick<TopUpAttempt, 'topUpId' | 'attempt'>): string =>
  attempt === 1 ? topUpId : `${topUpId}:${attempt}`
