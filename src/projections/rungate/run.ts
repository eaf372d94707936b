/** Runs: a row for each, with the totals that its events say. */
import { sql } from 'kysely'
import type { RunStatus, RunTotals } from '../../events/rungate/call-facts.ts'
import type { CleanupEvent } from '../../events/rungate/cleanup.ts'
import type { DeskEvent, DeskFacts } from '../../events/rungate/desk.ts'
import type { PolicySettings } from '../../events/rungate/policy-settings.ts'
import type { ReadModels } from '../../postgres/database.ts'
import { snake } from '../../runtime/letter-case.ts'
import { bigint, boolean, integer, jsonb, numeric, text, time, uuid } from '../columns.ts'
import { defineProjection, defineTable, patch, type RowOf, remove, upsert, type WrittenOf } from '../projection.ts'
import { isFailover } from './step.ts'
import { rungateTables } from './tables.ts'
import { tokenColumns } from './tokens.ts'

export type Outcome = 'success' | 'partial' | 'failed'

export const runs = defineTable({
  name: 'rungate_runs',
  key: ['run_id'],
  columns: {
    run_id: uuid,
    account_id: uuid,
    agent_id: uuid,
    agent_name: text,
    /** Whose agent it was. */
    member_id: uuid.orNull,
    policy_id: uuid,
    policy_name: text,
    policy_version: integer,
    /** The policy that it started with. */
    settings: jsonb.of<PolicySettings>(),
    hard_limit_usd: numeric.orNull,
    name: text.orNull,
    metadata: jsonb.of<Record<string, unknown>>(),
    creation_method: text.of<'explicit' | 'implicit' | 'sdk'>(),
    status: text.of<RunStatus>(),
    ended_reason: text.orNull,
    completion_reason: text.of<'explicit' | 'idle_timeout'>().orNull,
    outcome: text.of<Outcome>().orNull,
    outcome_reason: text.orNull,
    cost_usd: numeric,
    input_tokens: bigint,
    output_tokens: bigint,
    cache_read_tokens: bigint,
    cache_creation_tokens: bigint,
    step_count: integer,
    primary_model: text.orNull,
    has_governance_block: boolean,
    had_failover: boolean,
    /** When it passed a threshold of its policy. */
    alert_at: time.orNull,
    last_step_at: time.orNull,
    force_stop_lifted_at: time.orNull,
    started_at: time,
    ended_at: time.orNull,
  },
  indexes: [
    '(account_id, policy_id, started_at)',
    "(account_id) WHERE status = 'running'",
    '(account_id, started_at DESC, run_id DESC)',
    '(agent_id, started_at DESC, run_id DESC)',
    '(account_id, ended_at)',
  ],
})
export type RunRow = RowOf<typeof runs>

type Written = WrittenOf<typeof runs>
type OfRun = { runId: string }

/** The columns that show a run's figures. */
export const runFiguresOf = ({ tokens, ...totals }: RunTotals) => ({ ...snake(totals), ...tokenColumns(tokens) })

const changed = (data: OfRun, values: Partial<Omit<Written, 'run_id'>>) => [patch(runs, snake(data, 'runId'), values)]
const counted = ({ data }: { data: OfRun & { run: RunTotals } }) => changed(data, runFiguresOf(data.run))

const NOTHING_YET: RunTotals = {
  ...{ costUsd: '0', tokens: { input: 0, output: 0, cacheRead: 0, cacheCreation: 0 }, stepCount: 0 },
  ...{ primaryModel: null, hasGovernanceBlock: false, lastStepAt: null },
}

/** A run right after its start. */
export function startedRun(data: DeskFacts<'rungate.RunStarted.v1'>): RunRow {
  const { occurred_at: started_at, ...facts } = snake(data)
  return {
    ...{ ...facts, started_at, ...runFiguresOf(NOTHING_YET) },
    ...{ hard_limit_usd: data.settings.budget.hardLimitUsd, status: 'running', had_failover: false },
    ...{ ended_reason: null, completion_reason: null, outcome: null, outcome_reason: null },
    ...{ alert_at: null, force_stop_lifted_at: null, ended_at: null },
  }
}

/** The columns that show how a run ended. */
export const endedColumns = (data: DeskFacts<'rungate.RunEnded.v1'>) => ({
  ...snake(data, 'name', 'status', 'endedReason', 'completionReason', 'outcome', 'outcomeReason', 'metadata'),
  ...{ ...runFiguresOf(data.run), ended_at: data.occurredAt },
})

export const runProjection = defineProjection<DeskEvent | CleanupEvent>({
  name: 'rungate.run',
  version: 2,
  onPoison: 'halt',
  tables: [runs],
  handlers: {
    'rungate.RunStarted.v1': ({ data }) => [upsert(runs, startedRun(data))],
    'rungate.CallReserved.v1': counted,
    'rungate.CallSettled.v1': ({ data }) =>
      changed(data, { ...runFiguresOf(data.run), ...(isFailover(data) && { had_failover: true }) }),
    'rungate.CallBlocked.v1': counted,
    'rungate.CallsBlocked.v1': counted,
    'rungate.CallExpired.v1': counted,
    'rungate.ToolCallLogged.v1': counted,
    'rungate.AlertThresholdReached.v1': ({ data }) =>
      changed(data, { ...runFiguresOf(data.run), alert_at: data.occurredAt }),
    'rungate.RunAnnotated.v1': ({ data }) => {
      const { name, outcome, outcomeReason, metadata } = data
      return changed(data, {
        ...(name !== undefined && { name }),
        ...(outcome !== undefined && { outcome }),
        ...(outcomeReason !== undefined && { outcome_reason: outcomeReason }),
        ...(metadata !== undefined && { metadata }),
      })
    },
    'rungate.RunEnded.v1': ({ data }) => changed(data, endedColumns(data)),
    'rungate.ForceStopLifted.v1': ({ data }) => changed(data, { force_stop_lifted_at: data.occurredAt }),
    'rungate.OldDataDeleted.v1': ({ data }) => data.runIds.map((run_id) => remove(runs, { run_id })),
  },
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

/** Calls that a provider was asked for and tool calls of the account since a time, whether or not they failed. */
export async function stepsSince(db: ReadModels, accountId: string, since: string): Promise<number> {
  const { rows } = await sql<{ steps: number }>`SELECT count(*)::integer AS steps FROM rungate_steps
    WHERE account_id = ${accountId}::uuid AND created_at >= ${since}::timestamptz
      AND type IN ('llm_call', 'tool_call', 'post_completion_sweep')
      AND status IN ('success', 'error', 'timeout')`.execute(db)
  return rows[0]?.steps ?? 0
}

/** Runs of these agents that go on. */
export async function countRunningOf(db: ReadModels, accountId: string, agentIds: readonly string[]): Promise<number> {
  const { rows } = await sql<{ running: number }>`SELECT count(*)::integer AS running FROM rungate_runs
    WHERE account_id = ${accountId}::uuid AND status = 'running' AND agent_id = ANY(${agentIds}::uuid[])`.execute(db)
  return rows[0]?.running ?? 0
}
