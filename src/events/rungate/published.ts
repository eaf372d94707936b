/** What rungate's webhooks tell, by the event that it follows from. Bodies are made in processes/rungate/webhook-payload.ts. */
import type { PublishedEvent, PublishedEvents } from '../published.ts'
import type { WebhookEventType } from './webhook.ts'

type Data = Readonly<Record<string, unknown>>

const tells = (type: WebhookEventType, says: string, only?: (data: Data) => boolean): PublishedEvent => ({
  ...{ type, says, fields: [] },
  ...(only && { only }),
})

const has = (status: string) => (data: Data) => data.status === status
const isSuccess = has('success')
const isFailure = (data: Data) => !isSuccess(data)
/** Enabling an agent again is a change like any other. */
const isDisabling = ({ changedFields, profile }: Data) =>
  (changedFields as readonly string[]).includes('status') && (profile as { status: string }).status === 'disabled'

const ended = [
  tells('step.completed', 'A call or a tool call succeeded.', isSuccess),
  tells('step.failed', 'A call or a tool call failed, or took too long.', isFailure),
]
const version = tells('policy.version_created', 'A policy has another version.')
const agentUpdated = 'An agent was changed, given away, or given another key.'
const ruleUpdated = 'An alert rule was changed, enabled or disabled.'

export const publishedEvents: PublishedEvents = new Map<string, PublishedEvent | readonly PublishedEvent[]>([
  ['rungate.RunStarted.v1', tells('run.started', 'A run started.')],
  [
    'rungate.RunEnded.v1',
    [
      tells('run.completed', 'A run was completed.', has('completed')),
      tells('run.budget_exceeded', 'A run was ended by its budget.', has('budget_exceeded')),
      tells('run.force_stopped', 'A run was stopped.', has('force_stopped')),
    ],
  ],
  ['rungate.AlertThresholdReached.v1', tells('run.alert_threshold', 'A run reached its alert threshold.')],
  ['rungate.CallSettled.v1', ended],
  ['rungate.ToolCallLogged.v1', ended],
  ['rungate.CallExpired.v1', tells('step.failed', 'Nobody knows how a call ended.')],
  [
    'rungate.CallBlocked.v1',
    [
      // Of a call that waits for approval, the requests tell.
      tells('step.policy_blocked', 'A policy refused a call.', (of) => has('policy_blocked')(of) && of.awaits === null),
      tells('step.budget_blocked', 'A budget refused a call.', has('budget_blocked')),
    ],
  ],
  ['rungate.ApprovalRequested.v1', tells('step.approval_required', 'A call waits for the approval of a tool.')],
  ['rungate.ApprovalApproved.v1', tells('approval.approved', 'The use of a tool was approved.')],
  ['rungate.ApprovalRejected.v1', tells('approval.rejected', 'The use of a tool was rejected.')],
  ['rungate.AgentCreated.v1', tells('agent.created', 'An agent was made.')],
  [
    'rungate.AgentChanged.v1',
    [
      tells('agent.updated', agentUpdated, (data) => !isDisabling(data)),
      tells('agent.disabled', 'An agent was disabled.', isDisabling),
    ],
  ],
  ['rungate.AgentReassigned.v1', tells('agent.updated', agentUpdated)],
  ['rungate.AgentKeyRotated.v1', tells('agent.updated', agentUpdated)],
  ['rungate.PolicyCreated.v1', [tells('policy.created', 'A policy was made.'), version]],
  ['rungate.PolicyChanged.v1', [tells('policy.updated', 'A policy was changed.'), version]],
  ['rungate.PolicyReassigned.v1', tells('policy.updated', 'A policy was given away.')],
  ['rungate.PolicyDeleted.v1', [tells('policy.deleted', 'A policy was deleted.'), version]],
  ['rungate.ProviderKeyAdded.v1', tells('provider_key.created', 'A provider key was added.')],
  ['rungate.ProviderKeyRotated.v1', tells('provider_key.rotated', 'The secret of a provider key was replaced.')],
  ['rungate.ProviderKeyDisabled.v1', tells('provider_key.disabled', 'A provider key was disabled.')],
  ['rungate.ProviderKeyEnabled.v1', tells('provider_key.enabled', 'A provider key was enabled.')],
  ['rungate.ProviderKeyDeleted.v1', tells('provider_key.deleted', 'A provider key was deleted.')],
  ['rungate.AdminTokenIssued.v1', tells('admin_token.created', 'An admin token was made.')],
  ['rungate.AdminTokenRevoked.v1', tells('admin_token.revoked', 'An admin token was revoked.')],
  ['rungate.AlertTriggered.v1', tells('alert.triggered', 'An alert rule went off.')],
  ['rungate.AlertRuleCreated.v1', tells('alert_rule.created', 'An alert rule was made.')],
  ['rungate.AlertRuleChanged.v1', tells('alert_rule.updated', ruleUpdated)],
  ['rungate.AlertRuleEnabled.v1', tells('alert_rule.updated', ruleUpdated)],
  ['rungate.AlertRuleDisabled.v1', tells('alert_rule.updated', ruleUpdated)],
  ['rungate.AlertRuleDeleted.v1', tells('alert_rule.deleted', 'An alert rule was deleted.')],
  ['rungate.MemberRoleChanged.v1', tells('member.role_changed', 'A member has another role.')],
  ['rungate.MemberRemoved.v1', tells('member.removed', 'A member was removed.')],
  ['rungate.OwnershipTransferred.v1', tells('member.ownership_transferred', 'The account has another owner.')],
])
