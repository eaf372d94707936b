/**
 * A key under which a request was sent, where no other stream knows of every use of it: the request is about a stream that its body
 * names, or it may leave nothing to record. The stream is named by the command id, which follows from the key.
 */
import type { RequestKeyEvent } from '../../events/killatamata/request-key.ts'
import type { Aggregate } from '../decider.ts'

export interface RequestKeyState {
  isUsed: boolean
}

export interface RequestKeyCommand {
  accountId: string
  operation: string
  at: string
}

export const requestKeyUse: Aggregate<RequestKeyState, RequestKeyCommand, RequestKeyEvent> = {
  category: 'killatamata.requestKey',
  initialState: { isUsed: false },
  evolve: () => ({ isUsed: true }),

  decide({ accountId, operation, at: occurredAt }, { isUsed }) {
    return isUsed ? [] : [{ type: 'killatamata.RequestKeyUsed.v1', data: { accountId, operation, occurredAt } }]
  },
}
