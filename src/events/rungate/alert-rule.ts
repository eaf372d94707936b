/** Facts of an alert rule: what is watched, and when it went off. Stream `rungate.alertRule-<id>`. */
import { z } from 'zod'
import type { EventOf } from '../event.ts'
import { author, time, usd, uuid, visibility } from './vocabulary.ts'

const ofRule = { accountId: uuid, ruleId: uuid, occurredAt: time }
const minutes = z.int().positive()
const percent = z.number().positive()

/** What is watched, of the calls of one agent or of all of the account. */
export const alertCondition = z.discriminatedUnion('type', [
  z.object({ type: z.literal('cost_threshold'), thresholdUsd: usd, windowMinutes: minutes }),
  z.object({
    ...{ type: z.literal('error_rate'), thresholdPct: percent, windowMinutes: minutes },
    minRequests: z.int().positive(),
  }),
  z.object({
    ...{ type: z.literal('failover_rate'), thresholdPct: percent, windowMinutes: minutes },
    minRequests: z.int().positive(),
  }),
  /** Of the requests or the tokens that the agent's policy allows within a minute. */
  z.object({ type: z.literal('rate_limit_approaching'), thresholdPct: percent }),
  z.object({ type: z.literal('approval_pending_timeout'), timeoutMinutes: minutes }),
])
export type AlertCondition = z.infer<typeof alertCondition>

/** All that may be changed of a rule, whole. */
export const alertRuleFacts = z.object({
  name: z.string(),
  description: z.string().nullable(),
  /** Null: all agents of the account. */
  agentId: uuid.nullable(),
  condition: alertCondition,
  cooldownSeconds: z.int().min(0),
  scope: visibility,
})
export type AlertRuleFacts = z.infer<typeof alertRuleFacts>

export const alertRuleEvents = {
  'rungate.AlertRuleCreated.v1': z.object({ ...ofRule, author, memberId: uuid.nullable(), rule: alertRuleFacts }),
  'rungate.AlertRuleChanged.v1': z.object({ ...ofRule, author, rule: alertRuleFacts }),
  'rungate.AlertRuleEnabled.v1': z.object({ ...ofRule, author }),
  'rungate.AlertRuleDisabled.v1': z.object({ ...ofRule, author }),
  'rungate.AlertRuleDeleted.v1': z.object({ ...ofRule, author }),
  /** At most once within the rule's cooldown. */
  'rungate.AlertTriggered.v1': z.object({
    ...ofRule,
    rule: alertRuleFacts,
    /** The figure that met the condition: US dollars, percent, or minutes, as decimal text. */
    observed: usd,
  }),
}
export type AlertRuleEvent = EventOf<typeof alertRuleEvents>
export type AlertRuleCreation = Extract<AlertRuleEvent, { type: 'rungate.AlertRuleCreated.v1' }>['data']

export const alertConditionTypes = [
  ...(['cost_threshold', 'error_rate', 'failover_rate', 'rate_limit_approaching'] as const),
  'approval_pending_timeout',
] as const satisfies readonly AlertCondition['type'][]
