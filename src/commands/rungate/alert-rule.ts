/** An alert rule: what it watches, whether it does, and when it went off last. */
import type { AlertRuleCreation, AlertRuleEvent, AlertRuleFacts } from '../../events/rungate/alert-rule.ts'
import type { Author } from '../../events/rungate/vocabulary.ts'
import type { Aggregate } from '../decider.ts'
import { changedFields } from './policy-merge.ts'
import { Rejected } from './rejection.ts'

export type AlertRuleState =
  | { status: 'absent' }
  | {
      status: 'active' | 'disabled' | 'deleted'
      created: AlertRuleCreation
      rule: AlertRuleFacts
      triggeredAt: string | null
      updatedBy: Author
      updatedAt: string
    }

interface Asked {
  accountId: string
  memberId: string | null
  author: Author
  at: string
}
export type AlertRuleCommand =
  | { kind: 'create'; facts: AlertRuleCreation }
  | (Asked & { kind: 'change'; rule: AlertRuleFacts })
  | (Asked & { kind: 'enable' | 'disable' | 'delete' })
  /** The condition is met. Nothing follows within the cooldown, or where the rule changed meanwhile. */
  | { kind: 'trigger'; observed: string; at: string }

export const alertRuleNotFound = () => new Rejected('alert_rule_not_found', 'There is no such alert rule.')

/** Whether the caller sees the rule: a personal one is its member's alone. */
export const seesRule = (
  { created, rule }: Exclude<AlertRuleState, { status: 'absent' }>,
  { accountId, memberId }: Pick<Asked, 'accountId' | 'memberId'>,
): boolean =>
  created.accountId === accountId && (rule.scope === 'org' || (memberId !== null && created.memberId === memberId))

export const alertRule: Aggregate<AlertRuleState, AlertRuleCommand, AlertRuleEvent> = {
  category: 'rungate.alertRule',
  initialState: { status: 'absent' },

  evolve(state, event) {
    if (event.type === 'rungate.AlertRuleCreated.v1') {
      const { rule, author: updatedBy, occurredAt: updatedAt } = event.data
      return { status: 'active', created: event.data, rule, triggeredAt: null, updatedBy, updatedAt }
    }
    if (state.status === 'absent') return state
    if (event.type === 'rungate.AlertTriggered.v1') return { ...state, triggeredAt: event.data.occurredAt }
    const { author: updatedBy, occurredAt: updatedAt } = event.data
    switch (event.type) {
      case 'rungate.AlertRuleChanged.v1':
        return { ...state, rule: event.data.rule, updatedBy, updatedAt }
      case 'rungate.AlertRuleEnabled.v1':
        return { ...state, status: 'active', updatedBy, updatedAt }
      case 'rungate.AlertRuleDisabled.v1':
        return { ...state, status: 'disabled', updatedBy, updatedAt }
      case 'rungate.AlertRuleDeleted.v1':
        return { ...state, status: 'deleted', updatedBy, updatedAt }
      default:
        return event satisfies never
    }
  },

  decide(command, state) {
    if (command.kind === 'create') {
      return state.status === 'absent' ? [{ type: 'rungate.AlertRuleCreated.v1', data: command.facts }] : []
    }
    if (command.kind === 'trigger') return trigger(command, state)
    if (state.status === 'absent' || state.status === 'deleted' || !seesRule(state, command)) throw alertRuleNotFound()
    const { accountId, ruleId } = state.created
    const of = { accountId, ruleId, author: command.author, occurredAt: command.at }
    switch (command.kind) {
      case 'change': {
        const { rule } = command
        if (changedFields(state.rule, rule).length === 0) return []
        return [{ type: 'rungate.AlertRuleChanged.v1', data: { ...of, rule } }]
      }
      case 'enable':
        return state.status === 'active' ? [] : [{ type: 'rungate.AlertRuleEnabled.v1', data: of }]
      case 'disable':
        return state.status === 'disabled' ? [] : [{ type: 'rungate.AlertRuleDisabled.v1', data: of }]
      case 'delete':
        return [{ type: 'rungate.AlertRuleDeleted.v1', data: of }]
      default:
        return command satisfies never
    }
  },
}

function trigger(
  { observed, at }: Extract<AlertRuleCommand, { kind: 'trigger' }>,
  state: AlertRuleState,
): AlertRuleEvent[] {
  if (state.status !== 'active') return []
  const { created, rule, triggeredAt } = state
  const sinceMs = triggeredAt === null ? Infinity : Date.parse(at) - Date.parse(triggeredAt)
  if (sinceMs < rule.cooldownSeconds * 1_000) return []
  const { accountId, ruleId } = created
  return [{ type: 'rungate.AlertTriggered.v1', data: { accountId, ruleId, rule, observed, occurredAt: at } }]
}
