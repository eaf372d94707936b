/** Requests to the studio's agent, what it has said so far, in pieces, and plans of paid jobs. */
import type { AgentError, AgentRequestEvent, ApprovalPlanEvent, PlannedJob } from '../../events/killatamata/agent.ts'
import type { AgentModel, ReasoningLevel, ToolCall } from '../../events/killatamata/studio.ts'
import type { ReadModels } from '../../postgres/database.ts'
import { snake } from '../../runtime/letter-case.ts'
import { bigint, byBeginning, integer, jsonb, text, time } from '../columns.ts'
import { defineProjection, defineTable, patch, type RowOf, upsert } from '../projection.ts'
import { killatamataTables, preparedOne } from './tables.ts'

export const agentRequests = defineTable({
  name: 'killatamata_agent_requests',
  key: ['request_id'],
  columns: {
    ...{ request_id: text, account_id: text, project_id: text, thread_id: text, prompt: text },
    agent_model: text.of<AgentModel>(),
    reasoning_level: text.of<ReasoningLevel>(),
    status: text.of<'queued' | 'running' | 'completed' | 'failed' | 'approval_required'>(),
    approval_plan_id: text.orNull,
    error: jsonb.of<AgentError>().orNull,
    ...{ created_at: time, updated_at: time },
  },
  indexes: [
    '(account_id, created_at DESC, request_id DESC)',
    "(created_at, request_id) WHERE status IN ('queued', 'running')",
  ],
})
export type AgentRequestRow = RowOf<typeof agentRequests>

/** A piece of what the agent has said and called, by where it begins. */
export const agentPieces = defineTable({
  name: 'killatamata_agent_pieces',
  key: ['request_id', 'text_offset', 'tool_call_offset'],
  columns: {
    ...{ request_id: text, text_offset: integer, tool_call_offset: integer },
    ...{ text_end: integer, tool_call_end: integer, text },
    tool_calls: jsonb,
  },
})
export type AgentPieceRow = Omit<RowOf<typeof agentPieces>, 'tool_calls'> & { tool_calls: ToolCall[] }

export const approvalPlans = defineTable({
  name: 'killatamata_approval_plans',
  key: ['plan_id'],
  columns: {
    ...{ plan_id: text, account_id: text, project_id: text, thread_id: text.orNull },
    status: text.of<'pending' | 'executed' | 'expired'>(),
    jobs: jsonb,
    total_usd_micros: bigint,
    ...{ created_at: time, expires_at: time },
  },
  indexes: [
    byBeginning('plan_id'),
    '(account_id, created_at DESC, plan_id DESC)',
    "(expires_at) WHERE status = 'pending'",
  ],
})
export type ApprovalPlanRow = Omit<RowOf<typeof approvalPlans>, 'jobs'> & {
  jobs: Pick<PlannedJob, 'task' | 'title' | 'input' | 'estimatedUsdMicros'>[]
}

export const agentRequestProjection = defineProjection<AgentRequestEvent>({
  name: 'killatamata.agentRequest',
  version: 1,
  onPoison: 'park',
  tables: [agentRequests, agentPieces],
  handlers: {
    'killatamata.AgentRunRequested.v1': ({ data }) => [
      upsert(agentRequests, {
        ...snake(data, 'requestId', 'accountId', 'projectId', 'threadId', 'prompt', 'agentModel', 'reasoningLevel'),
        ...{ status: 'queued', approval_plan_id: null, error: null },
        ...{ created_at: data.occurredAt, updated_at: data.occurredAt },
      }),
    ],
    'killatamata.AgentRunStarted.v1': ({ data }) => [
      patch(agentRequests, snake(data, 'requestId'), { status: 'running', updated_at: data.occurredAt }),
    ],
    'killatamata.AgentProgressed.v1': ({ data }) => [
      upsert(agentPieces, {
        ...snake(data, 'requestId', 'textOffset', 'toolCallOffset', 'text', 'toolCalls'),
        text_end: data.textOffset + data.text.length,
        tool_call_end: data.toolCallOffset + data.toolCalls.length,
      }),
    ],
    'killatamata.AgentRunEnded.v1': ({ data }) => [
      patch(agentRequests, snake(data, 'requestId'), {
        ...snake(data, 'status', 'approvalPlanId', 'error'),
        updated_at: data.occurredAt,
      }),
    ],
  },
})

export const approvalPlanProjection = defineProjection<ApprovalPlanEvent>({
  name: 'killatamata.approvalPlan',
  version: 2,
  onPoison: 'park',
  tables: [approvalPlans],
  handlers: {
    'killatamata.PlanPrepared.v1': ({ data }) => [
      upsert(approvalPlans, {
        ...snake(data, 'planId', 'accountId', 'projectId', 'threadId', 'totalUsdMicros', 'expiresAt'),
        jobs: data.jobs.map(({ task, title, input, estimatedUsdMicros }) => ({
          task,
          title,
          input,
          estimatedUsdMicros,
        })),
        ...{ status: 'pending', created_at: data.occurredAt },
      }),
    ],
    'killatamata.PlanExecuted.v1': ({ data }) => [patch(approvalPlans, snake(data, 'planId'), { status: 'executed' })],
    'killatamata.PlanExpired.v1': ({ data }) => [patch(approvalPlans, snake(data, 'planId'), { status: 'expired' })],
  },
})

export const findAgentRequest = preparedOne((db, accountId: string, requestId: string) =>
  db
    .selectFrom('killatamata_agent_requests')
    .selectAll()
    .where('request_id', '=', requestId)
    .where('account_id', '=', accountId),
)

/** Pieces that have something behind one of the offsets, in order. */
export const piecesBehind = (
  db: ReadModels,
  requestId: string,
  { text, toolCalls }: { text: number; toolCalls: number },
  limit: number,
): Promise<AgentPieceRow[]> =>
  killatamataTables(db)
    .selectFrom('killatamata_agent_pieces')
    .selectAll()
    .where('request_id', '=', requestId)
    .where((each) => each.or([each('text_end', '>', text), each('tool_call_end', '>', toolCalls)]))
    .orderBy('text_offset')
    .orderBy('tool_call_offset')
    .limit(limit)
    .execute() as Promise<AgentPieceRow[]>

/** Newest first. */
export const newestAgentRequests = (db: ReadModels, accountId: string, limit: number): Promise<AgentRequestRow[]> =>
  killatamataTables(db)
    .selectFrom('killatamata_agent_requests')
    .selectAll()
    .where('account_id', '=', accountId)
    .orderBy('created_at', 'desc')
    .orderBy('request_id', 'desc')
    .limit(limit)
    .execute()

/** Those that have not ended, the oldest first. */
export const openAgentRequests = (db: ReadModels, limit: number): Promise<AgentRequestRow[]> =>
  killatamataTables(db)
    .selectFrom('killatamata_agent_requests')
    .selectAll()
    .where('status', 'in', ['queued', 'running'])
    .orderBy('created_at')
    .orderBy('request_id')
    .limit(limit)
    .execute()

/** Plans of an account that can be executed now, newest first. */
export const pendingPlans = (
  db: ReadModels,
  accountId: string,
  now: string,
  limit: number,
): Promise<ApprovalPlanRow[]> =>
  killatamataTables(db)
    .selectFrom('killatamata_approval_plans')
    .selectAll()
    .where('account_id', '=', accountId)
    .where('status', '=', 'pending')
    .where('expires_at', '>', now)
    .orderBy('created_at', 'desc')
    .orderBy('plan_id', 'desc')
    .limit(limit)
    .execute() as Promise<ApprovalPlanRow[]>

/** Plans whose time is over at `now` (RFC 3339), the longest over first. */
export const findExpiredPlans = (db: ReadModels, now: string, limit: number) =>
  killatamataTables(db)
    .selectFrom('killatamata_approval_plans')
    .select(['plan_id', 'account_id'])
    .where('status', '=', 'pending')
    .where('expires_at', '<=', now)
    .orderBy('expires_at')
    .limit(limit)
    .execute()
