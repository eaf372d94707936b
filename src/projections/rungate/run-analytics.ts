/** Figures of an account's runs: how they ended, what they cost, a day at a glance, and what is old enough to be deleted. */
import { sql } from 'kysely'
import type { ReadModels } from '../../postgres/database.ts'
import type { Asked, Granularity } from './analytics.ts'

export interface RunFigures {
  period: string | null
  total_runs: number
  completed_count: number
  failed_count: number
  budget_exceeded_count: number
  force_stopped_count: number
  running_count: number
  completion_rate_pct: number
  avg_duration_ms: number
  avg_steps_per_run: number
  avg_cost_per_run: string
  total_cost_usd: string
}

type AskedRuns = Pick<Asked, 'accountId' | 'since' | 'until' | 'agentId'> & {
  granularity?: Granularity | undefined
  limit: number
  offset: number
}

const ended = (status: string) => sql`(count(*) FILTER (WHERE status = ${sql.lit(status)}))::integer`

/** Of runs that started in the window, by the period of their start; without a granularity one row, of all of them. */
export async function runFigures(
  db: ReadModels,
  { accountId, since, until, agentId, granularity, limit, offset }: AskedRuns,
): Promise<{ rows: RunFigures[]; total: number }> {
  const period = granularity ? sql`date_trunc(${sql.lit(granularity)}, started_at, 'UTC')` : sql`NULL::timestamptz`
  const ofAgent = agentId === undefined ? sql`` : sql`AND agent_id = ${agentId}::uuid`
  const { rows } = await sql<RunFigures & { groups: string }>`SELECT ${period} AS period, count(*) OVER () AS groups,
      count(*)::integer AS total_runs, ${ended('completed')} AS completed_count, ${ended('failed')} AS failed_count,
      ${ended('budget_exceeded')} AS budget_exceeded_count, ${ended('force_stopped')} AS force_stopped_count,
      ${ended('running')} AS running_count,
      coalesce(100.0 * count(*) FILTER (WHERE status = 'completed')
        / nullif(count(*) FILTER (WHERE status != 'running'), 0), 0)::float8 AS completion_rate_pct,
      coalesce(avg(extract(epoch FROM ended_at - started_at) * 1000), 0)::float8 AS avg_duration_ms,
      coalesce(avg(step_count), 0)::float8 AS avg_steps_per_run,
      trim_scale(coalesce(avg(cost_usd), 0))::text AS avg_cost_per_run,
      coalesce(sum(cost_usd), 0)::text AS total_cost_usd
    FROM rungate_runs WHERE account_id = ${accountId}::uuid
      AND started_at >= ${since}::timestamptz AND started_at < ${until}::timestamptz ${ofAgent}
    ${granularity ? sql`GROUP BY 1` : sql``} ORDER BY 1 LIMIT ${limit} OFFSET ${offset}`.execute(db)
  return { rows: rows.map(({ groups: _, ...row }) => row), total: Number(rows[0]?.groups ?? 0) }
}

export interface DayFigures {
  /** Agents that started a run. */
  agents: number
  runs: number
  completed: number
  ended: number
  spend: string
  tokens: string
}

/** Of runs that started, and of steps that began, within a time. */
export async function dayFigures(db: ReadModels, accountId: string, since: string, until: string): Promise<DayFigures> {
  const { rows } = await sql<DayFigures>`SELECT started.*, spent.* FROM (
      SELECT count(DISTINCT agent_id)::integer AS agents, count(*)::integer AS runs,
        (count(*) FILTER (WHERE status = 'completed'))::integer AS completed,
        (count(*) FILTER (WHERE status != 'running'))::integer AS ended
      FROM rungate_runs WHERE account_id = ${accountId}::uuid
        AND started_at >= ${since}::timestamptz AND started_at < ${until}::timestamptz
    ) AS started, (
      SELECT coalesce(sum(cost_usd), 0)::text AS spend,
        coalesce(sum(input_tokens + output_tokens + cache_read_tokens + cache_creation_tokens), 0)::text AS tokens
      FROM rungate_steps WHERE account_id = ${accountId}::uuid
        AND created_at >= ${since}::timestamptz AND created_at < ${until}::timestamptz
    ) AS spent`.execute(db)
  const [figures] = rows
  if (!figures) throw new Error('an aggregate without groups has a row')
  return figures
}

export interface OldData {
  runs: number
  steps: number
  ledger_entries: number
}

/** Runs that ended before a time, with their steps and entries. */
export async function countOldData(db: ReadModels, accountId: string, before: string): Promise<OldData> {
  const old = sql`SELECT run_id FROM rungate_runs WHERE account_id = ${accountId}::uuid AND ended_at < ${before}::timestamptz`
  const { rows } = await sql<OldData>`SELECT
      (SELECT count(*)::integer FROM (${old}) AS of) AS runs,
      (SELECT count(*)::integer FROM rungate_steps WHERE run_id IN (${old})) AS steps,
      (SELECT count(*)::integer FROM rungate_ledger WHERE run_id IN (${old})) AS ledger_entries`.execute(db)
  return rows[0] ?? { runs: 0, steps: 0, ledger_entries: 0 }
}

export interface OldRun {
  run_id: string
  steps: number
  ledger_entries: number
}

/** Runs that ended before a time, the oldest first, each with how much it has. */
export async function oldRuns(db: ReadModels, accountId: string, before: string, limit: number): Promise<OldRun[]> {
  const { rows } = await sql<OldRun>`SELECT run_id,
      (SELECT count(*)::integer FROM rungate_steps AS s WHERE s.run_id = r.run_id) AS steps,
      (SELECT count(*)::integer FROM rungate_ledger AS l WHERE l.run_id = r.run_id) AS ledger_entries
    FROM rungate_runs AS r WHERE account_id = ${accountId}::uuid AND ended_at < ${before}::timestamptz
    ORDER BY ended_at, run_id LIMIT ${limit}`.execute(db)
  return rows
}
