/** Rungate's answers to commands, each beside the read that shows the same. */
import { account } from '../../../src/commands/rungate/account.ts'
import { adminToken } from '../../../src/commands/rungate/admin-token.ts'
import { agent } from '../../../src/commands/rungate/agent.ts'
import { alertRule } from '../../../src/commands/rungate/alert-rule.ts'
import { approval } from '../../../src/commands/rungate/approval.ts'
import { policy } from '../../../src/commands/rungate/policy.ts'
import { providerKey } from '../../../src/commands/rungate/provider-key.ts'
import { type Invitation, type RosterMember, roster } from '../../../src/commands/rungate/roster.ts'
import { webhook } from '../../../src/commands/rungate/webhook.ts'
import { accountRowOf, accountView } from '../../../src/http/rungate/account/account-view.ts'
import { agentRowOf, agentView } from '../../../src/http/rungate/agents/agent-view.ts'
import { ruleRowOf, ruleView } from '../../../src/http/rungate/alert-rules/rule-view.ts'
import { approvalRowOf } from '../../../src/http/rungate/approvals/approval-view.ts'
import { invitationRowOf, invitationView, memberRowOf, memberView } from '../../../src/http/rungate/people/schemas.ts'
import { policyRowOf, policyView } from '../../../src/http/rungate/policies/policy-view.ts'
import { keyRowOf, keyView } from '../../../src/http/rungate/provider-keys/key-view.ts'
import { tokenRowOf, tokenView } from '../../../src/http/rungate/tokens/token-view.ts'
import { webhookRowOf, webhookView } from '../../../src/http/rungate/webhooks/webhook-view.ts'
import { findAccount } from '../../../src/projections/rungate/account.ts'
import { findAdminToken } from '../../../src/projections/rungate/admin-token.ts'
import { findAgent } from '../../../src/projections/rungate/agent.ts'
import { findAlertRule } from '../../../src/projections/rungate/alert-rule.ts'
import { findApproval } from '../../../src/projections/rungate/approval.ts'
import { invitationsOf } from '../../../src/projections/rungate/invitation.ts'
import { findMember } from '../../../src/projections/rungate/member.ts'
import { findPolicy } from '../../../src/projections/rungate/policy.ts'
import { findProviderKey } from '../../../src/projections/rungate/provider-key.ts'
import { findWebhook } from '../../../src/projections/rungate/webhook.ts'
import { example } from '../../support/examples.ts'
import { answeredView, type ContextViews } from '../views.ts'

const { accountId } = example('rungate.AccountRegistered.v1').data
const { tokenId } = example('rungate.AdminTokenIssued.v1').data
const { keyId } = example('rungate.ProviderKeyAdded.v1').data
const { policyId } = example('rungate.PolicyCreated.v1').data
const { agentId } = example('rungate.AgentCreated.v1').data
const { memberId } = example('rungate.MemberJoined.v1').data
const { invitationId, expiresAt: invitationEnds } = example('rungate.InvitationCreated.v1').data
const counted = { steps: 0, since: '2026-03-01T00:00:00.000Z', email: null }
const { ruleId } = example('rungate.AlertRuleCreated.v1').data
const { webhookId, occurredAt: hookedAt } = example('rungate.WebhookCreated.v1').data
const { approvalId } = example('rungate.ApprovalRequested.v1').data
const message = 'answers with a message, which no read shows'

export const rungateViews: ContextViews = {
  views: [
    answeredView(account, {
      operations: ['updateCurrentAccount'],
      history: [
        ...(['AccountRegistered', 'AccountRenamed', 'AccountSuspended', 'AccountResumed'] as const),
        ...(['TierChanged', 'StepLimitSet'] as const),
      ].map((name) => `rungate.${name}.v1` as const),
      viewOf: (state) => accountView(accountRowOf(state), counted),
      read: async (db) => {
        const found = await findAccount(db, accountId)
        return found && accountView(found, counted)
      },
    }),
    answeredView(adminToken, {
      operations: ['createAdminToken'],
      history: ['rungate.AdminTokenIssued.v1', 'rungate.AdminTokenUseNoted.v1', 'rungate.AdminTokenRevoked.v1'],
      viewOf: (state) => tokenView(tokenRowOf(state)),
      read: async (db) => {
        const found = await findAdminToken(db, accountId, tokenId)
        return found && tokenView(found)
      },
    }),
    answeredView(providerKey, {
      operations: [
        ...['createProviderKey', 'updateProviderKey', 'upsertProviderKeyByName'],
        ...['disableProviderKey', 'enableProviderKey'],
      ],
      history: (['Added', 'Changed', 'Rotated', 'Disabled', 'Enabled', 'Deleted'] as const).map(
        (name) => `rungate.ProviderKey${name}.v1` as const,
      ),
      viewOf: (state) => keyView(keyRowOf(state)),
      read: async (db) => {
        const found = await findProviderKey(db, accountId, keyId)
        return found && keyView(found)
      },
    }),
    answeredView(policy, {
      operations: ['createPolicy', 'updatePolicy', 'upsertPolicyByName'],
      history: ['rungate.PolicyCreated.v1', 'rungate.AgentBound.v1', 'rungate.PolicyChanged.v1'],
      viewOf: (state) => policyView(policyRowOf(state)),
      read: async (db) => {
        const found = await findPolicy(db, accountId, null, policyId)
        return found && policyView(found)
      },
    }),
    answeredView(roster, {
      operations: ['updateMember'],
      history: ['rungate.MemberJoined.v1', 'rungate.MemberRenamed.v1', 'rungate.MemberRoleChanged.v1'],
      viewOf: ({ members }) => memberView(memberRowOf(members.get(memberId) as RosterMember)),
      read: async (db) => {
        const found = await findMember(db, memberId)
        return found && memberView(found)
      },
    }),
    answeredView(roster, {
      operations: ['createInvitation', 'resendInvitation', 'revokeInvitation'],
      history: ['rungate.InvitationCreated.v1', 'rungate.InvitationResent.v1', 'rungate.InvitationAccepted.v1'],
      viewOf: ({ invitations }) =>
        invitationView(invitationRowOf(invitations.get(invitationId) as Invitation), invitationEnds),
      read: async (db) => {
        const [found] = await invitationsOf(db, { accountId, now: invitationEnds }).execute()
        return found && invitationView(found, invitationEnds)
      },
    }),
    answeredView(agent, {
      operations: ['createAgent', 'updateAgent', 'patchAgent', 'upsertAgentByName'],
      history: ['rungate.AgentCreated.v1', 'rungate.AgentChanged.v1', 'rungate.AgentKeyRotated.v1'],
      viewOf: (state) => agentView(agentRowOf(state)),
      read: async (db) => {
        const found = await findAgent(db, accountId, agentId)
        return found && agentView(found)
      },
    }),
    answeredView(alertRule, {
      operations: ['createAlertRule', 'updateAlertRule', 'enableAlertRule', 'disableAlertRule'],
      history: (['RuleCreated', 'RuleChanged', 'RuleDisabled', 'RuleEnabled', 'Triggered'] as const).map(
        (name) => `rungate.Alert${name}.v1` as const,
      ),
      viewOf: (state) => ruleView(ruleRowOf(state)),
      read: async (db) => {
        const found = await findAlertRule(db, accountId, null, ruleId)
        return found && ruleView(found)
      },
    }),
    answeredView(webhook, {
      operations: [
        ...['createWebhook', 'updateWebhook', 'enableWebhook', 'disableWebhook', 'expirePreviousWebhookSecret'],
      ],
      history: [
        ...(['rungate.WebhookCreated.v1', 'rungate.WebhookChanged.v1', 'rungate.SecretRotated.v1'] as const),
        ...(['rungate.WebhookFailuresCounted.v1', 'rungate.WebhookFailing.v1'] as const),
        ...(['rungate.WebhookEnabled.v1', 'rungate.WebhookDisabled.v1'] as const),
      ],
      viewOf: (state) => webhookView(webhookRowOf(state), hookedAt),
      read: async (db) => {
        const found = await findWebhook(db, accountId, null, webhookId)
        return found && webhookView(found, hookedAt)
      },
    }),
    answeredView(approval, {
      operations: ['approveApprovalRequest', 'rejectApprovalRequest'],
      history: ['rungate.ApprovalRequested.v1', 'rungate.ApprovalRejected.v1'],
      viewOf: (state) => approvalRowOf(state),
      read: async (db) => {
        const { agent_name: _, model: __, ...row } = (await findApproval(db, accountId, approvalId)) ?? {}
        return row
      },
    }),
  ],
  withoutView: {
    proxyChatCompletions: 'answers with what a provider says, which no read shows',
    proxyMessages: 'answers with what a provider says, which no read shows',
    startAuth: message,
    verifyAuth: 'answers whether the address is new, which no read shows',
    acceptInvitation: 'answers with the account beside the member, which updateMember compares',
    completeRegistration: 'answers with keys, which no read shows',
    logout: 'answers without a body',
    revokeSession: 'answers without a body',
    removeMember: message,
    transferOwnership: message,
    createRunStep: 'answers with the row that the read model’s own handler makes of the same event',
    completeRun: 'answers with what the run’s last event says; runs.test.ts compares it with the read',
    completeCurrentRun: 'answers with a summary, which no read shows',
    completeAllRuns: 'answers with counts, which no read shows',
    renameRun: 'answers with the row and what was changed; runs.test.ts compares it with the read',
    updateAgentRun: 'answers with what was changed; runs.test.ts compares it with the read',
    updateAgentCurrentRun: 'answers with what was changed; runs.test.ts compares it with the read',
    deleteOldData: 'answers with counts, which no read shows',
    stopRun: message,
    deleteAlertRule: message,
    deleteWebhook: message,
    rotateWebhookSecret: 'answers with secrets, which no read shows',
    testWebhook: 'answers with the delivery’s id; webhooks.test.ts finds it in the list',
    unblockRun: message,
    registerAccount: 'answers with keys, which no read shows',
    rotateAgentKey: 'answers with a key, which no read shows',
    revokeAdminToken: message,
    deleteProviderKey: message,
    deletePolicy: message,
  },
}
