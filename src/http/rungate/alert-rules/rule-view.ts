/** An alert rule as callers send and see it. What a condition takes depends on its type; other members are refused. */
import { z } from '@hono/zod-openapi'
import { type AlertRuleState, alertRuleNotFound } from '../../../commands/rungate/alert-rule.ts'
import { type AlertCondition, type AlertRuleFacts, alertConditionTypes } from '../../../events/rungate/alert-rule.ts'
import { visibility } from '../../../events/rungate/vocabulary.ts'
import { type AlertRuleRow, ruleColumns } from '../../../projections/rungate/alert-rule.ts'
import { snake } from '../../../runtime/letter-case.ts'
import { complaint } from '../../complaints.ts'
import { type FieldError, Problem } from '../../errors.ts'
import { nullableTimeOut, nullableUuidOut, recordOf, timeOut, uuid, uuidOut } from '../../schemas.ts'
import type { RungateCode } from '../errors.ts'
import { authors, authorsOf, decimalNumber, description, entityName, usdIn, whole } from '../schemas.ts'

const MINUTES_MAX = 43_200
const REQUESTS_MAX = 1_000_000_000
const COOLDOWN = { default: 300, max: 2_592_000 }

const minutes = whole(1, MINUTES_MAX)
const percent = z.number().refine((given) => given > 0 && given <= 1_000, 'must be above 0, at most 1000')
const requests = whole(1, REQUESTS_MAX)
const amount = usdIn.refine((given) => Number(given) > 0, 'must be above 0')

/** By type: what its configuration must have. */
const configs = {
  cost_threshold: z.strictObject({ threshold_usd: amount, window_minutes: minutes }),
  error_rate: z.strictObject({ threshold_pct: percent, window_minutes: minutes, min_requests: requests }),
  failover_rate: z.strictObject({ threshold_pct: percent, window_minutes: minutes, min_requests: requests }),
  rate_limit_approaching: z.strictObject({ threshold_pct: percent }),
  approval_pending_timeout: z.strictObject({ timeout_minutes: minutes }),
}

const MEMBERS_MAX = 20
const config = recordOf(z.unknown(), MEMBERS_MAX).openapi({ type: 'object' })

export const conditionType = z.enum(alertConditionTypes)
export const ruleInput = z
  .object({
    name: entityName,
    description: description.optional(),
    agent_id: uuid.optional(),
    condition_type: conditionType,
    condition_config: config.optional(),
    cooldown_seconds: whole(0, COOLDOWN.max).optional(),
    scope: visibility.optional(),
  })
  .openapi('CreateAlertRuleInput')
export type RuleInput = z.output<typeof ruleInput>

const refused = (errors: readonly FieldError[]) =>
  new Problem<RungateCode>('alert_condition_invalid', 'The condition does not fit its type.', { errors })

/** What the rule watches. Throws a Problem (400) where the configuration does not fit the type. */
function conditionOf({ condition_type: type, condition_config = {}, agent_id }: RuleInput): AlertCondition {
  if (type === 'rate_limit_approaching' && agent_id === undefined) {
    throw refused([{ pointer: '/agent_id', code: 'missing', detail: 'is needed for this type' }])
  }
  const parsed = configs[type].safeParse(condition_config, { error: complaint })
  if (!parsed.success) {
    throw refused(
      parsed.error.issues.map(({ path, message }) => ({
        ...{ pointer: `/${['condition_config', ...path].join('/')}`, code: 'invalid', detail: message },
      })),
    )
  }
  return { type, ...camelConfig(parsed.data) } as AlertCondition
}

const camelConfig = (of: object) =>
  Object.fromEntries(
    Object.entries(of).map(([name, value]) => [name.replaceAll(/_(\w)/g, (_, letter) => letter.toUpperCase()), value]),
  )

export const factsOf = (body: RuleInput, scope: AlertRuleFacts['scope']): AlertRuleFacts => ({
  ...{ name: body.name, description: body.description ?? null, agentId: body.agent_id ?? null },
  ...{ condition: conditionOf(body), cooldownSeconds: body.cooldown_seconds ?? COOLDOWN.default, scope },
})

export const ruleResponse = z
  .object({
    id: uuidOut,
    name: z.string(),
    description: z.string().nullable().optional(),
    org_id: nullableUuidOut.optional(),
    agent_id: nullableUuidOut.optional(),
    condition_type: conditionType,
    condition_config: z.looseObject({}),
    cooldown_seconds: z.int(),
    last_triggered_at: nullableTimeOut.optional(),
    status: z.enum(['active', 'disabled']),
    scope: visibility.optional(),
    member_id: z.string().nullable().optional(),
    ...authors,
    created_at: timeOut,
    updated_at: timeOut,
  })
  .openapi('AlertRule')

function configView({ type: _, ...config }: AlertCondition): Record<string, unknown> {
  const members = snake(config) as Record<string, unknown>
  const { threshold_usd: amountText } = members
  return typeof amountText === 'string' ? { ...members, threshold_usd: decimalNumber(amountText) } : members
}

export const ruleView = (row: AlertRuleRow): z.input<typeof ruleResponse> => ({
  ...{ id: row.rule_id, name: row.name, description: row.description, org_id: row.account_id, agent_id: row.agent_id },
  ...{ condition_type: row.condition_type, condition_config: configView(row.condition) },
  ...{ cooldown_seconds: row.cooldown_seconds, last_triggered_at: row.last_triggered_at, status: row.status },
  ...{ scope: row.scope, member_id: row.member_id, ...authorsOf(row) },
  ...{ created_at: row.created_at, updated_at: row.updated_at },
})

/** The row of a state. Throws where there is no rule. */
export function ruleRowOf(state: AlertRuleState): AlertRuleRow {
  if (state.status === 'absent' || state.status === 'deleted') throw alertRuleNotFound()
  const { created, rule, status, triggeredAt, updatedBy: updated_by, updatedAt: updated_at } = state
  const { author: created_by, occurredAt: created_at } = created
  return {
    ...{ ...snake(created, 'ruleId', 'accountId', 'memberId'), ...ruleColumns(rule), status },
    ...{ last_triggered_at: triggeredAt, created_by, updated_by, created_at, updated_at },
  }
}
