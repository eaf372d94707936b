/** GET /api/alert-rules and /api/alert-rules/{id}: the rules that the caller sees. */
import { z } from '@hono/zod-openapi'
import { alertRuleNotFound } from '../../../commands/rungate/alert-rule.ts'
import { alertConditionTypes } from '../../../events/rungate/alert-rule.ts'
import { alertRulesOf, findAlertRule } from '../../../projections/rungate/alert-rule.ts'
import { listed } from '../../../projections/rungate/tables.ts'
import { json } from '../../answers.ts'
import { boundedText } from '../../schemas.ts'
import { dashboard, read } from '../access.ts'
import { anyId, idOf } from '../runs/inputs.ts'
import { dataOf, idParams, listOfData } from '../schemas.ts'
import { ruleResponse, ruleView } from './rule-view.ts'

export const listAlertRules = read({
  path: '/api/alert-rules',
  id: 'listAlertRules',
  tags: ['AlertRules'],
  summary: 'The account’s alert rules',
  description: 'Answers with the alert rules that you see, newest first.',
  access: dashboard('read'),
  query: z.object({
    ...{ agent_id: anyId, condition_type: boundedText(100).optional() },
    status: z.enum(['active', 'disabled']).optional(),
  }),
  answer: json(listOfData(ruleResponse), 'The rules.'),
  async handle({ db, principal: { accountId, memberId }, query: { agent_id, condition_type, status } }) {
    const agentId = agent_id === undefined ? undefined : idOf(agent_id)
    const conditionType = alertConditionTypes.find((each) => each === condition_type)
    const isNone = (agent_id !== undefined && !agentId) || (condition_type !== undefined && !conditionType)
    if (isNone) return { data: [], total: 0 }
    const filter = { accountId, memberId, agentId, conditionType, status }
    const { rows, total } = await listed(db, alertRulesOf, filter)
    return { data: rows.map(ruleView), total }
  },
})

export const getAlertRule = read({
  path: '/api/alert-rules/{id}',
  id: 'getAlertRule',
  tags: ['AlertRules'],
  summary: 'An alert rule',
  description: 'Answers with one alert rule.',
  access: dashboard('read'),
  params: idParams,
  answer: json(dataOf(ruleResponse), 'The rule.'),
  refuses: ['alert_rule_not_found'],
  async handle({ db, principal: { accountId, memberId }, params: { id } }) {
    const found = await findAlertRule(db, accountId, memberId, id)
    if (!found) throw alertRuleNotFound()
    return { data: ruleView(found) }
  },
})
