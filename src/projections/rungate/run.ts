/** Runs: a row for each, with its totals. */
import { sql } from 'kysely'
import type { ReadModels } from '../../postgres/database.ts'
import { integer, numeric, text, time, uuid } from '../columns.ts'
import { defineProjection, defineTable } from '../projection.ts'
import { rungateTables } from './tables.ts'

export const runs = defineTable({
  name: 'rungate_runs',
  key: ['run_id'],
  columns: {
    run_id: uuid,
    account_id: uuid,
    agent_id: uuid,
    policy_id: uuid,
    name: text.orNull,
    status: text.of<'running' | 'completed' | 'failed' | 'budget_exceeded' | 'force_stopped'>(),
    cost_usd: numeric,
    step_count: integer,
    /** Of the policy that it started with. */
    hard_limit_usd: numeric.orNull,
    started_at: time,
    ended_at: time.orNull,
  },
  indexes: ['(account_id, policy_id, started_at)', "(account_id) WHERE status = 'running'"],
})

export const runProjection = defineProjection({
  name: 'rungate.run',
  version: 1,
  onPoison: 'halt',
  tables: [runs],
  handlers: {},
})

/** Of the whole installation. */
export async function countRunning(db: ReadModels): Promise<number> {
  const { count } = await rungateTables(db)
    .selectFrom('rungate_runs')
    .select((of) => of.fn.countAll<string>().as('count'))
    .where('status', '=', 'running')
    .executeTakeFirstOrThrow()
  return Number(count)
}

/** Runs of a policy that started in a window; its end is exclusive. */
export interface PolicyWindow {
  accountId: string
  policyId: string
  since?: string | undefined
  until?: string | undefined
}

const within = ({ accountId, policyId, since = '-infinity', until = 'infinity' }: PolicyWindow) =>
  sql`account_id = ${accountId}::uuid AND policy_id = ${policyId}::uuid
    AND started_at >= ${since}::timestamptz AND started_at < ${until}::timestamptz`

/** Amounts and averages as text; null where no run qualifies. */
export interface PolicyFigures {
  total_runs: number
  total_spend_usd: string
  avg_cost_per_run_usd: string | null
  avg_steps_per_run: number | null
  avg_duration_ms: number | null
  success_rate: number | null
  budget_utilization: number | null
}

export async function policyFigures(db: ReadModels, window: PolicyWindow): Promise<PolicyFigures> {
  const { rows } = await sql<PolicyFigures>`SELECT count(*)::integer AS total_runs,
      coalesce(sum(cost_usd), 0)::text AS total_spend_usd,
      trim_scale(avg(cost_usd))::text AS avg_cost_per_run_usd,
      round(avg(step_count))::integer AS avg_steps_per_run,
      avg(extract(epoch FROM ended_at - started_at) * 1000)::float8 AS avg_duration_ms,
      (count(*) FILTER (WHERE status = 'completed'))::float8
        / nullif(count(*) FILTER (WHERE ended_at IS NOT NULL), 0) AS success_rate,
      avg(cost_usd / nullif(hard_limit_usd, 0))::float8 AS budget_utilization
    FROM rungate_runs WHERE ${within(window)}`.execute(db)
  const [figures] = rows
  if (!figures) throw new Error('an aggregate without groups has a row')
  return figures
}

export interface CostPoint {
  run_id: string
  name: string | null
  cost_usd: string
  step_count: number
  started_at: string
  total: string
}

/** Ended runs, the oldest first; `total` counts them all. */
export async function costTrend(db: ReadModels, window: PolicyWindow, limit: number): Promise<CostPoint[]> {
  const { rows } = await sql<CostPoint>`SELECT run_id, name, cost_usd::text AS cost_usd, step_count, started_at,
      count(*) OVER () AS total
    FROM rungate_runs WHERE ${within(window)} AND ended_at IS NOT NULL
    ORDER BY started_at, run_id LIMIT ${limit}`.execute(db)
  return rows
}

/** By agent. */
export async function agentFigures(db: ReadModels, accountId: string) {
  const { rows } = await sql<{ agent_id: string; total_spend: string; total_runs: number }>`SELECT agent_id,
      sum(cost_usd)::text AS total_spend, count(*)::integer AS total_runs
    FROM rungate_runs WHERE account_id = ${accountId}::uuid GROUP BY agent_id`.execute(db)
  return rows
}

/** Steps of the account since a time: those of the runs that have started since. */
export async function stepsSince(db: ReadModels, accountId: string, since: string): Promise<number> {
  const { rows } = await sql<{ steps: number }>`SELECT coalesce(sum(step_count), 0)::integer AS steps
    FROM rungate_runs WHERE account_id = ${accountId}::uuid AND started_at >= ${since}::timestamptz`.execute(db)
  return rows[0]?.steps ?? 0
}

/** Runs of these agents: those that go on, those that started since a time, and when the last of all started. */
export async function runsOfAgents(db: ReadModels, accountId: string, agentIds: readonly string[], since: string) {
  type Figures = { running: number; recent: number; last: string | null }
  const { rows } = await sql<Figures>`SELECT (count(*) FILTER (WHERE status = 'running'))::integer AS running,
      (count(*) FILTER (WHERE started_at >= ${since}::timestamptz))::integer AS recent, max(started_at) AS last
    FROM rungate_runs WHERE account_id = ${accountId}::uuid AND agent_id = ANY(${agentIds}::uuid[])`.execute(db)
  return rows[0] ?? { running: 0, recent: 0, last: null }
}
