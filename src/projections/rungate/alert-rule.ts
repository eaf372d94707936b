/** Alert rules, and which of them have met their condition now. */
import { type RawBuilder, type SqlBool, sql } from 'kysely'
import type { AlertCondition, AlertRuleEvent, AlertRuleFacts } from '../../events/rungate/alert-rule.ts'
import type { Author, Visibility } from '../../events/rungate/vocabulary.ts'
import type { ReadModels } from '../../postgres/database.ts'
import { snake } from '../../runtime/letter-case.ts'
import { integer, jsonb, text, time, uuid } from '../columns.ts'
import { defineProjection, defineTable, patch, type RowOf, remove, upsert, type WrittenOf } from '../projection.ts'
import { preparedOne, type Query, rungateTables } from './tables.ts'

export const alertRules = defineTable({
  name: 'rungate_alert_rules',
  key: ['rule_id'],
  columns: {
    rule_id: uuid,
    account_id: uuid,
    member_id: uuid.orNull,
    name: text,
    description: text.orNull,
    agent_id: uuid.orNull,
    condition_type: text.of<AlertCondition['type']>(),
    condition: jsonb.of<AlertCondition>(),
    cooldown_seconds: integer,
    scope: text.of<Visibility>(),
    status: text.of<'active' | 'disabled'>(),
    last_triggered_at: time.orNull,
    created_by: jsonb.of<Author>(),
    updated_by: jsonb.of<Author>(),
    created_at: time,
    updated_at: time,
  },
  indexes: ['(account_id, created_at DESC, rule_id DESC)', "(condition_type) WHERE status = 'active'"],
})
export type AlertRuleRow = RowOf<typeof alertRules>

/** The columns that show what a rule says. */
export const ruleColumns = ({ condition, ...rule }: AlertRuleFacts) => ({
  ...snake(rule),
  ...{ condition, condition_type: condition.type },
})

type Changed = { ruleId: string; author: Author; occurredAt: string }
const changed = (data: Changed, values: Partial<Omit<WrittenOf<typeof alertRules>, 'rule_id'>>) => [
  patch(alertRules, snake(data, 'ruleId'), { ...values, updated_by: data.author, updated_at: data.occurredAt }),
]

export const alertRuleProjection = defineProjection<AlertRuleEvent>({
  name: 'rungate.alertRule',
  version: 1,
  onPoison: 'park',
  tables: [alertRules],
  handlers: {
    'rungate.AlertRuleCreated.v1': ({ data }) => {
      const { author, occurredAt: at } = data
      const made = { created_by: author, updated_by: author, created_at: at, updated_at: at }
      const facts = { ...snake(data, 'ruleId', 'accountId', 'memberId'), ...ruleColumns(data.rule) }
      return [upsert(alertRules, { ...facts, ...made, status: 'active', last_triggered_at: null })]
    },
    'rungate.AlertRuleChanged.v1': ({ data }) => changed(data, ruleColumns(data.rule)),
    'rungate.AlertRuleEnabled.v1': ({ data }) => changed(data, { status: 'active' }),
    'rungate.AlertRuleDisabled.v1': ({ data }) => changed(data, { status: 'disabled' }),
    'rungate.AlertRuleDeleted.v1': ({ data }) => [remove(alertRules, snake(data, 'ruleId'))],
    'rungate.AlertTriggered.v1': ({ data }) => [
      patch(alertRules, snake(data, 'ruleId'), { last_triggered_at: data.occurredAt }),
    ],
  },
})

const seen = (memberId: string | null) => sql<SqlBool>`(scope = 'org' OR member_id = ${memberId}::text::uuid)`

export const findAlertRule = preparedOne((db, accountId: string, memberId: string | null, ruleId: string) =>
  db
    .selectFrom('rungate_alert_rules')
    .selectAll()
    .where('account_id', '=', accountId)
    .where('rule_id', '=', ruleId)
    .where(seen(memberId)),
)

interface Filter {
  accountId: string
  memberId: string | null
  agentId?: string | undefined
  conditionType?: AlertCondition['type'] | undefined
  status?: AlertRuleRow['status'] | undefined
}

/** Those that the member sees, the newest first. */
export const alertRulesOf: Query<'rungate_alert_rules', Filter> = (
  db,
  { accountId, memberId, agentId, conditionType, status },
) => {
  let query = rungateTables(db)
    .selectFrom('rungate_alert_rules')
    .selectAll()
    .where('account_id', '=', accountId)
    .where(seen(memberId))
  if (agentId !== undefined) query = query.where('agent_id', '=', agentId)
  if (conditionType !== undefined) query = query.where('condition_type', '=', conditionType)
  if (status !== undefined) query = query.where('status', '=', status)
  return query.orderBy('created_at', 'desc').orderBy('rule_id', 'desc')
}

/** A member's personal rules, at most `limit`. */
export async function personalRuleIdsOf(
  db: ReadModels,
  accountId: string,
  memberId: string,
  limit = 10_000,
): Promise<string[]> {
  const rows = await rungateTables(db)
    .selectFrom('rungate_alert_rules')
    .select('rule_id')
    .where('account_id', '=', accountId)
    .where('member_id', '=', memberId)
    .where('scope', '=', 'personal')
    .orderBy('rule_id')
    .limit(limit)
    .execute()
  return rows.map(({ rule_id }) => rule_id)
}

/** A rule that has met its condition, with the figure that does so. */
export interface MetRule {
  rule_id: string
  account_id: string
  observed: string
}

const ofStep = sql`s.account_id = r.account_id AND (r.agent_id IS NULL OR s.agent_id = r.agent_id)`
const figure = (name: string) => sql`(r.condition->>${sql.lit(name)})::numeric`
const windowOf = (now: RawBuilder<unknown>) => sql`${now} - make_interval(mins => ${figure('windowMinutes')}::integer)`

/** By the type of its condition: the figure of a rule `r`, and whether it meets the condition, at a time. */
const conditions: Record<
  AlertCondition['type'],
  (now: RawBuilder<unknown>) => { from: RawBuilder<unknown>; met: RawBuilder<unknown> }
> = {
  cost_threshold: (now) => ({
    from: sql`SELECT sum(s.cost_usd) AS observed FROM rungate_steps AS s
      WHERE ${ofStep} AND s.created_at >= ${windowOf(now)}`,
    met: sql`observed >= ${figure('thresholdUsd')}`,
  }),
  error_rate: (now) => rate(now, sql`s.status IN ('error', 'timeout')`),
  failover_rate: (now) => rate(now, sql`s.failover_attempts > 0`),
  rate_limit_approaching: (now) => ({
    from: sql`SELECT 100.0 * greatest(
        count(s.step_id) / nullif((p.settings->'rateLimits'->>'maxRequestsPerMinute')::numeric, 0),
        sum(s.input_tokens + s.output_tokens + s.cache_read_tokens + s.cache_creation_tokens)
          / nullif((p.settings->'rateLimits'->>'maxTokensPerMinute')::numeric, 0)) AS observed
      FROM rungate_agents AS a JOIN rungate_policies AS p ON p.policy_id = a.policy_id
        LEFT JOIN rungate_steps AS s ON s.account_id = a.account_id AND s.agent_id = a.agent_id
          AND s.policy_id = a.policy_id AND s.type IN ('llm_call', 'dry_run')
          AND s.status IN ('success', 'error', 'timeout') AND s.created_at >= ${now} - interval '1 minute'
      WHERE a.account_id = r.account_id AND a.agent_id = r.agent_id GROUP BY p.settings`,
    met: sql`observed >= ${figure('thresholdPct')}`,
  }),
  approval_pending_timeout: (now) => ({
    from: sql`SELECT extract(epoch FROM ${now} - min(s.created_at)) / 60 AS observed FROM rungate_approvals AS s
      WHERE ${ofStep} AND s.status = 'pending' AND s.expires_at > ${now}`,
    met: sql`observed >= ${figure('timeoutMinutes')}`,
  }),
}

/** Of calls and tool calls that were answered; fewer than the rule wants meet nothing. */
const rate = (now: RawBuilder<unknown>, part: RawBuilder<unknown>) => ({
  from: sql`SELECT 100.0 * count(*) FILTER (WHERE ${part}) / nullif(count(*), 0) AS observed, count(*) AS requests
    FROM rungate_steps AS s WHERE ${ofStep} AND s.created_at >= ${windowOf(now)}
      AND s.type IN ('llm_call', 'dry_run', 'tool_call') AND s.status IN ('success', 'error', 'timeout')`,
  met: sql`requests >= ${figure('minRequests')} AND observed >= ${figure('thresholdPct')}`,
})

/** Active rules of this type that meet their condition now, and whose cooldown is over. */
export async function metRules(
  db: ReadModels,
  type: AlertCondition['type'],
  at: Date,
  limit: number,
): Promise<MetRule[]> {
  const now = sql`${at.toISOString()}::timestamptz`
  const { from, met } = conditions[type](now)
  const { rows } = await sql<MetRule>`SELECT r.rule_id, r.account_id, trim_scale(round(observed, 6))::text AS observed
    FROM rungate_alert_rules AS r CROSS JOIN LATERAL (${from}) AS figures
    WHERE r.condition_type = ${type} AND r.status = 'active' AND ${met}
      AND (r.last_triggered_at IS NULL
        OR r.last_triggered_at + make_interval(secs => r.cooldown_seconds) <= ${now})
    ORDER BY r.last_triggered_at NULLS FIRST, r.rule_id LIMIT ${limit}`.execute(db)
  return rows
}
