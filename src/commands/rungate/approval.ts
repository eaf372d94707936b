/** An approval: whether one request within a run may name one tool. It is decided once, or expires. */
import type { ApprovalEvent, ApprovalRequest } from '../../events/rungate/approval.ts'
import type { Author } from '../../events/rungate/vocabulary.ts'
import type { Aggregate } from '../decider.ts'
import { Rejected } from './rejection.ts'

export type ApprovalState =
  | { status: 'absent' }
  | {
      status: 'pending' | 'approved' | 'rejected' | 'expired'
      facts: ApprovalRequest
      decidedBy: Author | null
      decidedAt: string | null
      reason: string | null
    }

interface Asked {
  accountId: string
  author: Author
  at: string
}
export type ApprovalCommand =
  | { kind: 'request'; facts: ApprovalRequest }
  | (Asked & { kind: 'approve' })
  | (Asked & { kind: 'reject'; reason: string | null })
  /** Nothing follows before its time, unless its run has ended. */
  | { kind: 'expire'; hasRunEnded: boolean; at: string }

export const approvalNotFound = () => new Rejected('approval_not_found', 'There is no such approval request.')

export const approval: Aggregate<ApprovalState, ApprovalCommand, ApprovalEvent> = {
  category: 'rungate.approval',
  initialState: { status: 'absent' },

  evolve(state, event) {
    if (event.type === 'rungate.ApprovalRequested.v1') {
      return { status: 'pending', facts: event.data, decidedBy: null, decidedAt: null, reason: null }
    }
    if (state.status === 'absent') return state
    const { occurredAt: decidedAt } = event.data
    switch (event.type) {
      case 'rungate.ApprovalApproved.v1':
        return { ...state, status: 'approved', decidedBy: event.data.author, decidedAt }
      case 'rungate.ApprovalRejected.v1':
        return { ...state, status: 'rejected', decidedBy: event.data.author, decidedAt, reason: event.data.reason }
      case 'rungate.ApprovalExpired.v1':
        return { ...state, status: 'expired', decidedAt }
      default:
        return event satisfies never
    }
  },

  decide(command, state) {
    if (command.kind === 'request') {
      return state.status === 'absent' ? [{ type: 'rungate.ApprovalRequested.v1', data: command.facts }] : []
    }
    if (state.status === 'absent') throw approvalNotFound()
    const { accountId, approvalId, agentId, runId, policyId, toolName, expiresAt } = state.facts
    const of = { accountId, approvalId, agentId, runId, policyId, toolName, occurredAt: command.at }
    const isPast = Date.parse(expiresAt) <= Date.parse(command.at)
    if (command.kind === 'expire') {
      const isOver = isPast || command.hasRunEnded
      return state.status === 'pending' && isOver ? [{ type: 'rungate.ApprovalExpired.v1', data: of }] : []
    }
    if (accountId !== command.accountId) throw approvalNotFound()
    if (state.status !== 'pending') throw new Rejected('approval_decided', `The request is ${state.status} already.`)
    if (isPast) throw new Rejected('approval_decided', 'The request has expired.')
    const { author } = command
    return command.kind === 'approve'
      ? [{ type: 'rungate.ApprovalApproved.v1', data: { ...of, author } }]
      : [{ type: 'rungate.ApprovalRejected.v1', data: { ...of, author, reason: command.reason } }]
  },
}
