/** A conversation with the model, turn by turn: what it says is handed on, what it calls is done, until it has nothing more to call. */
import type { Chat, ChatCall, ChatMessage } from '../../../adapters/llm/chat.ts'
import type { PlannedJob } from '../../../events/killatamata/agent.ts'
import type { AgentModel, ReasoningLevel, ToolCall } from '../../../events/killatamata/studio.ts'
import type { MessageRow } from '../../../projections/killatamata/studio.ts'
import { createTools, type ToolOrder, type ToolParts, toolsFor } from './tools.ts'

export interface TalkParts extends ToolParts {
  chat: Chat
  /** Names of models as their provider has them; others go by their own. */
  modelNames: ReadonlyMap<string, string>
  /** Answers of the model in one run. */
  turnsMax: number
}

export interface TalkOrder extends ToolOrder {
  prompt: string
  agentModel: AgentModel
  reasoningLevel: ReasoningLevel
  /** What was said before, the oldest first. */
  history: readonly Pick<MessageRow, 'role' | 'text'>[]
  /** Of the settings, how the conversation is to begin. */
  instructions: string | null
  /** Ends with the turn in which something paid is asked for. */
  stopsAtPaid: boolean
}

export interface Listener {
  onText(text: string): void
  onCall(call: ToolCall): void
}

/** The model goes on and on. */
export class TooManyTurns extends Error {
  override name = 'TooManyTurns'
}

const INSTRUCTIONS =
  'You help people to plan and make media in a studio. You can create and save texts and storyboards, list assets and move them to the ' +
  'recycling bin. Media jobs cost money: ask for each with the tool, and the user approves all of them together before any runs.'

const asMessage = ({ role, text }: Pick<MessageRow, 'role' | 'text'>): ChatMessage => ({ role, content: text })

/** Jobs that wait for an approval. Rejects with ChatUnavailable, TooManyTurns, and with the signal's reason. */
export async function converse(
  parts: TalkParts,
  order: TalkOrder,
  { onText, onCall }: Listener,
  signal: AbortSignal,
): Promise<PlannedJob[]> {
  const { chat, modelNames, turnsMax } = parts
  const run = createTools(parts, order)
  const jobs: PlannedJob[] = []
  const messages: ChatMessage[] = [
    { role: 'system', content: [INSTRUCTIONS, order.instructions ?? ''].filter(Boolean).join('\n\n') },
    ...order.history.map(asMessage),
    { role: 'user', content: order.prompt },
  ]
  const asked = {
    model: modelNames.get(order.agentModel) ?? order.agentModel,
    reasoningEffort: order.reasoningLevel === 'default' ? undefined : order.reasoningLevel,
    tools: toolsFor(parts),
  }
  let hasSpoken = false
  for (let turn = 1; turn <= turnsMax; turn++) {
    let isFirst = true
    const say = (text: string) => {
      // What it says in one turn and in the next are paragraphs of one text.
      onText(isFirst && hasSpoken ? `\n\n${text}` : text)
      isFirst = false
      hasSpoken = true
    }
    const { text, toolCalls } = await chat.ask({ ...asked, messages }, say, signal)
    if (toolCalls.length === 0) return jobs
    messages.push({ role: 'assistant', content: text, toolCalls })
    for (const call of toolCalls) {
      signal.throwIfAborted()
      const { result, job } = await run(call)
      if (job) jobs.push(job)
      onCall(callOf(call, result))
      messages.push({ role: 'tool', callId: call.id, content: result })
    }
    if (order.stopsAtPaid && jobs.length > 0) return jobs
  }
  throw new TooManyTurns(`the model has answered ${turnsMax} times, and calls on`)
}

const callOf = ({ id: callId, name, arguments: written }: ChatCall, result: string): ToolCall => ({
  ...{ callId, name, arguments: written, result },
})
