/** Killatamata's operations, in the contract's order. */
import type { Operation } from '../operation.ts'
import type { KillatamataParts } from './access.ts'
import { applyAsAffiliate } from './affiliates/apply.ts'
import { bindAffiliateCode } from './affiliates/bind-code.ts'
import { captureAffiliateCode, followAffiliateCode, validateAffiliateCode } from './affiliates/codes.ts'
import { listAffiliateCommissions, listAffiliatePayouts } from './affiliates/commissions.ts'
import { getAffiliateDashboard } from './affiliates/dashboard.ts'
import { getAffiliateCode } from './affiliates/own-code.ts'
import { listAffiliatePayoutRequests, requestAffiliatePayout } from './affiliates/payout-requests.ts'
import { getAffiliate, updateAffiliate } from './affiliates/profile.ts'
import { getArcadeGame, listArcadeCatalog } from './arcade/catalog.ts'
import { createArcadeGame, listArcadeGames } from './arcade/games.ts'
import { createLaunchSession, updateLaunchSession } from './arcade/launch-sessions.ts'
import { listArcadeReviewQueue, reviewArcadeRelease, submitArcadeRelease } from './arcade/review.ts'
import { uploadArcadeRelease } from './arcade/upload.ts'
import { endBrowserSession, getBrowserSession } from './auth/browser-session.ts'
import { startEmailSignIn, verifyBrowserEmail, verifyEmail } from './auth/email.ts'
import { signInBrowserWithGoogle, signInWithGoogle } from './auth/google.ts'
import { getBalance } from './balance/get-balance.ts'
import { getHealth } from './catalog/health.ts'
import { listPackages } from './catalog/packages.ts'
import { consumeRetired, getRetiredBalance } from './credits/retired.ts'
import { approveDeviceLink, getDeviceLink } from './device/approve-link.ts'
import { pollDeviceLink } from './device/poll-link.ts'
import { startDeviceLink } from './device/start-link.ts'
import { createKey } from './keys/create-key.ts'
import { listKeys } from './keys/list-keys.ts'
import { revokeKey } from './keys/revoke-key.ts'
import { getMediaJob } from './media/get-job.ts'
import { submitMediaJob } from './media/submit-job.ts'
import { checkoutCrypto, checkoutStripe } from './payments/checkout.ts'
import { claimCrypto, claimStripe } from './payments/claim.ts'
import { cryptoWebhook, stripeWebhook } from './payments/webhooks.ts'
import { depositByX402, purchaseByX402 } from './payments/x402.ts'
import { studioOperations } from './studio/operations.ts'

export const operations: readonly Operation<KillatamataParts>[] = [
  ...[getHealth, listPackages],
  ...[followAffiliateCode, validateAffiliateCode, captureAffiliateCode, applyAsAffiliate],
  ...[getAffiliate, updateAffiliate, getAffiliateCode, getAffiliateDashboard],
  ...[listAffiliateCommissions, listAffiliatePayouts, listAffiliatePayoutRequests, requestAffiliatePayout],
  bindAffiliateCode,
  ...[signInWithGoogle, signInBrowserWithGoogle, startEmailSignIn, verifyEmail, verifyBrowserEmail],
  ...[getBrowserSession, endBrowserSession],
  ...[startDeviceLink, getDeviceLink, approveDeviceLink, pollDeviceLink],
  ...[checkoutStripe, checkoutCrypto, claimStripe, claimCrypto, stripeWebhook, cryptoWebhook],
  ...[listKeys, createKey, revokeKey],
  ...[purchaseByX402, depositByX402, getBalance],
  ...[createArcadeGame, listArcadeGames, getArcadeGame, listArcadeCatalog, uploadArcadeRelease],
  ...[submitArcadeRelease, listArcadeReviewQueue, reviewArcadeRelease, createLaunchSession, updateLaunchSession],
  ...studioOperations,
  ...[getRetiredBalance, consumeRetired],
  ...[submitMediaJob, getMediaJob],
]
