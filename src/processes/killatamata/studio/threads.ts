/** Conversations, as requests and prompts begin them: a new one is the one that is open. */
import { stepContext } from '../../../commands/context.ts'
import type { CommandBus, CommandContext } from '../../../commands/handle.ts'
import { deterministicId } from '../../../commands/identity.ts'
import { timelessIdOf } from '../../../commands/killatamata/ids.ts'
import { type NewThread, studioThread, type Thread } from '../../../commands/killatamata/studio-thread.ts'
import { studioWorkspace } from '../../../commands/killatamata/studio-workspace.ts'
import type { AgentModel, ReasoningLevel } from '../../../events/killatamata/studio.ts'
import { prefixedId } from '../../../runtime/ulid.ts'

export interface ModelChoice {
  agentModel?: AgentModel | undefined
  reasoningLevel?: ReasoningLevel | undefined
}

/** The model and the level that are named, and those of the settings where none is. */
export async function settingsOf(bus: CommandBus, accountId: string, { agentModel, reasoningLevel }: ModelChoice) {
  const { settings } = await bus.current(studioWorkspace, accountId)
  return {
    agentModel: agentModel ?? settings.defaultAgentModel,
    reasoningLevel: reasoningLevel ?? settings.defaultReasoningLevel,
  }
}

export async function selectThread(
  bus: CommandBus,
  { accountId, threadId }: { accountId: string; threadId: string },
  context: CommandContext,
) {
  const command = { kind: 'selectThread', accountId, threadId, at: context.at } as const
  return bus.handle(studioWorkspace, accountId, command, context)
}

/** Begins a conversation and opens it. The answer is that of the first; a repeat opens it no second time. */
export async function openThread(
  bus: CommandBus,
  { accountId, ...thread }: NewThread & { accountId: string },
  context: CommandContext,
) {
  const { at, commandId } = context
  const threadId = prefixedId('thr', at, commandId)
  const create = { kind: 'create', accountId, threadId, thread, at } as const
  const made = await bus.handle(studioThread, timelessIdOf(threadId), create, context)
  if (made.state.status === 'absent') throw new Error('a conversation was neither made nor refused')
  if (made.replayed || made.events.length === 0) return { thread: made.state satisfies Thread, handled: made }
  const step = stepContext(context, deterministicId('killatamata.studio', 'open', commandId))
  const opened = await selectThread(bus, { accountId, threadId: made.state.threadId }, step)
  const handled = { ...made, position: opened.position ?? made.position }
  return { thread: made.state satisfies Thread, handled }
}
