/**
 * An action that an agent does for its trader. Once it is requested it is owed: it is signed, sent, and in a block, or it is
 * abandoned for a reason that is recorded. It ends once.
 */
import type { ActionEvent, ActionFacts } from '../../events/ostium/action.ts'
import type { Aggregate } from '../decider.ts'

type DataOf<Type extends ActionEvent['type']> = Extract<ActionEvent, { type: Type }>['data']
export type Signed = DataOf<'ostium.DelegatedActionSigned.v1'>
type Included = DataOf<'ostium.DelegatedActionIncluded.v1'>
type Reverted = DataOf<'ostium.DelegatedActionReverted.v1'>
type Abandoned = DataOf<'ostium.DelegatedActionAbandoned.v1'>

export type ActionState =
  | { status: 'absent' }
  | { status: 'refused'; refused: DataOf<'ostium.DelegatedActionRefused.v1'> }
  | { status: 'requested'; facts: ActionFacts }
  /** `signed`: every attempt, the last one with the highest fee. */
  | { status: 'signed' | 'broadcast'; facts: ActionFacts; signed: readonly Signed[] }
  | { status: 'included'; facts: ActionFacts; signed: readonly Signed[]; end: Included }
  | { status: 'reverted'; facts: ActionFacts; signed: readonly Signed[]; end: Reverted }
  | { status: 'abandoned'; facts: ActionFacts; signed: readonly Signed[]; end: Abandoned }

/** Facts of what has happened; the action's own are taken from its state. */
type Of<Data> = Omit<Data, 'chainId' | 'trader' | 'actionId' | 'occurredAt'> & { at: string }

export type ActionCommand =
  | { kind: 'request'; facts: ActionFacts }
  | { kind: 'refuse'; facts: DataOf<'ostium.DelegatedActionRefused.v1'> }
  | ({ kind: 'sign' } & Of<Signed>)
  | { kind: 'broadcast'; txHash: string; at: string }
  | ({ kind: 'include' } & Of<Included>)
  | ({ kind: 'revert' } & Of<Reverted>)
  | ({ kind: 'abandon' } & Of<Abandoned>)

export const hasEnded = ({ status }: ActionState): boolean =>
  status === 'refused' || status === 'included' || status === 'reverted' || status === 'abandoned'

export const action: Aggregate<ActionState, ActionCommand, ActionEvent> = {
  category: 'ostium.action',
  initialState: { status: 'absent' },

  evolve(state, event) {
    if (event.type === 'ostium.DelegatedActionRequested.v1') return { status: 'requested', facts: event.data }
    if (event.type === 'ostium.DelegatedActionRefused.v1') return { status: 'refused', refused: event.data }
    if (state.status === 'absent' || state.status === 'refused') return state
    const { facts } = state
    const signed = 'signed' in state ? state.signed : []
    switch (event.type) {
      case 'ostium.DelegatedActionSigned.v1':
        return { status: 'signed', facts, signed: [...signed, event.data] }
      case 'ostium.DelegatedActionBroadcast.v1':
        return { status: 'broadcast', facts, signed }
      case 'ostium.DelegatedActionIncluded.v1':
        return { status: 'included', facts, signed, end: event.data }
      case 'ostium.DelegatedActionReverted.v1':
        return { status: 'reverted', facts, signed, end: event.data }
      case 'ostium.DelegatedActionAbandoned.v1':
        return { status: 'abandoned', facts, signed, end: event.data }
      default:
        return event satisfies never
    }
  },

  decide(command, state) {
    if (command.kind === 'request') {
      return state.status === 'absent' ? [{ type: 'ostium.DelegatedActionRequested.v1', data: command.facts }] : []
    }
    if (command.kind === 'refuse') {
      return state.status === 'absent' ? [{ type: 'ostium.DelegatedActionRefused.v1', data: command.facts }] : []
    }
    if (state.status === 'absent' || state.status === 'refused' || hasEnded(state)) return []
    const { kind, at: occurredAt, ...facts } = command
    const { chainId, trader, actionId } = state.facts
    const of = { chainId, trader, actionId, occurredAt }
    const signed = 'signed' in state ? state.signed : []
    switch (kind) {
      case 'sign': {
        const data = { ...of, ...facts } as Signed
        return data.attempt <= signed.length ? [] : [{ type: 'ostium.DelegatedActionSigned.v1', data }]
      }
      case 'broadcast': {
        const sent = signed.find(({ txHash }) => txHash === command.txHash)
        if (!sent || (state.status === 'broadcast' && sent === signed.at(-1))) return []
        return [
          { type: 'ostium.DelegatedActionBroadcast.v1', data: { ...of, txHash: sent.txHash, attempt: sent.attempt } },
        ]
      }
      case 'include':
        return [{ type: 'ostium.DelegatedActionIncluded.v1', data: { ...of, ...facts } as Included }]
      case 'revert':
        return [{ type: 'ostium.DelegatedActionReverted.v1', data: { ...of, ...facts } as Reverted }]
      case 'abandon':
        return [{ type: 'ostium.DelegatedActionAbandoned.v1', data: { ...of, ...facts } as Abandoned }]
      default:
        return kind satisfies never
    }
  },
}
