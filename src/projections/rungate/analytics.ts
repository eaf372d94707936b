/**
 * Figures of an account's steps: sums, rates and percentiles over the rows themselves, by group and by period. Windows are bounded by
 * those who ask, and every statement by the pool's timeout. Blocked steps count as errors alone. Amounts are text.
 */
import { type RawBuilder, sql } from 'kysely'
import type { ReadModels } from '../../postgres/database.ts'

export type Grouping = 'agent' | 'provider' | 'model' | 'provider_key' | 'day'
export type Granularity = 'hour' | 'day' | 'week'

export interface Asked {
  accountId: string
  /** `until` is exclusive. */
  since: string
  until: string
  agentId?: string | undefined
  provider?: string | undefined
  model?: string | undefined
}

export interface Grouped extends Asked {
  groupBy: Grouping
  granularity?: Granularity | undefined
  limit: number
  offset: number
}

interface Group {
  group: string
  /** RFC 3339; null without a granularity. */
  period: string | null
  total: string
}

/** The start of a row's hour, day or ISO week, in UTC. */
const startOf = (granularity: Granularity, column: string) =>
  sql`date_trunc(${sql.lit(granularity)}, ${sql.ref(column)}, 'UTC')`

const groups: Record<Grouping, RawBuilder<unknown>> = {
  agent: sql`agent_id::text`,
  provider: sql`provider`,
  model: sql`model`,
  provider_key: sql`provider_key_id::text`,
  day: sql`to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD')`,
}

/** Calls and tool calls; what is about their attempts has rows of its own, which would count twice. */
const COUNTED = sql`type IN ('llm_call', 'dry_run', 'tool_call')`
const ANSWERED = sql`status IN ('success', 'error', 'timeout')`
const ALL_TOKENS = sql`input_tokens + output_tokens + cache_read_tokens + cache_creation_tokens`

function within({ accountId, since, until, agentId, provider, model }: Asked): RawBuilder<unknown> {
  const conditions = [
    sql`account_id = ${accountId}::uuid`,
    sql`created_at >= ${since}::timestamptz`,
    sql`created_at < ${until}::timestamptz`,
    COUNTED,
    ...(agentId === undefined ? [] : [sql`agent_id = ${agentId}::uuid`]),
    ...(provider === undefined ? [] : [sql`provider = ${provider}`]),
    ...(model === undefined ? [] : [sql`model = ${model}`]),
  ]
  return sql.join(conditions, sql` AND `)
}

interface Figures {
  figures: RawBuilder<unknown>
  only?: RawBuilder<unknown>
  /** The column by which the greatest comes first. */
  order: string
  /** What the steps are joined with. */
  beside?: RawBuilder<unknown>
}

/** A page of groups with their figures; the greatest first by `order`, equal ones by name. `total` counts all groups. */
async function grouped<Row extends object>(
  db: ReadModels,
  asked: Grouped,
  { figures, only, order, beside }: Figures,
): Promise<{ rows: (Row & Group)[]; total: number }> {
  const { groupBy, granularity, limit, offset } = asked
  const group = groups[groupBy]
  const period = granularity ? startOf(granularity, 'created_at') : sql`NULL::timestamptz`
  const conditions = [within(asked), sql`${group} IS NOT NULL`, ...(only ? [only] : [])]
  const found = sql`SELECT ${group} AS "group", ${period} AS period, ${figures}
    FROM rungate_steps ${beside ?? sql``} WHERE ${sql.join(conditions, sql` AND `)} GROUP BY 1, 2`
  const sorted = sql`ORDER BY period NULLS FIRST, ${sql.ref(order)} DESC, "group"`
  const { rows } = await sql<Row & Group>`WITH found AS MATERIALIZED (${found}),
      cut AS (SELECT * FROM found ${sorted} LIMIT ${limit} OFFSET ${offset})
    SELECT counted.total, cut.* FROM (SELECT count(*) AS total FROM found) AS counted LEFT JOIN cut ON true
    ${sorted}`.execute(db)
  return { rows: rows.filter((row) => row.group !== null), total: Number(rows[0]?.total ?? 0) }
}

export interface CostRow {
  total_cost_usd: string
  total_tokens: string
  request_count: number
}
export const costsBy = (db: ReadModels, asked: Grouped) =>
  grouped<CostRow>(db, asked, {
    figures: sql`sum(cost_usd) AS total_cost_usd, sum(${ALL_TOKENS}) AS total_tokens, count(*)::integer AS request_count`,
    only: ANSWERED,
    order: 'total_cost_usd',
  })

export interface LatencyRow {
  p50_ms: number
  p95_ms: number
  p99_ms: number
  avg_ms: number
  request_count: number
}
const percentile = (part: number) => sql`percentile_cont(${sql.lit(part)}) WITHIN GROUP (ORDER BY latency_ms)`
export const latencyBy = (db: ReadModels, asked: Grouped) =>
  grouped<LatencyRow>(db, asked, {
    figures: sql`${percentile(0.5)} AS p50_ms, ${percentile(0.95)} AS p95_ms, ${percentile(0.99)} AS p99_ms,
      avg(latency_ms)::float8 AS avg_ms, count(*)::integer AS request_count`,
    only: ANSWERED,
    order: 'request_count',
  })

export interface ErrorRow {
  total_requests: number
  success_count: number
  error_count: number
  timeout_count: number
  budget_blocked_count: number
  policy_blocked_count: number
  approval_pending_count: number
  error_rate_pct: number
  failover_count: number
  avg_failover_attempts: number
}
const counting = (status: string) => sql`(count(*) FILTER (WHERE status = ${sql.lit(status)}))::integer`
const percentOf = (part: RawBuilder<unknown>) =>
  sql`coalesce(100.0 * count(*) FILTER (WHERE ${part}) / nullif(count(*) FILTER (WHERE ${ANSWERED}), 0), 0)::float8`
const FAILOVERS = sql`(count(*) FILTER (WHERE failover_attempts > 0))::integer`
/** Approvals that a step asked for, in a column of its own. */
const approvalsOfSteps = ({ accountId, since }: Asked) => sql`LEFT JOIN (
    SELECT step_id, count(*) AS approvals FROM rungate_approvals AS asked_for
    WHERE asked_for.account_id = ${accountId}::uuid AND asked_for.created_at >= ${since}::timestamptz - interval '1 hour'
    GROUP BY 1) AS approving USING (step_id)`
export const errorsBy = (db: ReadModels, asked: Grouped) =>
  grouped<ErrorRow>(db, asked, {
    beside: approvalsOfSteps(asked),
    figures: sql`count(*)::integer AS total_requests, ${counting('success')} AS success_count,
      ${counting('error')} AS error_count, ${counting('timeout')} AS timeout_count,
      ${counting('budget_blocked')} AS budget_blocked_count, ${counting('policy_blocked')} AS policy_blocked_count,
      coalesce(sum(approvals), 0)::integer AS approval_pending_count,
      ${percentOf(sql`status IN ('error', 'timeout')`)} AS error_rate_pct, ${FAILOVERS} AS failover_count,
      coalesce(avg(failover_attempts) FILTER (WHERE failover_attempts > 0), 0)::float8 AS avg_failover_attempts`,
    order: 'total_requests',
  })

export interface ThroughputRow {
  request_count: number
  input_tokens: string
  output_tokens: string
  cache_read_tokens: string
  cache_creation_tokens: string
  total_tokens: string
  total_cost_usd: string
}
export const throughputBy = (db: ReadModels, asked: Grouped) =>
  grouped<ThroughputRow>(db, asked, {
    figures: sql`count(*)::integer AS request_count, sum(input_tokens) AS input_tokens, sum(output_tokens) AS output_tokens,
      sum(cache_read_tokens) AS cache_read_tokens, sum(cache_creation_tokens) AS cache_creation_tokens,
      sum(${ALL_TOKENS}) AS total_tokens, sum(cost_usd) AS total_cost_usd`,
    only: ANSWERED,
    order: 'request_count',
  })

export interface ReliabilityRow {
  total_requests: number
  success_count: number
  error_count: number
  success_rate_pct: number
  avg_latency_ms: number
  p50_latency_ms: number
  p95_latency_ms: number
  failover_count: number
  total_cost_usd: string
}
/** Timeouts count as errors. */
export const reliabilityBy = (db: ReadModels, asked: Omit<Grouped, 'groupBy'>) =>
  grouped<ReliabilityRow>(
    db,
    { ...asked, groupBy: 'provider' },
    {
      figures: sql`count(*)::integer AS total_requests, ${counting('success')} AS success_count,
        (count(*) FILTER (WHERE status IN ('error', 'timeout')))::integer AS error_count,
        ${percentOf(sql`status = 'success'`)} AS success_rate_pct, avg(latency_ms)::float8 AS avg_latency_ms,
        ${percentile(0.5)} AS p50_latency_ms, ${percentile(0.95)} AS p95_latency_ms, ${FAILOVERS} AS failover_count,
        sum(cost_usd) AS total_cost_usd`,
      only: ANSWERED,
      order: 'total_requests',
    },
  )

export type Metric = 'spend' | 'requests' | 'tokens' | 'latency_p95' | 'errors'
export type Entity = 'agent' | 'model' | 'provider'

const metrics: Record<Metric, RawBuilder<unknown>> = {
  spend: sql`sum(cost_usd)::text`,
  requests: sql`count(*)::text`,
  tokens: sql`sum(${ALL_TOKENS})::text`,
  latency_p95: sql`(${percentile(0.95)})::text`,
  errors: sql`(count(*) FILTER (WHERE status IN ('error', 'timeout')))::text`,
}

/** Entities by a figure, the greatest first, equal ones by name. Values are text. */
export async function topOf(
  db: ReadModels,
  asked: Asked & { metric: Metric; entity: Entity; limit: number },
): Promise<{ rows: { entity: string; value: string }[]; total: number }> {
  const { metric, entity, limit } = asked
  const { rows } = await sql<{ entity: string; value: string; total: string }>`WITH found AS (
      SELECT ${groups[entity]} AS entity, ${metrics[metric]} AS value FROM rungate_steps
      WHERE ${within(asked)} AND ${ANSWERED} GROUP BY 1)
    SELECT entity, value, count(*) OVER () AS total FROM found
    ORDER BY value::numeric DESC, entity LIMIT ${limit}`.execute(db)
  return { rows: rows.map(({ total: _, ...row }) => row), total: Number(rows[0]?.total ?? 0) }
}
