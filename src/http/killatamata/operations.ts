/** Killatamata's operations, in the contract's order. */
import type { Operation } from '../operation.ts'
import type { KillatamataParts } from './access.ts'
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
import { studioOperations } from './studio/operations.ts'

export const operations: readonly Operation<KillatamataParts>[] = [
  ...[getHealth, listPackages],
  ...[signInWithGoogle, signInBrowserWithGoogle, startEmailSignIn, verifyEmail, verifyBrowserEmail],
  ...[getBrowserSession, endBrowserSession],
  ...[startDeviceLink, getDeviceLink, approveDeviceLink, pollDeviceLink],
  ...[checkoutStripe, checkoutCrypto, claimStripe, claimCrypto, stripeWebhook, cryptoWebhook],
  ...[listKeys, createKey, revokeKey],
  getBalance,
  ...studioOperations,
  ...[getRetiredBalance, consumeRetired],
  ...[submitMediaJob, getMediaJob],
]
