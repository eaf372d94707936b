/** Rungate's operations, in the contract's order. Literal addresses stand before those with an id. */
import type { Operation } from '../operation.ts'
import type { RungateParts } from './access.ts'
import { getCurrentAccount } from './account/get-current-account.ts'
import { registerAccount } from './account/register-account.ts'
import { updateCurrentAccount } from './account/update-current-account.ts'
import { patchAgent, updateAgent } from './agents/change-agent.ts'
import { createAgent } from './agents/create-agent.ts'
import { getAgent } from './agents/get-agent.ts'
import { getAgentInfo } from './agents/get-agent-info.ts'
import { getAllAgentStats } from './agents/get-all-agent-stats.ts'
import { listAgents } from './agents/list-agents.ts'
import { rotateAgentKey } from './agents/rotate-agent-key.ts'
import { upsertAgentByName } from './agents/upsert-agent-by-name.ts'
import { getAlertRule, listAlertRules } from './alert-rules/read-rules.ts'
import {
  createAlertRule,
  deleteAlertRule,
  disableAlertRule,
  enableAlertRule,
  updateAlertRule,
} from './alert-rules/write-rules.ts'
import { deleteOldData, previewCleanup } from './analytics/cleanup.ts'
import { getOverviewStats, getRunAnalytics } from './analytics/run-figures.ts'
import {
  getCostAnalytics,
  getErrorAnalytics,
  getLatencyAnalytics,
  getProviderReliability,
  getThroughputAnalytics,
  getTopN,
} from './analytics/step-figures.ts'
import { approveApprovalRequest, rejectApprovalRequest } from './approvals/decide-approval.ts'
import { getApprovalRequest, listApprovalRequests } from './approvals/read-approvals.ts'
import { acceptInvitation } from './auth/accept-invitation.ts'
import { completeRegistration } from './auth/complete-registration.ts'
import { getAuthConfig } from './auth/get-auth-config.ts'
import { getAuthSession } from './auth/get-auth-session.ts'
import { getInvitationByToken } from './auth/get-invitation-by-token.ts'
import { logout } from './auth/logout.ts'
import { startAuth } from './auth/start-auth.ts'
import { verifyAuth } from './auth/verify-auth.ts'
import { resendInvitation, revokeInvitation } from './invitations/change-invitation.ts'
import { createInvitation } from './invitations/create-invitation.ts'
import { listInvitations } from './invitations/list-invitations.ts'
import { listMembers } from './members/list-members.ts'
import { removeMember } from './members/remove-member.ts'
import { transferOwnership } from './members/transfer-ownership.ts'
import { updateMember } from './members/update-member.ts'
import { createPolicy } from './policies/create-policy.ts'
import { deletePolicy } from './policies/delete-policy.ts'
import { getPolicy } from './policies/get-policy.ts'
import { listPolicies } from './policies/list-policies.ts'
import { getPolicyCostTrend, getPolicyStats } from './policies/policy-figures.ts'
import { getPolicyVersion, listPolicyVersions } from './policies/policy-versions.ts'
import { updatePolicy } from './policies/update-policy.ts'
import { upsertPolicyByName } from './policies/upsert-policy-by-name.ts'
import { createProviderKey } from './provider-keys/create-provider-key.ts'
import { deleteProviderKey } from './provider-keys/delete-provider-key.ts'
import { getProviderKey } from './provider-keys/get-provider-key.ts'
import { getProviderKeyDependents } from './provider-keys/get-provider-key-dependents.ts'
import { listProviderKeys } from './provider-keys/list-provider-keys.ts'
import { disableProviderKey, enableProviderKey } from './provider-keys/switch-provider-key.ts'
import { updateProviderKey } from './provider-keys/update-provider-key.ts'
import { upsertProviderKeyByName } from './provider-keys/upsert-provider-key-by-name.ts'
import { getProviderHealth } from './providers/get-provider-health.ts'
import { proxyChatCompletions, proxyMessages } from './proxy/proxy-operations.ts'
import { discoverAgentApi } from './public/discover-agent-api.ts'
import { getHealth } from './public/get-health.ts'
import { getIntegrationGuide } from './public/get-integration-guide.ts'
import { getOpenAPISpec } from './public/get-openapi-spec.ts'
import { renameRun, updateAgentCurrentRun, updateAgentRun } from './runs/annotate-run.ts'
import { completeAllRuns, completeCurrentRun, completeOwnRun } from './runs/complete-own-runs.ts'
import { createRunStep } from './runs/create-run-step.ts'
import { getAgentCurrentRun, getAgentRun, getRun } from './runs/get-run.ts'
import { listRunLedger } from './runs/list-run-ledger.ts'
import { getAgentRunSteps, listRunSteps } from './runs/list-run-steps.ts'
import { listAgentRuns, listRuns } from './runs/list-runs.ts'
import { completeRun, stopRun, unblockRun } from './runs/stop-run.ts'
import { listSessions, revokeSession } from './sessions/sessions.ts'
import { createAdminToken } from './tokens/create-admin-token.ts'
import { getAdminToken } from './tokens/get-admin-token.ts'
import { listAdminTokens } from './tokens/list-admin-tokens.ts'
import { revokeAdminToken } from './tokens/revoke-admin-token.ts'
import { getWebhook, listWebhookDeliveries, listWebhooks } from './webhooks/read-webhooks.ts'
import { rotateWebhookSecret } from './webhooks/secrets.ts'
import { testWebhook } from './webhooks/test-webhook.ts'
import {
  createWebhook,
  deleteWebhook,
  disableWebhook,
  enableWebhook,
  expirePreviousWebhookSecret,
  updateWebhook,
} from './webhooks/write-webhooks.ts'

export const operations: readonly Operation<RungateParts>[] = [
  getHealth,
  ...[createProviderKey, listProviderKeys, getProviderKey, updateProviderKey, deleteProviderKey],
  ...[disableProviderKey, enableProviderKey, getProviderKeyDependents, upsertProviderKeyByName],
  ...[createPolicy, listPolicies, getPolicyStats, getPolicyCostTrend, getPolicy, updatePolicy, deletePolicy],
  ...[upsertPolicyByName, listPolicyVersions, getPolicyVersion],
  ...[createAgent, listAgents, getAllAgentStats, getAgent, updateAgent, patchAgent, rotateAgentKey],
  ...[upsertAgentByName, getProviderHealth, proxyChatCompletions, proxyMessages],
  ...[listRuns, getRun, renameRun, listRunSteps, listRunLedger, stopRun, unblockRun, completeRun],
  ...[getCostAnalytics, getLatencyAnalytics, getErrorAnalytics, getThroughputAnalytics, getProviderReliability],
  ...[getRunAnalytics, getTopN, getOverviewStats, previewCleanup, deleteOldData],
  ...[completeAllRuns, completeCurrentRun, completeOwnRun, createRunStep, getAgentRunSteps],
  ...[discoverAgentApi, getAgentInfo, listAgentRuns, getAgentCurrentRun, updateAgentCurrentRun, getAgentRun],
  updateAgentRun,
  ...[createWebhook, listWebhooks, getWebhook, updateWebhook, deleteWebhook, enableWebhook, disableWebhook],
  ...[rotateWebhookSecret, expirePreviousWebhookSecret, listWebhookDeliveries, testWebhook],
  ...[listApprovalRequests, getApprovalRequest, approveApprovalRequest, rejectApprovalRequest],
  ...[createAlertRule, listAlertRules, getAlertRule, updateAlertRule, deleteAlertRule],
  ...[enableAlertRule, disableAlertRule],
  ...[createAdminToken, listAdminTokens, getAdminToken, revokeAdminToken],
  ...[createInvitation, listInvitations, revokeInvitation, resendInvitation],
  ...[listMembers, updateMember, removeMember, transferOwnership],
  ...[getCurrentAccount, updateCurrentAccount],
  ...[listSessions, revokeSession],
  registerAccount,
  ...[getInvitationByToken, acceptInvitation],
  ...[getAuthConfig, startAuth, verifyAuth, getAuthSession, completeRegistration, logout],
  ...[getOpenAPISpec, getIntegrationGuide],
]
