/**
 * A request to the studio's agent. Text and calls come in pieces, each behind all before it, so that who asks from an offset on is told
 * every part once. A run that began and was cut off does not begin again: what it has done stays done.
 */
import type { AgentError, AgentRequestEvent } from '../../events/killatamata/agent.ts'
import type { AgentModel, ReasoningLevel, ToolCall } from '../../events/killatamata/studio.ts'
import type { Aggregate } from '../decider.ts'
import { Rejected } from './rejection.ts'

export type RunStatus = 'queued' | 'running' | 'completed' | 'failed' | 'approval_required'

export interface AgentRequest {
  status: RunStatus
  requestId: string
  accountId: string
  projectId: string
  threadId: string
  prompt: string
  agentModel: AgentModel
  reasoningLevel: ReasoningLevel
  /** UTF-16 units and calls so far. */
  textLength: number
  toolCallCount: number
  approvalPlanId: string | null
  error: AgentError | null
}
export type AgentRequestState = { status: 'absent' } | AgentRequest

export interface NewRun {
  projectId: string
  threadId: string
  prompt: string
  agentModel: AgentModel
  reasoningLevel: ReasoningLevel
}

export interface RunEnd {
  status: 'completed' | 'failed' | 'approval_required'
  approvalPlanId: string | null
  error: AgentError | null
}

export interface Progress {
  text: string
  toolCalls: readonly ToolCall[]
}

export type AgentRequestCommand = { accountId: string; requestId: string; at: string } & (
  | { kind: 'request'; run: NewRun }
  | { kind: 'start' }
  | { kind: 'progress'; progress: Progress }
  | { kind: 'end'; end: RunEnd }
  /** What was done without a model: all of it at once. */
  | { kind: 'record'; run: NewRun; progress: Progress }
)

export const agentRequest: Aggregate<AgentRequestState, AgentRequestCommand, AgentRequestEvent> = {
  category: 'killatamata.agentRequest',
  initialState: { status: 'absent' },

  evolve(state, event) {
    if (event.type === 'killatamata.AgentRunRequested.v1') {
      const { occurredAt: _, ...asked } = event.data
      const none = { textLength: 0, toolCallCount: 0, approvalPlanId: null, error: null }
      return { status: 'queued', ...asked, ...none }
    }
    if (state.status === 'absent') return state
    switch (event.type) {
      case 'killatamata.AgentRunStarted.v1':
        return { ...state, status: 'running' }
      case 'killatamata.AgentProgressed.v1': {
        const { text, textOffset, toolCalls, toolCallOffset } = event.data
        return { ...state, textLength: textOffset + text.length, toolCallCount: toolCallOffset + toolCalls.length }
      }
      case 'killatamata.AgentRunEnded.v1': {
        const { status, approvalPlanId, error } = event.data
        return { ...state, status, approvalPlanId, error }
      }
      default:
        return event satisfies never
    }
  },

  decide(command, state) {
    const { accountId, requestId, at: occurredAt } = command
    const of = { accountId, requestId, occurredAt }
    if (command.kind === 'request' || command.kind === 'record') {
      if (state.status !== 'absent') return []
      const asked: AgentRequestEvent = { type: 'killatamata.AgentRunRequested.v1', data: { ...of, ...command.run } }
      if (command.kind === 'request') return [asked]
      const ended = { status: 'completed' as const, approvalPlanId: null, error: null }
      return [
        asked,
        progressed(of, { textLength: 0, toolCallCount: 0 }, command.progress),
        { type: 'killatamata.AgentRunEnded.v1', data: { ...of, ...ended } },
      ]
    }
    if (state.status === 'absent') throw notFound()
    const isOpen = state.status === 'queued' || state.status === 'running'
    switch (command.kind) {
      case 'start':
        return state.status === 'queued' ? [{ type: 'killatamata.AgentRunStarted.v1', data: of }] : []
      case 'progress':
        return state.status === 'running' ? [progressed(of, state, command.progress)] : []
      case 'end':
        return isOpen ? [{ type: 'killatamata.AgentRunEnded.v1', data: { ...of, ...command.end } }] : []
      default:
        return command satisfies never
    }
  },
}

type Of = { accountId: string; requestId: string; occurredAt: string }

const progressed = (
  of: Of,
  { textLength: textOffset, toolCallCount: toolCallOffset }: Pick<AgentRequest, 'textLength' | 'toolCallCount'>,
  { text, toolCalls }: Progress,
): AgentRequestEvent => ({
  type: 'killatamata.AgentProgressed.v1',
  data: { ...of, text, textOffset, toolCalls: [...toolCalls], toolCallOffset },
})

const notFound = () => new Rejected('agent_request_not_found', 'The account has no such request.', 'query/requestId')
