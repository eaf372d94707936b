/** Requests for approval: what waits for a decision, and what was decided. */
import { sql } from 'kysely'
import type { ApprovalEvent } from '../../events/rungate/approval.ts'
import type { Author } from '../../events/rungate/vocabulary.ts'
import type { ReadModels } from '../../postgres/database.ts'
import { snake } from '../../runtime/letter-case.ts'
import { integer, jsonb, text, time, uuid } from '../columns.ts'
import { defineProjection, defineTable, patch, type RowOf, upsert, type WrittenOf } from '../projection.ts'
import { preparedOne, type Query, rungateTables } from './tables.ts'

export type ApprovalStatus = 'pending' | 'approved' | 'rejected' | 'expired'

export const approvals = defineTable({
  name: 'rungate_approvals',
  key: ['approval_id'],
  columns: {
    approval_id: uuid,
    account_id: uuid,
    agent_id: uuid,
    agent_name: text,
    run_id: uuid,
    policy_id: uuid,
    step_id: uuid,
    tool_name: text,
    model: text,
    /** What the decider reads; null: it was too long to keep. */
    sealed_request: text.orNull,
    request_bytes: integer,
    status: text.of<ApprovalStatus>(),
    decided_by: jsonb.of<Author>().orNull,
    reason: text.orNull,
    decided_at: time.orNull,
    expires_at: time,
    created_at: time,
  },
  indexes: ['(account_id, created_at DESC, approval_id DESC)', "(expires_at) WHERE status = 'pending'", '(decided_at)'],
})
export type ApprovalRow = RowOf<typeof approvals>

const decided = (
  data: { approvalId: string; occurredAt: string },
  values: Partial<Omit<WrittenOf<typeof approvals>, 'approval_id'>>,
) => [patch(approvals, snake(data, 'approvalId'), { ...values, decided_at: data.occurredAt })]

export const approvalProjection = defineProjection<ApprovalEvent>({
  name: 'rungate.approval',
  version: 1,
  onPoison: 'park',
  tables: [approvals],
  handlers: {
    'rungate.ApprovalRequested.v1': ({ data }) => {
      const { occurred_at: created_at, ...facts } = snake(data)
      const undecided = { status: 'pending', decided_by: null, reason: null, decided_at: null } as const
      return [upsert(approvals, { ...facts, ...undecided, created_at })]
    },
    'rungate.ApprovalApproved.v1': ({ data }) => decided(data, { status: 'approved', decided_by: data.author }),
    'rungate.ApprovalRejected.v1': ({ data }) =>
      decided(data, { status: 'rejected', decided_by: data.author, reason: data.reason }),
    'rungate.ApprovalExpired.v1': ({ data }) => decided(data, { status: 'expired' }),
  },
})

export const findApproval = preparedOne((db, accountId: string, approvalId: string) =>
  db
    .selectFrom('rungate_approvals')
    .selectAll()
    .where('account_id', '=', accountId)
    .where('approval_id', '=', approvalId),
)

interface Filter {
  accountId: string
  agentId?: string | undefined
  runId?: string | undefined
  status?: ApprovalStatus | undefined
  /** A request that is past its time by then has expired, whether or not that is recorded yet. */
  now: string
}

/** The newest first. */
export const approvalsOf: Query<'rungate_approvals', Filter> = (db, { accountId, agentId, runId, status, now }) => {
  let query = rungateTables(db).selectFrom('rungate_approvals').selectAll().where('account_id', '=', accountId)
  if (agentId !== undefined) query = query.where('agent_id', '=', agentId)
  if (runId !== undefined) query = query.where('run_id', '=', runId)
  const isOver = sql<boolean>`(status = 'pending' AND expires_at <= ${now}::timestamptz)`
  if (status === 'expired') query = query.where((of) => of.or([of('status', '=', status), isOver]))
  else if (status !== undefined) query = query.where('status', '=', status).where((of) => of.not(isOver))
  return query.orderBy('created_at', 'desc').orderBy('approval_id', 'desc')
}

/** Requests that nobody decided on in time, or before their run ended. */
export async function dueApprovals(
  db: ReadModels,
  now: Date,
  limit: number,
): Promise<{ approvalId: string; accountId: string; hasRunEnded: boolean }[]> {
  const { rows } = await sql<{ approval_id: string; account_id: string; has_run_ended: boolean }>`
    SELECT a.approval_id, a.account_id, ended.run_id IS NOT NULL AS has_run_ended
    FROM rungate_approvals AS a
      LEFT JOIN rungate_runs AS ended ON ended.run_id = a.run_id AND ended.ended_at IS NOT NULL
    WHERE a.status = 'pending' AND (a.expires_at <= ${now.toISOString()}::timestamptz OR ended.run_id IS NOT NULL)
    ORDER BY a.expires_at LIMIT ${limit}`.execute(db)
  return rows.map(({ approval_id: approvalId, account_id: accountId, has_run_ended: hasRunEnded }) => ({
    ...{ approvalId, accountId, hasRunEnded },
  }))
}

/** Requests that were decided before a time and can still be read, since their key in the vault is there. */
export async function decidedApprovals(
  db: ReadModels,
  { kind, until }: { kind: string; until: Date },
  limit: number,
): Promise<{ approvalId: string; accountId: string }[]> {
  const { rows } = await sql<{ approval_id: string; account_id: string }>`SELECT approval_id, account_id
    FROM rungate_approvals AS a WHERE decided_at < ${until.toISOString()}::timestamptz
      AND EXISTS (SELECT FROM vault.keys AS k
        WHERE k.kind = ${kind} AND k.id = a.approval_id::text AND k.wrapped_key IS NOT NULL)
    ORDER BY decided_at LIMIT ${limit}`.execute(db)
  return rows.map(({ approval_id: approvalId, account_id: accountId }) => ({ approvalId, accountId }))
}
