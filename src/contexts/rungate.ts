/** Rungate: a governance proxy for calls to language models, everything it has on one page. */

import { rungateBooks } from '../audit/rungate/declarations.ts'
import { account, accountSlug } from '../commands/rungate/account.ts'
import { address } from '../commands/rungate/address.ts'
import { adminToken } from '../commands/rungate/admin-token.ts'
import { agent } from '../commands/rungate/agent.ts'
import { alertRule } from '../commands/rungate/alert-rule.ts'
import { approval } from '../commands/rungate/approval.ts'
import { circuit } from '../commands/rungate/circuit.ts'
import { cleanup } from '../commands/rungate/cleanup.ts'
import { desk, deskBook, deskTurn } from '../commands/rungate/desk/streams.ts'
import { mail } from '../commands/rungate/mail.ts'
import { name } from '../commands/rungate/name.ts'
import { policy } from '../commands/rungate/policy.ts'
import { providerKey } from '../commands/rungate/provider-key.ts'
import { roster } from '../commands/rungate/roster.ts'
import { session } from '../commands/rungate/session.ts'
import { stepContent } from '../commands/rungate/step-content.ts'
import { tokenPlaces } from '../commands/rungate/token-places.ts'
import { webhook } from '../commands/rungate/webhook.ts'
import { webhookDelivery } from '../commands/rungate/webhook-delivery.ts'
import { webhookPlaces } from '../commands/rungate/webhooks.ts'
import type { Context } from '../context.ts'
import { inStreams } from '../events/registry.ts'
import { accountEvents, accountSlugEvents } from '../events/rungate/account.ts'
import { addressEvents } from '../events/rungate/address.ts'
import { adminTokenEvents, adminTokenPlaceEvents } from '../events/rungate/admin-token.ts'
import { agentEvents } from '../events/rungate/agent.ts'
import { alertRuleEvents } from '../events/rungate/alert-rule.ts'
import { approvalEvents } from '../events/rungate/approval.ts'
import { circuitEvents } from '../events/rungate/circuit.ts'
import { cleanupEvents } from '../events/rungate/cleanup.ts'
import { deskBookEvents, deskEvents, deskTurnEvents } from '../events/rungate/desk.ts'
import { mailEvents } from '../events/rungate/mail.ts'
import { nameEvents } from '../events/rungate/name.ts'
import { policyEvents } from '../events/rungate/policy.ts'
import { providerKeyEvents } from '../events/rungate/provider-key.ts'
import { publishedEvents } from '../events/rungate/published.ts'
import { rosterEvents } from '../events/rungate/roster.ts'
import { rungateSentences } from '../events/rungate/sentences.ts'
import { sessionEvents } from '../events/rungate/session.ts'
import { stepContentEvents } from '../events/rungate/step-content.ts'
import { webhookDeliveryEvents, webhookEvents, webhookPlaceEvents } from '../events/rungate/webhook.ts'
import type { RungateDirectories } from '../http/rungate/directories.ts'
import { rungateProcesses } from '../processes/rungate/processes.ts'
import { rungateSettings } from '../processes/rungate/settings.ts'
import { accountProjection } from '../projections/rungate/account.ts'
import { addressProjection } from '../projections/rungate/address.ts'
import { adminTokenProjection } from '../projections/rungate/admin-token.ts'
import { agentProjection } from '../projections/rungate/agent.ts'
import { alertRuleProjection } from '../projections/rungate/alert-rule.ts'
import { approvalProjection } from '../projections/rungate/approval.ts'
import { circuitProjection } from '../projections/rungate/circuit.ts'
import { invitationProjection } from '../projections/rungate/invitation.ts'
import { keyUseProjection } from '../projections/rungate/key-use.ts'
import { ledgerProjection } from '../projections/rungate/ledger.ts'
import { mailProjection } from '../projections/rungate/mail.ts'
import { memberProjection } from '../projections/rungate/member.ts'
import { openCallProjection } from '../projections/rungate/open-call.ts'
import { policyProjection } from '../projections/rungate/policy.ts'
import { providerKeyProjection } from '../projections/rungate/provider-key.ts'
import { runProjection } from '../projections/rungate/run.ts'
import { sessionProjection } from '../projections/rungate/session.ts'
import { stepProjection } from '../projections/rungate/step.ts'
import { stepContentProjection } from '../projections/rungate/step-content.ts'
import { webhookProjection } from '../projections/rungate/webhook.ts'
import { webhookDeliveryProjection } from '../projections/rungate/webhook-delivery.ts'

export const rungate: Context<RungateDirectories> = {
  name: 'rungate',
  events: {
    ...inStreams({
      [account.category]: accountEvents,
      [accountSlug.category]: accountSlugEvents,
      [name.category]: nameEvents,
      [adminToken.category]: adminTokenEvents,
      [tokenPlaces.category]: adminTokenPlaceEvents,
      [providerKey.category]: providerKeyEvents,
      [policy.category]: policyEvents,
      [agent.category]: agentEvents,
      [desk.category]: deskEvents,
      [deskBook.category]: deskBookEvents,
      [deskTurn.category]: deskTurnEvents,
      [approval.category]: approvalEvents,
      [alertRule.category]: alertRuleEvents,
      [cleanup.category]: cleanupEvents,
      [circuit.category]: circuitEvents,
      [stepContent.category]: stepContentEvents,
      [address.category]: addressEvents,
      [roster.category]: rosterEvents,
      [session.category]: sessionEvents,
      [mail.category]: mailEvents,
      [webhook.category]: webhookEvents,
      [webhookPlaces.category]: webhookPlaceEvents,
      [webhookDelivery.category]: webhookDeliveryEvents,
    }),
    sentences: rungateSentences,
    published: publishedEvents,
    tenant: 'accountId',
    things: [
      ...['agentId', 'policyId', 'runId', 'stepId', 'textId', 'callId', 'approvalId', 'providerKeyId', 'ruleId'],
      ...['memberId', 'ownerId', 'heirId', 'fromId', 'toId', 'invitationId', 'addressId'],
      ...['loginId', 'sessionId', 'mailId'],
      ...['keyId', 'tokenId', 'secretId', 'webhookId', 'deliveryId', 'eventId', 'processId', 'cleanupId'],
    ],
    person: 'memberId',
    forgets: ['rungate.MemberForgotten.v1'],
  },
  settings: rungateSettings,
  aggregates: [
    ...[account, accountSlug, name, adminToken, tokenPlaces, providerKey, policy, agent],
    ...[desk, deskBook, deskTurn, approval, alertRule, cleanup, circuit, stepContent],
    ...[address, roster, session, mail],
    ...[webhook, webhookPlaces, webhookDelivery],
  ],
  projections: [
    ...[accountProjection, adminTokenProjection, providerKeyProjection, policyProjection, agentProjection],
    openCallProjection,
    ...[
      runProjection,
      stepProjection,
      ledgerProjection,
      approvalProjection,
      alertRuleProjection,
      circuitProjection,
      keyUseProjection,
      stepContentProjection,
    ],
    ...[addressProjection, memberProjection, invitationProjection, sessionProjection, mailProjection],
    ...[webhookProjection, webhookDeliveryProjection],
  ],
  books: rungateBooks,
  directories: async () => (await import('../http/rungate/directories.ts')).rungateDirectories(),
  processes: rungateProcesses,
  serve: async (parts) => (await import('../http/rungate/serve.ts')).serveRungate(parts),
  api: async () => (await import('../http/rungate/api.ts')).rungate,
}
