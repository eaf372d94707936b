/**
 * Runs requests to the studio's agent: one of an account at a time, in the order in which they came, several accounts side by side. A run
 * that was cut off, by a crash or at a stop, has failed; what it had done stays done. Plans whose time is over are put on record too.
 */
import { ChatUnavailable } from '../../../adapters/llm/chat.ts'
import { stepContext, systemContext } from '../../../commands/context.ts'
import type { CommandContext } from '../../../commands/handle.ts'
import { deterministicId } from '../../../commands/identity.ts'
import { type AgentRequest, agentRequest, type RunEnd } from '../../../commands/killatamata/agent-request.ts'
import { approvalPlan } from '../../../commands/killatamata/approval-plan.ts'
import { timelessIdOf } from '../../../commands/killatamata/ids.ts'
import type { Recorded } from '../../../events/event.ts'
import type { AgentRequestEvent, PlannedJob } from '../../../events/killatamata/agent.ts'
import type { ToolCall } from '../../../events/killatamata/studio.ts'
import { type Delivered, isPoison } from '../../../events/subscription.ts'
import { findExpiredPlans, openAgentRequests } from '../../../projections/killatamata/agent.ts'
import { prefixedId } from '../../../runtime/ulid.ts'
import { createDueWork, type DueItem, type DueWork } from '../../due-work.ts'
import { type ProcessDependencies, runProcess } from '../../process.ts'
import { type AgentParts, backgroundOf, chatOf, post, postPrompt } from './agent.ts'
import { converse, TooManyTurns } from './conversation.ts'
import { endPlan } from './executing.ts'
import { createProgress } from './progress.ts'

export const AGENT = 'killatamata-agent'
const REQUESTED = 'killatamata.AgentRunRequested.v1'

export interface RunningLimits {
  concurrencyMax: number
  /** Between two looks, and how many one finds. */
  intervalMs: number
  batchMax: number
}

type Options = Pick<ProcessDependencies, 'log'> & { agent: AgentParts; running: RunningLimits }

const RETRY_MIN_MS = 500
const RETRY_MAX_MS = 30_000
/** At a stop runs are cut off at once: nobody waits minutes for a model. */
const DRAIN_MS = 0

type Due = DueItem & { accountId: string }
const dueOf = (requestId: string, accountId: string): Due => ({ id: requestId, key: accountId, accountId })

const limitsOf = ({ concurrencyMax, intervalMs, batchMax }: RunningLimits) => ({
  ...{ concurrencyMax, keyConcurrencyMax: 1, keyQueueMax: batchMax, batchMax, pollIntervalMs: intervalMs },
  ...{ retryMinMs: RETRY_MIN_MS, retryMaxMs: RETRY_MAX_MS, drainMs: DRAIN_MS },
})

export function createRuns({ agent, running, log }: Options): DueWork<Due> {
  return createDueWork<Due>({
    ...{ name: 'prompts', log, now: agent.now, limits: limitsOf(running) },
    findDue: async ({ limit }) =>
      (await openAgentRequests(agent.db, limit)).map(({ request_id, account_id }) => dueOf(request_id, account_id)),
    work: ({ id, accountId }, signal) => runRequest(agent, { accountId, requestId: id }, signal),
  })
}

export function createPlanExpiry({ agent, running, log }: Options): DueWork<Due> {
  const { db, now } = agent
  return createDueWork<Due>({
    ...{ name: 'expiry of plans', log, now, limits: limitsOf(running) },
    findDue: async ({ now: time, limit }) =>
      (await findExpiredPlans(db, time.toISOString(), limit)).map(({ plan_id, account_id }) =>
        dueOf(plan_id, account_id),
      ),
    async work({ id: planId, accountId }) {
      const at = agent.now().toISOString()
      await endPlan(agent, { accountId, planId }, systemContext(AGENT, deterministicId(AGENT, 'expire', planId), at))
    },
  })
}

const CUT_OFF: RunEnd = {
  ...{ status: 'failed', approvalPlanId: null },
  error: { code: 'interrupted', message: 'The run was cut off. Send the prompt again.' },
}

/** Runs it, where it waits. Rejects where it could not be put on record how it ended, and then another time ends it. */
export async function runRequest(
  agent: AgentParts,
  of: { accountId: string; requestId: string },
  signal: AbortSignal,
): Promise<void> {
  const { bus, now } = agent
  const { accountId, requestId } = of
  const stream = timelessIdOf(requestId)
  const contextOf = (step: string): CommandContext =>
    systemContext(AGENT, deterministicId(AGENT, step, requestId), now().toISOString())
  const end = (outcome: RunEnd) =>
    bus.handle(agentRequest, stream, { kind: 'end', ...of, end: outcome, at: now().toISOString() }, contextOf('end'))
  const started = await bus.handle(
    agentRequest,
    stream,
    { kind: 'start', ...of, at: now().toISOString() },
    // Each process that begins with it is told whether it was the first one.
    { ...contextOf('start'), commandId: deterministicId(AGENT, 'start', requestId, now().toISOString()) },
  )
  const request = started.state
  if (request.status === 'running' && started.events.length === 0) {
    await end(CUT_OFF)
    return
  }
  if (request.status !== 'running') return
  await postPrompt(agent, request, contextOf('prompt'))
  const said: { text: string; toolCalls: ToolCall[] } = { text: '', toolCalls: [] }
  let pieces = 0
  const progress = createProgress(async (piece) => {
    pieces += 1
    const command = { kind: 'progress', ...of, progress: piece, at: now().toISOString() } as const
    await bus.handle(agentRequest, stream, command, contextOf(`piece ${pieces}`))
  }, agent.limits.progressMs)
  const listener = {
    onText(text: string) {
      said.text += text
      progress.onText(text)
    },
    onCall(call: ToolCall) {
      said.toolCalls.push(call)
      progress.onCall(call)
    },
  }
  const outcome = await outcomeOf(agent, request, listener, contextOf('run'), signal)
  await progress.end()
  if (said.text !== '' || said.toolCalls.length > 0) {
    const message = { accountId, requestId, threadId: request.threadId, role: 'assistant' as const, ...said }
    await post(agent, message, contextOf('answer'))
  }
  await end(outcome)
}

type Listener = Parameters<typeof converse>[2]

async function outcomeOf(
  agent: AgentParts,
  request: AgentRequest,
  listener: Listener,
  context: CommandContext,
  signal: AbortSignal,
): Promise<RunEnd> {
  const { accountId, projectId, threadId, requestId, prompt, agentModel, reasoningLevel } = request
  const late = AbortSignal.timeout(agent.limits.runMs)
  const failed = (code: string, message: string): RunEnd => ({
    ...{ status: 'failed', approvalPlanId: null, error: { code, message } },
  })
  try {
    const { history, instructions } = await backgroundOf(agent, { accountId, threadId })
    const before = history.filter(({ request_id }) => request_id !== requestId)
    const jobs = await converse(
      { ...agent, chat: chatOf(agent) },
      {
        ...{ accountId, projectId, prompt, agentModel, reasoningLevel, instructions, history: before },
        ...{ isDry: false, stopsAtPaid: true, jobsMax: agent.limits.jobsMax, context, now: agent.now },
      },
      listener,
      AbortSignal.any([signal, late]),
    )
    if (jobs.length === 0) return { status: 'completed', approvalPlanId: null, error: null }
    return { status: 'approval_required', approvalPlanId: await plan(agent, request, jobs, context), error: null }
  } catch (error) {
    if (signal.aborted) return CUT_OFF
    if (late.aborted) return failed('timed_out', `The run took longer than ${agent.limits.runMs} ms.`)
    if (error instanceof TooManyTurns) return failed('too_many_turns', 'The model did not come to an end.')
    if (error instanceof ChatUnavailable) return failed('agent_unavailable', 'The model did not answer.')
    throw error
  }
}

async function plan(
  { bus, limits }: AgentParts,
  { accountId, projectId, threadId, prompt, agentModel, reasoningLevel, requestId }: AgentRequest,
  jobs: readonly PlannedJob[],
  context: CommandContext,
): Promise<string> {
  const { at } = context
  const id = deterministicId(AGENT, 'plan', requestId)
  const planId = prefixedId('plan', at, id)
  const expiresAt = new Date(Date.parse(at) + limits.planMs).toISOString()
  const prepared = { projectId, threadId, prompt, agentModel, reasoningLevel, jobs, expiresAt }
  const command = { kind: 'prepare', accountId, planId, plan: prepared, at } as const
  await bus.handle(approvalPlan, timelessIdOf(planId), command, stepContext(context, id))
  return planId
}

/** Runs until `signal` aborts; stands by while another process leads. */
export function runAgent(options: Options & ProcessDependencies): Promise<void> {
  const { log } = options
  const runs = createRuns(options)
  const expiry = createPlanExpiry(options)
  const handle = async (events: Delivered[]) => {
    for (const event of events) {
      if (isPoison(event)) {
        const { id, stream, type, fault } = event
        log.error({ eventId: id, stream, type, fault }, 'an event about a prompt does not decode')
        continue
      }
      const { data } = event as Recorded<Extract<AgentRequestEvent, { type: typeof REQUESTED }>>
      runs.offer(dueOf(data.requestId, data.accountId))
    }
  }
  const background = (signal: AbortSignal) => [runs.run(signal), expiry.run(signal)]
  return runProcess({ name: AGENT, types: [REQUESTED], handle, background }, options)
}
