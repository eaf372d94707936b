/** Runs, and the steps of a run, as lists show them: under a filter, sorted, in pages with the true total. */
import { type SelectQueryBuilder, sql } from 'kysely'
import type { RunStatus } from '../../events/rungate/call-facts.ts'
import type { ReadModels } from '../../postgres/database.ts'
import type { RunRow } from './run.ts'
import type { StepRow } from './step.ts'
import { preparedOne, type RungateTables, rungateTables } from './tables.ts'

export const findRun = preparedOne((db, accountId: string, runId: string) =>
  db.selectFrom('rungate_runs').selectAll().where('account_id', '=', accountId).where('run_id', '=', runId),
)

/** The latest running run of an agent. */
export const currentRun = preparedOne((db, accountId: string, agentId: string) =>
  db
    .selectFrom('rungate_runs')
    .selectAll()
    .where('account_id', '=', accountId)
    .where('agent_id', '=', agentId)
    .where('status', '=', 'running')
    .orderBy('started_at', 'desc')
    .orderBy('run_id', 'desc')
    .limit(1),
)

export const RUN_SORTS = ['started_at', 'ended_at', 'cost_usd', 'status', 'step_count', 'name'] as const
export const STEP_SORTS = ['created_at', 'cost_usd', 'latency_ms', 'status', 'type', 'model', 'provider'] as const

/** How a list is sorted and cut. */
export interface Cut<Sort extends string> {
  sort: Sort
  order: 'asc' | 'desc'
  limit: number
  offset: number
}
export interface Listed<Row> {
  rows: Row[]
  /** Of the whole filter. */
  total: number
}

export interface RunFilter {
  accountId: string
  agentId?: string | undefined
  status?: RunStatus | 'failed' | undefined
  /** Of the start; `until` is exclusive. */
  since?: string | undefined
  until?: string | undefined
  hadGovernanceBlock?: boolean | undefined
  hadFailover?: boolean | undefined
}

export async function listRuns(
  db: ReadModels,
  { accountId, agentId, status, since, until, hadGovernanceBlock, hadFailover }: RunFilter,
  cut: Cut<(typeof RUN_SORTS)[number]>,
): Promise<Listed<RunRow>> {
  let query = rungateTables(db).selectFrom('rungate_runs').where('account_id', '=', accountId)
  if (agentId !== undefined) query = query.where('agent_id', '=', agentId)
  if (status !== undefined) query = query.where('status', '=', status as RunStatus)
  if (since !== undefined) query = query.where('started_at', '>=', since)
  if (until !== undefined) query = query.where('started_at', '<', until)
  if (hadGovernanceBlock !== undefined) query = query.where('has_governance_block', '=', hadGovernanceBlock)
  if (hadFailover !== undefined) query = query.where('had_failover', '=', hadFailover)
  return page<'rungate_runs', RunRow>(query, cut, ['started_at', 'run_id'])
}

/** The steps of a run; where they are sorted by nothing else, in the order in which they began. */
export async function listSteps(
  db: ReadModels,
  { accountId, runId }: { accountId: string; runId: string },
  cut: Cut<(typeof STEP_SORTS)[number]>,
): Promise<Listed<StepRow>> {
  const query = rungateTables(db)
    .selectFrom('rungate_steps')
    .where('account_id', '=', accountId)
    .where('run_id', '=', runId)
  return page<'rungate_steps', StepRow>(query, cut, ['created_at', 'ordinal', 'step_id', 'part'])
}

type Selecting<Name extends keyof RungateTables> = SelectQueryBuilder<RungateTables, Name, object>

/** `then`: columns that put rows with equal values in order. Rows without a value stand last either way. */
async function page<Name extends keyof RungateTables, Row>(
  query: Selecting<Name>,
  { sort, order, limit, offset }: Cut<string>,
  then: readonly string[],
): Promise<Listed<Row>> {
  const direction = sql.raw(order === 'asc' ? 'ASC' : 'DESC')
  const columns = [sort, ...then.filter((column) => column !== sort)].map(
    (column) => sql`${sql.ref(column)} ${direction} NULLS LAST`,
  )
  const [rows, counted] = await Promise.all([
    query.selectAll().orderBy(sql.join(columns)).limit(limit).offset(offset).execute(),
    query.select(sql<string>`count(*)`.as('total')).executeTakeFirstOrThrow(),
  ])
  return { rows: rows as unknown as Row[], total: Number((counted as { total: string }).total) }
}

export interface GovernanceCount {
  type: string
  count: number
}

/** How often each kind of refusal met a run, the most frequent first. */
export async function governanceEvents(db: ReadModels, accountId: string, runId: string): Promise<GovernanceCount[]> {
  const { rows } = await sql<GovernanceCount>`SELECT code AS type, sum(count)::integer AS count FROM (
      SELECT code, 1 AS count FROM rungate_steps
        WHERE run_id = ${runId}::uuid AND account_id = ${accountId}::uuid AND code IS NOT NULL
      UNION ALL
      SELECT code, count FROM rungate_refusals WHERE run_id = ${runId}::uuid AND account_id = ${accountId}::uuid
    ) AS each GROUP BY code ORDER BY count DESC, type`.execute(db)
  return rows
}
