/**
 * Plans that are executed: the money of all jobs is held and the jobs run, or none; then the plan says so. The ids of the jobs follow
 * from the plan, so that whoever comes again, or at the same moment, finds the same ones. A plan whose jobs are there is executed,
 * whatever was lost in between.
 */
import { stepContext } from '../../../commands/context.ts'
import type { CommandBus, CommandContext } from '../../../commands/handle.ts'
import { deterministicId } from '../../../commands/identity.ts'
import { agentRequest } from '../../../commands/killatamata/agent-request.ts'
import { approvalPlan, ownPlan, type Plan, requireLiving } from '../../../commands/killatamata/approval-plan.ts'
import { timelessIdOf } from '../../../commands/killatamata/ids.ts'
import { numberOf } from '../../../commands/killatamata/money.ts'
import type { ExecutedJob } from '../../../events/killatamata/agent.ts'
import { prefixedId } from '../../../runtime/ulid.ts'
import { post, titleOf } from './agent.ts'
import type { PaidJobs } from './jobs.ts'
import { openThread } from './threads.ts'

interface Parts {
  bus: CommandBus
  paid: PaidJobs | undefined
}

const stepOf = (context: CommandContext, step: string, planId: string): CommandContext =>
  stepContext(context, deterministicId('killatamata.plan', step, planId))

export interface Execution {
  plan: Plan & { execution: NonNullable<Plan['execution']> }
  position: bigint | undefined
  isReplay: boolean
}

const isExecuted = (plan: Plan): plan is Execution['plan'] => plan.execution !== null

/** Throws Rejected: approval_plan_not_found, approval_plan_expired, insufficient_balance. */
export async function executePlan(
  { bus, paid }: Parts,
  of: { accountId: string; planId: string },
  context: CommandContext,
): Promise<Execution> {
  const plan = ownPlan(await bus.current(approvalPlan, timelessIdOf(of.planId)), of)
  if (isExecuted(plan)) return { plan, position: await finish(bus, plan, context), isReplay: true }
  if (!paid) throw new Error('a plan has jobs, and nothing here runs jobs')
  // Where its jobs are there, it was executed in time, and what says so was lost.
  if (!(await paid.hasBegun(of.planId))) requireLiving(plan, context.at)
  const asked = plan.jobs.map(({ stored }) => stored)
  const { jobs } = await paid.submit(of.accountId, of.planId, asked, stepOf(context, 'hold', of.planId))
  return record(bus, plan, jobs, context)
}

async function record(bus: CommandBus, { accountId, planId }: Plan, jobs: ExecutedJob[], context: CommandContext) {
  const requestId = prefixedId('areq', context.at, deterministicId('killatamata.plan', 'run', planId))
  const command = { kind: 'execute', accountId, planId, requestId, jobs, at: context.at } as const
  const handled = await bus.handle(approvalPlan, timelessIdOf(planId), command, stepOf(context, 'execute', planId))
  const { state } = handled
  if (state.status === 'absent' || !isExecuted(state)) throw new Error('a plan was neither executed nor refused')
  return { plan: state, position: await finish(bus, state, context), isReplay: handled.events.length === 0 }
}

/** The run that stands for it, which needed no model, and the word about it in its conversation. */
async function finish(bus: CommandBus, plan: Execution['plan'], context: CommandContext) {
  const { accountId, planId, projectId, prompt, agentModel, reasoningLevel, execution } = plan
  const { requestId, jobs, at } = execution
  const then = { ...context, at }
  const threadId = plan.threadId ?? (await threadFor(bus, plan, stepOf(then, 'thread', planId)))
  const text = jobs.length === 1 ? 'The job was submitted.' : `${jobs.length} jobs were submitted.`
  const toolCalls = jobs.map(({ externalJobId, task, usdMicros }, index) => ({
    ...{ callId: `${planId}-${index + 1}`, name: 'submit_media_job' },
    arguments: JSON.stringify({ task, title: plan.jobs[index]?.title, input: plan.jobs[index]?.input }),
    result: JSON.stringify({ ok: true, externalJobId, usdChargedMicros: numberOf(BigInt(usdMicros)) }),
  }))
  const run = { projectId, threadId, prompt, agentModel, reasoningLevel }
  const command = { kind: 'record', accountId, requestId, run, progress: { text, toolCalls }, at } as const
  const recorded = await bus.handle(agentRequest, timelessIdOf(requestId), command, stepOf(then, 'record', planId))
  const said = { accountId, requestId, threadId, role: 'assistant' as const, text, toolCalls }
  return (await post({ bus }, said, then)).position ?? recorded.position
}

/** A plan that was prepared outside of a conversation begins one. */
async function threadFor(bus: CommandBus, { accountId, ...plan }: Plan, context: CommandContext): Promise<string> {
  const { projectId, prompt, agentModel, reasoningLevel } = plan
  const thread = { accountId, projectId, title: titleOf(prompt), agentModel, reasoningLevel }
  return (await openThread(bus, thread, context)).thread.threadId
}

/** A plan whose time is over: executed where its jobs are there, else expired. */
export async function endPlan(
  { bus, paid }: Parts,
  of: { accountId: string; planId: string },
  context: CommandContext,
): Promise<void> {
  if (await paid?.hasBegun(of.planId)) {
    await executePlan({ bus, paid }, of, context)
    return
  }
  const command = { kind: 'expire', ...of, at: context.at } as const
  await bus.handle(approvalPlan, timelessIdOf(of.planId), command, context)
}
