/** The agent: POST agent/messages/prepare and agent/messages, GET agent/requests. */
import { z } from '@hono/zod-openapi'
import { ChatUnavailable } from '../../../adapters/llm/chat.ts'
import type { CommandBus, CommandContext } from '../../../commands/handle.ts'
import { approvalPlan } from '../../../commands/killatamata/approval-plan.ts'
import { type AgentError, agentError } from '../../../events/killatamata/agent.ts'
import { agentModel, reasoningLevel } from '../../../events/killatamata/studio.ts'
import { type PromptOrder, prepare, send } from '../../../processes/killatamata/studio/agent.ts'
import { TooManyTurns } from '../../../processes/killatamata/studio/conversation.ts'
import { requireProject } from '../../../processes/killatamata/studio/documents.ts'
import { settingsOf } from '../../../processes/killatamata/studio/threads.ts'
import { type AgentPieceRow, findAgentRequest, piecesBehind } from '../../../projections/killatamata/agent.ts'
import { json } from '../../answers.ts'
import { Problem } from '../../errors.ts'
import { once, type Repeatable } from '../../once.ts'
import type { Caller } from '../../operation.ts'
import { accountKey, type Customer, type KillatamataParts, keeps, read, write } from '../access.ts'
import type { KillatamataCode } from '../errors.ts'
import { listOffset } from '../list-limit.ts'
import { requestKey } from '../request-key.ts'
import { idIn, modelChoice, prompt } from './inputs.ts'
import { planShown, planView, runStatus, toolCallShown } from './views.ts'

const promptBody = { projectId: idIn, prompt, ...modelChoice }
type PromptBody = z.output<z.ZodObject<typeof promptBody>>

/** Throws Rejected (project_not_found). */
async function orderOf(bus: CommandBus, accountId: string, body: PromptBody): Promise<PromptOrder> {
  const { projectId, prompt: asked } = body
  await requireProject(bus, { accountId, projectId })
  return { accountId, projectId, prompt: asked, ...(await settingsOf(bus, accountId, body)) }
}

async function orUnavailable<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    if (!(cause instanceof ChatUnavailable || cause instanceof TooManyTurns)) throw cause
    throw new Problem<KillatamataCode>('agent_unavailable', 'The model does not answer now.', { cause })
  }
}

const prepared = z
  .discriminatedUnion('decision', [
    z
      .object({
        ...{ ok: z.literal(true), decision: z.literal('execute_now') },
        ...{ projectId: z.string(), prompt: z.string(), agentModel, reasoningLevel },
      })
      .openapi('StudioPromptFree'),
    z
      .object({ ok: z.literal(true), decision: z.literal('approval_required'), approvalPlan: planShown })
      .openapi('StudioPromptPaid'),
  ])
  .openapi('StudioPromptPrepareResponse')

type Preparing = Pick<KillatamataParts, 'bus' | 'studio'> &
  Repeatable & { principal: Customer; body: PromptBody; caller: Caller; command: CommandContext }

async function answerPrepared({ bus, studio, principal, body, caller, command, isRepeat }: Preparing) {
  const order = await orderOf(bus, principal.accountId, body)
  // What cost nothing then costs nothing now, whatever the model would say.
  const wasFree = isRepeat && (await bus.current(approvalPlan, command.commandId)).status === 'absent'
  const handled = wasFree
    ? undefined
    : await orUnavailable(() => prepare(studio.agent, order, command, caller.signal()))
  if (!handled) {
    const { accountId: _, ...asked } = order
    const free = { ok: true as const, decision: 'execute_now' as const, ...asked }
    return { status: 200 as const, body: free, handled: { position: undefined, replayed: false } }
  }
  if (handled.state.status === 'absent') throw new Error('a plan was neither made nor refused')
  const paid = { ok: true as const, decision: 'approval_required' as const, approvalPlan: planView(handled.state) }
  const { position, replayed } = handled
  return { status: 200 as const, body: paid, handled: { position, replayed } }
}

export const preparePrompt = write({
  path: '/api/v1/studio/agent/messages/prepare',
  id: 'prepareStudioPrompt',
  tags: ['studio'],
  summary: 'Prepare Studio agent prompt',
  description:
    'Finds out whether the prompt leads to paid jobs. Nothing is changed and nothing charged. Where it does, the answer has the plan ' +
    'with the price of each job, which holds until the plan expires.',
  access: accountKey,
  key: requestKey,
  body: z.object(promptBody).openapi('StudioPromptPrepareRequest'),
  answers: { 200: json(prepared, 'What the prompt leads to.') },
  refuses: ['project_not_found', 'agent_unavailable'],
  handle: once('prepareStudioPrompt', answerPrepared, keeps),
})

export const sendPrompt = write({
  path: '/api/v1/studio/agent/messages',
  id: 'sendStudioPrompt',
  tags: ['studio'],
  summary: 'Send Studio agent prompt',
  description:
    'Puts the prompt into the conversation that is open, or into a new one, and runs it. A run that comes to a paid job stops there, ' +
    'with a plan that waits for an approval.',
  access: accountKey,
  key: requestKey,
  body: z.object(promptBody).openapi('StudioPromptRequest'),
  answers: {
    202: json(
      z
        .object({
          ...{ ok: z.literal(true), requestId: z.string(), threadId: z.string() },
          status: z.literal('queued'),
        })
        .openapi('StudioPromptResponse'),
      'It is taken, and runs when it is its turn.',
    ),
  },
  refuses: ['project_not_found', 'agent_unavailable'],
  async handle({ bus, studio, principal: { accountId }, body, command }) {
    const order = await orderOf(bus, accountId, body)
    if (!studio.agent.chat) throw new Problem<KillatamataCode>('agent_unavailable', 'No model is configured here.')
    const { request, handled } = await send({ bus }, order, command)
    const { requestId, threadId } = request
    return { status: 202, body: { ok: true as const, requestId, threadId, status: 'queued' as const }, handled }
  },
})

/** Five minutes of pieces, four in a second, and more. */
const PIECES_MAX = 4_096

/** What lies behind the offsets. Pieces overlap them at most at their beginning. */
function behind(pieces: readonly AgentPieceRow[], from: { text: number; toolCalls: number }) {
  const text = pieces.map((piece) => piece.text.slice(Math.max(0, from.text - piece.text_offset))).join('')
  const toolCalls = pieces.flatMap((piece) =>
    piece.tool_calls.slice(Math.max(0, from.toolCalls - piece.tool_call_offset)),
  )
  return {
    ...{ assistantText: text, assistantOffset: from.text + text.length },
    ...{ toolCalls, toolCallOffset: from.toolCalls + toolCalls.length },
  }
}

export const getAgentRequest = read({
  path: '/api/v1/studio/agent/requests',
  id: 'getStudioAgentRequest',
  tags: ['studio'],
  summary: 'Get Studio agent request state',
  description:
    'How the run stands, with the text and the calls behind the offsets. Asked with the offsets of the answer before, what is joined is ' +
    'the whole. Offsets of text count UTF-16 units.',
  access: accountKey,
  query: z.object({ requestId: idIn, assistantOffset: listOffset, toolCallOffset: listOffset }),
  answer: json(
    z
      .object({
        ...{ ok: z.literal(true), requestId: z.string(), status: runStatus },
        ...{ assistantText: z.string(), assistantOffset: z.int() },
        ...{ toolCalls: z.array(toolCallShown), toolCallOffset: z.int() },
        approvalPlanId: z.string().nullable(),
        error: z.object(agentError.shape).openapi('StudioAgentError').nullable(),
      })
      .openapi('StudioAgentRequestResponse'),
    'How it stands.',
  ),
  refuses: ['agent_request_not_found'],
  async handle({ db, principal: { accountId }, query }) {
    const { requestId, assistantOffset: text = 0, toolCallOffset: toolCalls = 0 } = query
    const row = await findAgentRequest(db, accountId, requestId)
    if (!row) throw new Problem<KillatamataCode>('agent_request_not_found', 'The account has no such request.')
    const from = { text, toolCalls }
    const pieces = await piecesBehind(db, requestId, from, PIECES_MAX)
    return {
      ...{ ok: true as const, requestId, status: row.status },
      ...behind(pieces, from),
      ...{ approvalPlanId: row.approval_plan_id, error: row.error as AgentError | null },
    }
  },
})
