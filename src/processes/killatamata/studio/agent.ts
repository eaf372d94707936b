/**
 * The studio's agent, as requests use it: a prompt is prepared, which finds out what it would cost, or sent, which a process runs
 * (running.ts). Nothing paid ever runs but by a plan that its account executes (executing.ts).
 */
import { ChatUnavailable } from '../../../adapters/llm/chat.ts'
import { stepContext } from '../../../commands/context.ts'
import type { CommandContext } from '../../../commands/handle.ts'
import { deterministicId } from '../../../commands/identity.ts'
import { agentRequest } from '../../../commands/killatamata/agent-request.ts'
import { approvalPlan, type NewPlan } from '../../../commands/killatamata/approval-plan.ts'
import { timelessIdOf } from '../../../commands/killatamata/ids.ts'
import { type NewMessage, studioThread, type Thread } from '../../../commands/killatamata/studio-thread.ts'
import { studioWorkspace } from '../../../commands/killatamata/studio-workspace.ts'
import type { AgentModel, ReasoningLevel } from '../../../events/killatamata/studio.ts'
import { lastMessages } from '../../../projections/killatamata/studio.ts'
import { prefixedId } from '../../../runtime/ulid.ts'
import { converse, type TalkParts } from './conversation.ts'
import { openThread } from './threads.ts'

export interface AgentLimits {
  /** Of a whole run, and of a preparation, which a request waits for. */
  runMs: number
  prepareMs: number
  /** Preparations at once, in this process. */
  preparesMax: number
  /** Messages of the conversation that the model is shown. */
  historyMax: number
  jobsMax: number
  /** How long a plan can be executed. */
  planMs: number
  /** Least time between two pieces of a run. */
  progressMs: number
}

export interface AgentParts extends Omit<TalkParts, 'chat'> {
  /** Undefined: no model is configured. */
  chat: TalkParts['chat'] | undefined
  limits: AgentLimits
  now: () => Date
}

export interface PromptOrder {
  accountId: string
  projectId: string
  prompt: string
  agentModel: AgentModel
  reasoningLevel: ReasoningLevel
}

/** The conversation that is open, where it belongs to the project. */
async function activeThread({ bus }: Pick<AgentParts, 'bus'>, { accountId, projectId }: PromptOrder) {
  const { activeThreadId } = await bus.current(studioWorkspace, accountId)
  if (activeThreadId === null) return undefined
  const thread = await bus.current(studioThread, timelessIdOf(activeThreadId))
  const isOwn = thread.status === 'present' && thread.accountId === accountId && thread.projectId === projectId
  return isOwn ? (thread satisfies Thread) : undefined
}

/** What the model is shown of a conversation. */
export async function backgroundOf(
  { bus, db, limits }: Pick<AgentParts, 'bus' | 'db' | 'limits'>,
  { accountId, threadId }: { accountId: string; threadId: string | null },
) {
  const { settings } = await bus.current(studioWorkspace, accountId)
  const history = threadId === null ? [] : await lastMessages(db, accountId, threadId, limits.historyMax)
  return { history, instructions: settings.conversationStarterInstructions }
}

/** Throws ChatUnavailable where no model is configured. */
export function chatOf({ chat }: Pick<AgentParts, 'chat'>) {
  if (!chat) throw new ChatUnavailable('no model is configured')
  return chat
}

let preparing = 0

/**
 * What the prompt would cost: a plan where anything does, undefined where nothing does. Nothing is changed and nothing charged. Rejects
 * with ChatUnavailable, TooManyTurns.
 */
export async function prepare(parts: AgentParts, order: PromptOrder, context: CommandContext, left: AbortSignal) {
  const { bus, limits, now } = parts
  const { accountId, projectId, prompt, agentModel, reasoningLevel } = order
  const planId = prefixedId('plan', context.at, context.commandId)
  const handle = (plan: NewPlan) =>
    bus.handle(
      approvalPlan,
      timelessIdOf(planId),
      { kind: 'prepare', accountId, planId, plan, at: context.at },
      context,
    )
  const threadId = (await activeThread(parts, order))?.threadId ?? null
  const expiresAt = new Date(Date.parse(context.at) + limits.planMs).toISOString()
  const plan = { projectId, threadId, prompt, agentModel, reasoningLevel, jobs: [], expiresAt }
  // The same request again is answered with the plan that it has made, without another word with the model.
  const known = await bus.current(approvalPlan, timelessIdOf(planId))
  if (known.status !== 'absent') return handle(plan)
  const chat = chatOf(parts)
  if (preparing >= limits.preparesMax) throw new ChatUnavailable('too many prompts are prepared at this moment')
  preparing += 1
  try {
    const talk = { accountId, projectId, prompt, agentModel, reasoningLevel, isDry: true, stopsAtPaid: false }
    const background = await backgroundOf(parts, { accountId, threadId })
    const late = AbortSignal.timeout(limits.prepareMs)
    const silent = { onText: () => undefined, onCall: () => undefined }
    const jobs = await converse(
      { ...parts, chat },
      { ...talk, ...background, jobsMax: limits.jobsMax, context, now },
      silent,
      AbortSignal.any([late, left]),
    ).catch((cause: unknown) => {
      if (cause === late.reason) throw new ChatUnavailable('the model took too long', { cause })
      throw cause
    })
    return jobs.length === 0 ? undefined : await handle({ ...plan, jobs })
  } finally {
    preparing -= 1
  }
}

/** How many characters of a prompt make the title of a conversation. */
const TITLE_LENGTH_MAX = 60

/** What a conversation is called that a prompt begins. */
export function titleOf(prompt: string): string {
  const [line = ''] = prompt.trim().split('\n')
  const title = [...line].slice(0, TITLE_LENGTH_MAX).join('').trim()
  return title.length < 2 ? 'New conversation' : title
}

/** Puts the prompt into the conversation that is open, or into a new one, and asks for a run. */
export async function send({ bus }: Pick<AgentParts, 'bus'>, order: PromptOrder, context: CommandContext) {
  const { accountId, ...run } = order
  const { at, commandId } = context
  const step = stepContext(context, deterministicId('killatamata.agent', 'thread', commandId))
  const { projectId, prompt, agentModel, reasoningLevel } = run
  const thread =
    (await activeThread({ bus }, order)) ??
    (await openThread(bus, { accountId, projectId, title: titleOf(prompt), agentModel, reasoningLevel }, step)).thread
  const requestId = prefixedId('areq', at, commandId)
  const asked = { kind: 'request', accountId, requestId, run: { ...run, threadId: thread.threadId }, at } as const
  const handled = await bus.handle(agentRequest, timelessIdOf(requestId), asked, context)
  const { state } = handled
  if (state.status === 'absent') throw new Error('a request was neither taken nor refused')
  const posted = await postPrompt({ bus }, state, context)
  return { request: state, handled: { position: posted.position ?? handled.position, replayed: handled.replayed } }
}

/** The user's own words, once. */
export function postPrompt(
  { bus }: Pick<AgentParts, 'bus'>,
  request: { accountId: string; requestId: string; threadId: string; prompt: string },
  context: CommandContext,
) {
  return post({ bus }, { ...request, role: 'user', text: request.prompt, toolCalls: [] }, context)
}

/** The time of the request and, in place of its random part, one that follows from what it is: the same whoever posts it, and when. */
const messageIdOf = (requestId: string, id: string): string => {
  const random = timelessIdOf(prefixedId('msg', NO_TIME, id))
  return `msg_${requestId.slice(requestId.indexOf('_') + 1, -random.length)}${random}`
}
const NO_TIME = '1970-01-01T00:00:00.000Z'

type Said = Omit<NewMessage, 'messageId'> & { accountId: string; threadId: string }

export function post(
  { bus }: Pick<AgentParts, 'bus'>,
  { accountId, threadId, requestId, role, text, toolCalls }: Said,
  context: CommandContext,
) {
  const id = deterministicId('killatamata.agent', 'message', requestId, role)
  const message = { messageId: messageIdOf(requestId, id), role, text, toolCalls, requestId }
  const command = { kind: 'post', accountId, threadId, message, at: context.at } as const
  return bus.handle(studioThread, timelessIdOf(threadId), command, stepContext(context, id))
}
