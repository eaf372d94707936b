/** POST, PUT and DELETE of alert rules, and their switch. */
import { z } from '@hono/zod-openapi'
import { deterministicId } from '../../../commands/identity.ts'
import { agent, agentNotFound } from '../../../commands/rungate/agent.ts'
import { alertRule } from '../../../commands/rungate/alert-rule.ts'
import { changeAlertRule, livingRule, deleteAlertRule as remove } from '../../../commands/rungate/alert-rules.ts'
import { createAlertRule as create } from '../../../commands/rungate/creating.ts'
import { json } from '../../answers.ts'
import { dashboard, type Operator, type RungateParts, write } from '../access.ts'
import { requireOwn, visibilityOf } from '../people/rights.ts'
import { dataOf, idParams } from '../schemas.ts'
import { factsOf, ruleInput, ruleResponse, ruleRowOf, ruleView } from './rule-view.ts'

const access = dashboard('write')
const tags = ['AlertRules']
const answers = { 200: json(dataOf(ruleResponse), 'The rule as it is now.') }
const BODY_MAX_BYTES = 16_384

/** Throws agent_not_found where the rule names no agent of the account. */
async function requireAgent({ bus }: Pick<RungateParts, 'bus'>, agentId: string | undefined, { accountId }: Operator) {
  if (agentId === undefined) return
  const found = await bus.current(agent, agentId)
  if (found.status === 'absent' || found.facts.accountId !== accountId) throw agentNotFound()
}

export const createAlertRule = write({
  path: '/api/alert-rules',
  id: 'createAlertRule',
  tags,
  summary: 'Make an alert rule',
  description: 'Makes a rule that goes off when its condition is met, at most once within its cooldown.',
  example: { condition_config: { threshold_usd: 5, window_minutes: 60 } },
  access,
  body: ruleInput,
  bodyMaxBytes: BODY_MAX_BYTES,
  answers: { 201: json(dataOf(ruleResponse), 'The rule.') },
  refuses: [
    ...(['name_taken', 'agent_not_found', 'alert_condition_invalid', 'visibility_refused'] as const),
    ...(['alert_rule_not_found', 'not_own'] as const),
  ],
  async handle({ principal, body, command, ...parts }) {
    const rule = factsOf(body, visibilityOf(principal, body.scope, '/scope'))
    await requireAgent(parts, body.agent_id, principal)
    const { accountId, memberId, author } = principal
    const ruleId = deterministicId('rungate.alertRule', command.commandId)
    const facts = { accountId, ruleId, memberId, author, rule, occurredAt: command.at }
    const handled = await create(parts.bus, facts, command)
    return { status: 201, body: { data: ruleView(ruleRowOf(handled.state)) }, handled }
  },
})

export const updateAlertRule = write({
  method: 'put',
  path: '/api/alert-rules/{id}',
  id: 'updateAlertRule',
  tags,
  summary: 'Change an alert rule',
  description: 'Replaces the whole rule; what is left out has its default.',
  example: { condition_config: { threshold_usd: 5, window_minutes: 60 } },
  access,
  params: idParams,
  body: ruleInput,
  bodyMaxBytes: BODY_MAX_BYTES,
  answers,
  refuses: [
    ...(['alert_rule_not_found', 'name_taken', 'agent_not_found', 'alert_condition_invalid'] as const),
    ...(['visibility_refused', 'not_own'] as const),
  ],
  async handle({ principal, params: { id }, body, command, ...parts }) {
    const { created, rule: before } = await livingRule(parts.bus, id, principal)
    requireOwn(principal, created)
    const rule = factsOf(body, body.scope === undefined ? before.scope : visibilityOf(principal, body.scope, '/scope'))
    await requireAgent(parts, body.agent_id, principal)
    const handled = await changeAlertRule(parts.bus, id, rule, principal, command)
    return { status: 200, body: { data: ruleView(ruleRowOf(handled.state)) }, handled }
  },
})

export const deleteAlertRule = write({
  method: 'delete',
  path: '/api/alert-rules/{id}',
  id: 'deleteAlertRule',
  tags,
  summary: 'Delete an alert rule',
  description: 'Deletes the rule; its name is free again.',
  access,
  params: idParams,
  answers: { 200: json(dataOf(z.object({ message: z.string() })), 'The rule is deleted.') },
  refuses: ['alert_rule_not_found', 'not_own'],
  async handle({ bus, principal, params: { id }, command }) {
    requireOwn(principal, (await livingRule(bus, id, principal)).created)
    const handled = await remove(bus, id, principal, command)
    return { status: 200, body: { data: { message: 'The alert rule is deleted.' } }, handled }
  },
})

const switching = (kind: 'enable' | 'disable', id: string, summary: string, description: string) =>
  write({
    path: `/api/alert-rules/{id}/${kind}`,
    ...{ id, tags, summary, description, access, params: idParams, answers },
    refuses: ['alert_rule_not_found', 'not_own'],
    async handle({ bus, principal, params: { id: ruleId }, command }) {
      requireOwn(principal, (await livingRule(bus, ruleId, principal)).created)
      const { accountId, memberId, author } = principal
      const wanted = { kind, accountId, memberId, author, at: command.at }
      const handled = await bus.handle(alertRule, ruleId, wanted, command)
      return { status: 200, body: { data: ruleView(ruleRowOf(handled.state)) }, handled }
    },
  })

export const enableAlertRule = switching(
  'enable',
  'enableAlertRule',
  'Enable an alert rule',
  'The rule is watched again. Harmless where it is already.',
)
export const disableAlertRule = switching(
  'disable',
  'disableAlertRule',
  'Disable an alert rule',
  'The rule goes off no more until it is enabled.',
)
