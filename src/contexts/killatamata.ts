/** Killatamata: prepaid dollar credit for the generation of media, everything it has on one page. */

import { killatamataBooks } from '../audit/killatamata/declarations.ts'
import { account } from '../commands/killatamata/account.ts'
import { affiliate } from '../commands/killatamata/affiliate.ts'
import { affiliateBinding } from '../commands/killatamata/affiliate-binding.ts'
import { affiliateCode } from '../commands/killatamata/affiliate-code.ts'
import { agentRequest } from '../commands/killatamata/agent-request.ts'
import { apiKeyUse } from '../commands/killatamata/api-key-use.ts'
import { approvalPlan } from '../commands/killatamata/approval-plan.ts'
import { arcadeGame, arcadeSlug } from '../commands/killatamata/arcade-game.ts'
import { arcadeLaunch } from '../commands/killatamata/arcade-launch.ts'
import { arcadeRelease } from '../commands/killatamata/arcade-release.ts'
import { browserSession } from '../commands/killatamata/browser-session.ts'
import { callback } from '../commands/killatamata/callback.ts'
import { checkout } from '../commands/killatamata/checkout.ts'
import { deviceLink } from '../commands/killatamata/device-link.ts'
import { emailChallenge } from '../commands/killatamata/email-challenge.ts'
import { idTokenClaim } from '../commands/killatamata/id-token.ts'
import { identityClaim } from '../commands/killatamata/identity-claim.ts'
import { ledger } from '../commands/killatamata/ledger.ts'
import { mail } from '../commands/killatamata/mail.ts'
import { mediaJob } from '../commands/killatamata/media-job.ts'
import { requestKeyUse } from '../commands/killatamata/request-key.ts'
import { settlement } from '../commands/killatamata/settlement.ts'
import { studioAsset } from '../commands/killatamata/studio-asset.ts'
import { studioProject } from '../commands/killatamata/studio-project.ts'
import { studioThread } from '../commands/killatamata/studio-thread.ts'
import { studioWorkspace } from '../commands/killatamata/studio-workspace.ts'
import { x402Payment } from '../commands/killatamata/x402-payment.ts'
import type { Context } from '../context.ts'
import { accountEvents, apiKeyEvents, identityEvents } from '../events/killatamata/account.ts'
import { affiliateBindingEvents, affiliateCodeEvents, affiliateEvents } from '../events/killatamata/affiliate.ts'
import { agentRequestEvents, approvalPlanEvents } from '../events/killatamata/agent.ts'
import {
  arcadeGameEvents,
  arcadeLaunchEvents,
  arcadeReleaseEvents,
  arcadeSlugEvents,
} from '../events/killatamata/arcade.ts'
import { ledgerEvents } from '../events/killatamata/ledger.ts'
import { mailEvents } from '../events/killatamata/mail.ts'
import { callbackEvents, mediaJobEvents } from '../events/killatamata/media.ts'
import { checkoutEvents, settlementEvents } from '../events/killatamata/payment.ts'
import { requestKeyEvents } from '../events/killatamata/request-key.ts'
import { killatamataSentences } from '../events/killatamata/sentences.ts'
import {
  browserSessionEvents,
  deviceLinkEvents,
  emailChallengeEvents,
  idTokenEvents,
} from '../events/killatamata/sign-in.ts'
import {
  studioAssetEvents,
  studioProjectEvents,
  studioThreadEvents,
  studioWorkspaceEvents,
} from '../events/killatamata/studio.ts'
import { x402PaymentEvents } from '../events/killatamata/x402.ts'
import { inStreams } from '../events/registry.ts'
import type { KillatamataDirectories } from '../http/killatamata/directories.ts'
import { killatamataProcesses } from '../processes/killatamata/processes.ts'
import { sandboxOf } from '../processes/killatamata/sandbox-parts.ts'
import { killatamataSettings } from '../processes/killatamata/settings.ts'
import { agentProcess } from '../processes/killatamata/studio/declaration.ts'
import { accountProjection, keyUseProjection } from '../projections/killatamata/account.ts'
import { affiliateCodeProjection, affiliateProjection } from '../projections/killatamata/affiliate.ts'
import { agentRequestProjection, approvalPlanProjection } from '../projections/killatamata/agent.ts'
import { arcadeProjection, launchProjection } from '../projections/killatamata/arcade.ts'
import { ledgerProjection } from '../projections/killatamata/ledger.ts'
import { mailProjection } from '../projections/killatamata/mail.ts'
import { callbackProjection, mediaProjection } from '../projections/killatamata/media.ts'
import { settlementProjection, x402Projection } from '../projections/killatamata/payment.ts'
import { deviceLinkProjection, sessionProjection } from '../projections/killatamata/sign-in.ts'
import {
  studioAssetProjection,
  studioProjectProjection,
  studioThreadProjection,
  studioWorkspaceProjection,
} from '../projections/killatamata/studio.ts'

const sandbox = sandboxOf(async (wanted) =>
  (await import('../embedded/killatamata/stand-ins.ts')).startStandIns(wanted),
)

export const killatamata: Context<KillatamataDirectories> = {
  name: 'killatamata',
  events: {
    ...inStreams({
      [account.category]: accountEvents,
      [identityClaim.category]: identityEvents,
      [apiKeyUse.category]: apiKeyEvents,
      [emailChallenge.category]: emailChallengeEvents,
      [idTokenClaim.category]: idTokenEvents,
      [browserSession.category]: browserSessionEvents,
      [deviceLink.category]: deviceLinkEvents,
      [mail.category]: mailEvents,
      [ledger.category]: ledgerEvents,
      [checkout.category]: checkoutEvents,
      [settlement.category]: settlementEvents,
      [x402Payment.category]: x402PaymentEvents,
      [studioWorkspace.category]: studioWorkspaceEvents,
      [studioProject.category]: studioProjectEvents,
      [studioThread.category]: studioThreadEvents,
      [studioAsset.category]: studioAssetEvents,
      [approvalPlan.category]: approvalPlanEvents,
      [agentRequest.category]: agentRequestEvents,
      [affiliate.category]: affiliateEvents,
      [affiliateCode.category]: affiliateCodeEvents,
      [affiliateBinding.category]: affiliateBindingEvents,
      [arcadeSlug.category]: arcadeSlugEvents,
      [arcadeGame.category]: arcadeGameEvents,
      [arcadeRelease.category]: arcadeReleaseEvents,
      [arcadeLaunch.category]: arcadeLaunchEvents,
      [mediaJob.category]: mediaJobEvents,
      [callback.category]: callbackEvents,
      [requestKeyUse.category]: requestKeyEvents,
    }),
    sentences: killatamataSentences,
    tenant: 'accountId',
    things: [
      ...['keyId', 'textId', 'sessionId', 'checkoutId', 'settlementId', 'paymentIntentId', 'depositId'],
      ...['holdId', 'jobId', 'paymentId', 'purchaseId'],
      ...['projectId', 'threadId', 'messageId', 'assetId', 'planId', 'approvalPlanId'],
      ...['affiliateId', 'commissionId', 'payoutRequestId', 'payoutId', 'gameId', 'releaseId'],
    ],
    person: 'accountId',
    forgets: ['killatamata.AccountForgotten.v1'],
  },
  settings: killatamataSettings,
  aggregates: [
    ...[account, identityClaim, apiKeyUse],
    ...[emailChallenge, idTokenClaim, browserSession, deviceLink, mail],
    ...[ledger, checkout, settlement, x402Payment],
    ...[studioWorkspace, studioProject, studioThread, studioAsset, approvalPlan, agentRequest],
    ...[affiliate, affiliateCode, affiliateBinding],
    ...[arcadeSlug, arcadeGame, arcadeRelease, arcadeLaunch],
    ...[mediaJob, callback, requestKeyUse],
  ],
  projections: [
    ...[accountProjection, keyUseProjection, sessionProjection, deviceLinkProjection, mailProjection],
    ...[ledgerProjection, settlementProjection, x402Projection],
    ...[studioWorkspaceProjection, studioProjectProjection, studioThreadProjection, studioAssetProjection],
    ...[approvalPlanProjection, agentRequestProjection],
    ...[affiliateProjection, affiliateCodeProjection],
    ...[arcadeProjection, launchProjection],
    ...[mediaProjection, callbackProjection],
  ],
  books: killatamataBooks,
  directories: async () => (await import('../http/killatamata/directories.ts')).killatamataDirectories(),
  processes: [
    ...killatamataProcesses(sandbox),
    agentProcess(sandbox, async () => (await import('../http/killatamata/studio/jobs.ts')).readJob),
  ],
  serve: async (parts) => (await import('../http/killatamata/serve.ts')).serveKillatamata(parts, sandbox),
  api: async () => (await import('../http/killatamata/api.ts')).killatamata,
}
