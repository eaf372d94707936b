/** A conversation of the studio: who said what stands in its events, and its read model; what is decided needs their number alone. */
import type { AgentModel, ReasoningLevel, StudioThreadEvent, ToolCall } from '../../events/killatamata/studio.ts'
import type { Aggregate } from '../decider.ts'
import { Rejected } from './rejection.ts'

export interface Thread {
  status: 'present'
  threadId: string
  accountId: string
  projectId: string
  title: string
  agentModel: AgentModel
  reasoningLevel: ReasoningLevel
  messages: number
  /** The last of them: a run posts two, and each once. */
  lastMessageIds: readonly string[]
  createdAt: string
  updatedAt: string
}
export type ThreadState = { status: 'absent' } | Thread

export interface NewThread {
  projectId: string
  title: string
  agentModel: AgentModel
  reasoningLevel: ReasoningLevel
}

export interface NewMessage {
  messageId: string
  role: 'user' | 'assistant'
  text: string
  toolCalls: readonly ToolCall[]
  requestId: string
}

export type ThreadCommand = { accountId: string; threadId: string; at: string } & (
  | { kind: 'create'; thread: NewThread }
  | { kind: 'rename'; title: string }
  | { kind: 'post'; message: NewMessage }
)

/** A message that comes again comes soon. */
const KNOWN_MESSAGES_MAX = 64

export const studioThread: Aggregate<ThreadState, ThreadCommand, StudioThreadEvent> = {
  category: 'killatamata.studioThread',
  initialState: { status: 'absent' },

  evolve(state, event) {
    if (event.type === 'killatamata.ThreadCreated.v1') {
      const { threadId, accountId, projectId, title, agentModel, reasoningLevel, occurredAt } = event.data
      const named = { threadId, accountId, projectId, title, agentModel, reasoningLevel }
      const none = { messages: 0, lastMessageIds: [] }
      return { status: 'present', ...named, ...none, createdAt: occurredAt, updatedAt: occurredAt }
    }
    if (state.status === 'absent') return state
    const updatedAt = event.data.occurredAt
    switch (event.type) {
      case 'killatamata.ThreadRenamed.v1':
        return { ...state, title: event.data.title, updatedAt }
      case 'killatamata.MessagePosted.v1': {
        const lastMessageIds = [...state.lastMessageIds, event.data.messageId].slice(-KNOWN_MESSAGES_MAX)
        return { ...state, messages: event.data.sequence, lastMessageIds, updatedAt }
      }
      default:
        return event satisfies never
    }
  },

  decide(command, state) {
    const { accountId, threadId, at: occurredAt } = command
    const of = { accountId, threadId, occurredAt }
    if (command.kind === 'create') {
      if (state.status === 'present') return []
      return [{ type: 'killatamata.ThreadCreated.v1', data: { ...of, ...command.thread } }]
    }
    const known = ownThread(state, command)
    switch (command.kind) {
      case 'rename': {
        const { title } = command
        return title === known.title ? [] : [{ type: 'killatamata.ThreadRenamed.v1', data: { ...of, title } }]
      }
      case 'post': {
        const { messageId, role, text, toolCalls, requestId } = command.message
        if (known.lastMessageIds.includes(messageId)) return []
        const said = { messageId, role, text, toolCalls: [...toolCalls], requestId }
        return [{ type: 'killatamata.MessagePosted.v1', data: { ...of, sequence: known.messages + 1, ...said } }]
      }
      default:
        return command satisfies never
    }
  },
}

/** The account's conversation. Another account's is answered like one that there is not. */
export function ownThread(state: ThreadState, of: Pick<Thread, 'accountId' | 'threadId'>): Thread {
  const { accountId, threadId } = of
  if (state.status === 'present' && state.accountId === accountId && state.threadId === threadId) return state
  throw new Rejected('thread_not_found', 'The account has no such conversation.', '/threadId')
}
