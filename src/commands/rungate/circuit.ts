/** The circuit of a provider key, as the processes that call with it report: what they all know already is no event. */
import type { CircuitEvent } from '../../events/rungate/circuit.ts'
import type { Aggregate } from '../decider.ts'

export interface CircuitState {
  status: 'closed' | 'open' | 'halfOpen'
}

interface Seen {
  accountId: string
  keyId: string
  provider: string
  processId: string
  occurredAt: string
}
export type CircuitCommand =
  | (Seen & { kind: 'open'; failures: number; waitMs: number })
  | (Seen & { kind: 'probe' })
  | (Seen & { kind: 'close' })

export const circuit: Aggregate<CircuitState, CircuitCommand, CircuitEvent> = {
  category: 'rungate.circuit',
  initialState: { status: 'closed' },

  evolve(_state, event) {
    switch (event.type) {
      case 'rungate.CircuitOpened.v1':
        return { status: 'open' }
      case 'rungate.CircuitProbed.v1':
        return { status: 'halfOpen' }
      case 'rungate.CircuitClosed.v1':
        return { status: 'closed' }
      default:
        return event satisfies never
    }
  },

  decide({ kind, ...seen }, { status }) {
    switch (kind) {
      case 'open':
        return status === 'open' ? [] : [{ type: 'rungate.CircuitOpened.v1', data: seen as OpenedData }]
      case 'probe':
        return status === 'open' ? [{ type: 'rungate.CircuitProbed.v1', data: seen }] : []
      case 'close':
        return status === 'closed' ? [] : [{ type: 'rungate.CircuitClosed.v1', data: seen }]
      default:
        return kind satisfies never
    }
  },
}

type OpenedData = Extract<CircuitEvent, { type: 'rungate.CircuitOpened.v1' }>['data']
