/** Changes of alert rules with their names, which are unique in the account. */
import type { AlertRuleFacts } from '../../events/rungate/alert-rule.ts'
import type { CommandBus, CommandContext } from '../handle.ts'
import { alertRule, alertRuleNotFound, seesRule } from './alert-rule.ts'
import type { Asker } from './changing.ts'
import { releaseName, withNewName } from './naming.ts'

/** The rule as it is. Rejects with alert_rule_not_found where the caller sees none. */
export async function livingRule(bus: CommandBus, ruleId: string, asker: Pick<Asker, 'accountId' | 'memberId'>) {
  const state = await bus.current(alertRule, ruleId)
  if (state.status === 'absent' || state.status === 'deleted' || !seesRule(state, asker)) throw alertRuleNotFound()
  return state
}

/** Rejects with alert_rule_not_found and name_taken. */
export async function changeAlertRule(
  bus: CommandBus,
  ruleId: string,
  rule: AlertRuleFacts,
  asker: Asker,
  context: CommandContext,
) {
  const state = await livingRule(bus, ruleId, asker)
  const command = { kind: 'change', rule, ...asker, at: context.at } as const
  const owner = { accountId: asker.accountId, kind: 'alertRule', ownerId: ruleId } as const
  const make = () => bus.handle(alertRule, ruleId, command, context)
  return withNewName(bus, owner, { from: state.rule.name, to: rule.name }, make, context)
}

/** Rejects with alert_rule_not_found. */
export async function deleteAlertRule(bus: CommandBus, ruleId: string, asker: Asker, context: CommandContext) {
  const state = await livingRule(bus, ruleId, asker)
  const handled = await bus.handle(alertRule, ruleId, { kind: 'delete', ...asker, at: context.at }, context)
  const owner = { accountId: asker.accountId, kind: 'alertRule', ownerId: ruleId } as const
  await releaseName(bus, owner, state.rule.name, context)
  return handled
}
