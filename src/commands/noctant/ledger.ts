/**
 * What the engine's log says of an account's money: the state that decisions about payouts rest on. The log is the
 * engine's own; nothing is ever decided into it here.
 */
import type { EngineEvent } from '../../events/noctant/engine.ts'
import type { Aggregate } from '../decider.ts'

export type LedgerState =
  | { status: 'unopened' }
  | {
      status: 'open'
      balance: string
      equity: string
      /** Of the last event that stated them. */
      sequence: number
      /** Corrections and payouts: what of the balance was not traded for. */
      transfers: readonly Transfer[]
    }

export interface Transfer {
  sequence: number
  cause: 'correction' | 'payout'
  /** Signed. */
  change: string
  /** The correction, or the payout request. */
  reference: string
}

export const ledger: Aggregate<LedgerState, never, EngineEvent> = {
  category: 'noctant.engine',
  initialState: { status: 'unopened' },

  evolve(state, event) {
    if (event.type === 'noctant.EngineAccountOpened.v1') {
      const { balance, sequence } = event.data
      return { status: 'open', balance, equity: balance, sequence, transfers: [] }
    }
    if (state.status === 'unopened') return state
    switch (event.type) {
      case 'noctant.EngineBalanceChanged.v1': {
        const { balance, sequence, cause, change, reference } = event.data
        const moved = { ...state, balance, sequence }
        if (cause !== 'correction' && cause !== 'payout') return moved
        return { ...moved, transfers: [...state.transfers, { sequence, cause, change, reference }] }
      }
      case 'noctant.EngineAccountMarked.v1': {
        const { balance, equity, sequence } = event.data
        return { ...state, balance, equity, sequence }
      }
      default:
        return state
    }
  },

  decide: () => [],
}
