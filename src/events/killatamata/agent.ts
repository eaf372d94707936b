/**
 * Facts of the studio's agent: what it was asked and how that went on (`killatamata.agentRequest-<id>`), and plans of paid jobs, which
 * run only where their account has approved them (`killatamata.approvalPlan-<id>`). Event names are the storage format.
 */
import { z } from 'zod'
import type { EventOf } from '../event.ts'
import { agentModel, reasoningLevel, toolCall } from './studio.ts'
import { accountId, time, usdMicros } from './vocabulary.ts'

const ofRequest = { requestId: z.string(), accountId, occurredAt: time }

export const agentError = z.object({ code: z.string(), message: z.string() })
export type AgentError = z.infer<typeof agentError>

export const agentRequestEvents = {
  'killatamata.AgentRunRequested.v1': z.object({
    ...{ ...ofRequest, projectId: z.string(), threadId: z.string(), prompt: z.string() },
    ...{ agentModel, reasoningLevel },
  }),
  /** A process has begun with it: what ends without its end was cut off. */
  'killatamata.AgentRunStarted.v1': z.object(ofRequest),
  'killatamata.AgentProgressed.v1': z.object({
    ...ofRequest,
    /** What came behind all before it, which had this many UTF-16 units. */
    text: z.string(),
    textOffset: z.int().nonnegative(),
    /** Calls behind all before them, of which there were this many. */
    toolCalls: z.array(toolCall),
    toolCallOffset: z.int().nonnegative(),
  }),
  'killatamata.AgentRunEnded.v1': z.object({
    ...ofRequest,
    status: z.enum(['completed', 'failed', 'approval_required']),
    approvalPlanId: z.string().nullable(),
    error: agentError.nullable(),
  }),
}
export type AgentRequestEvent = EventOf<typeof agentRequestEvents>

/** A job as it will run: complete, with every default, and its price. */
export const plannedJob = z.object({
  task: z.string(),
  title: z.string(),
  /** What was asked for. */
  input: z.record(z.string(), z.unknown()),
  estimatedUsdMicros: usdMicros,
  /** What the jobs' part keeps of it, so that it runs as it was priced. */
  stored: z.record(z.string(), z.unknown()),
})
export type PlannedJob = z.infer<typeof plannedJob>

export const executedJob = z.object({ externalJobId: z.string(), task: z.string(), usdMicros })
export type ExecutedJob = z.infer<typeof executedJob>

const ofPlan = { planId: z.string(), accountId, occurredAt: time }

export const approvalPlanEvents = {
  'killatamata.PlanPrepared.v1': z.object({
    ...{ ...ofPlan, projectId: z.string() },
    /** Null: it was prepared outside of a conversation. */
    threadId: z.string().nullable(),
    prompt: z.string(),
    ...{ agentModel, reasoningLevel },
    jobs: z.array(plannedJob),
    totalUsdMicros: usdMicros,
    expiresAt: time,
  }),
  /** All of its money is held, and its jobs are to run. */
  'killatamata.PlanExecuted.v1': z.object({
    ...ofPlan,
    requestId: z.string(),
    jobs: z.array(executedJob),
  }),
  'killatamata.PlanExpired.v1': z.object(ofPlan),
}
export type ApprovalPlanEvent = EventOf<typeof approvalPlanEvents>
