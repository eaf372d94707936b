/** Parts of killatamata that its HTTP and its processes open alike, from the settings. */

import type { Google } from '../../adapters/identity/google.ts'
import { createSignedTokens } from '../../adapters/identity/signed-tokens.ts'
import { createCharges } from '../../adapters/payments/coinbase.ts'
import { PaymentsUnavailable } from '../../adapters/payments/payments.ts'
import { createStripePayments } from '../../adapters/payments/stripe.ts'
import type { X402Network } from '../../adapters/x402/chain.ts'
import type { CommandBus } from '../../commands/handle.ts'
import { createLedgers, type Ledgers } from '../../commands/killatamata/ledgers.ts'
import { microsOfCents } from '../../commands/killatamata/money.ts'
import type { ContextParts } from '../../context.ts'
import type { CheckoutProvider } from '../../events/killatamata/vocabulary.ts'
import type { Authorization } from '../../events/killatamata/x402.ts'
import type { Log } from '../../log.ts'
import { findBalance } from '../../projections/killatamata/ledger.ts'
import { findFirstStart } from '../../projections/killatamata/payment.ts'
import { createObjectKeys } from '../../vault/object-keys.ts'
import { createSignInDigests } from './digests.ts'
import type { Purchasing } from './purchasing.ts'
import type { AffiliateTerms, Referring } from './referring.ts'
import { isSandbox, type StandIns } from './sandbox-parts.ts'
import { type KillatamataSettings, killatamataSettings } from './settings.ts'
import { coinbaseShop, type Shop, stripeShop } from './shops.ts'
import type { SignInParts } from './signing-in.ts'
import { createX402Payments, type X402Payments } from './x402.ts'

/** Keys in memory; one that another process destroys is noticed within this time. */
const CACHE = { cachedMax: 100, ttlMs: 60_000 }

export const signInPartsOf = ({ bus, db, keyRing, settings }: ContextParts): SignInParts => ({
  ...{ bus, digests: createSignInDigests(createObjectKeys(db, keyRing, CACHE)) },
  keysMax: settings(killatamataSettings).KILLATAMATA_KEYS_MAX,
})

const openedLedgers = new WeakMap<CommandBus, Ledgers>()

/** Those of a bus, for all parts of a process: where one of them goes on to the next period, the others know. */
export function ledgersOf({ bus, db, settings }: ContextParts): Ledgers {
  const opened = openedLedgers.get(bus)
  if (opened) return opened
  const ledgers = createLedgers(bus, {
    periodEventsMax: settings(killatamataSettings).LEDGER_PERIOD_EVENTS_MAX,
    periodHint: async (accountId) => (await findBalance(db, accountId))?.period,
  })
  openedLedgers.set(bus, ledgers)
  return ledgers
}

/** Undefined: nobody signs in with Google here. */
export async function openGoogleSignIn(
  settings: KillatamataSettings,
  standIns: StandIns | undefined,
): Promise<Google | undefined> {
  const { GOOGLE_ISSUERS: issuers, GOOGLE_TIMEOUT_MS: timeoutMs } = settings
  const clientId = settings.GOOGLE_CLIENT_ID ?? standIns?.google.clientId
  if (clientId === undefined) return undefined
  const keysUrl = standIns?.google.keysUrl ?? settings.GOOGLE_JWKS_URL
  const { openGoogle } = await import('../../adapters/identity/google.ts')
  return openGoogle({ clientId, issuers, keysUrl, timeoutMs })
}

type ShopParts = Pick<ContextParts, 'settings' | 'apiUrl'>

/** The providers of an instance. One that there is not says so when it is asked for. */
export function openShops(parts: ShopParts, standIns: StandIns | undefined): (provider: CheckoutProvider) => Shop {
  const given = parts.settings(killatamataSettings)
  const { KILLATAMATA_STRIPE_SECRET_KEY: secretKey, KILLATAMATA_STRIPE_WEBHOOK_SECRET: webhookSecret } = given
  const { COINBASE_API_KEY: apiKey, COINBASE_WEBHOOK_SECRET, COINBASE_API_URL: url } = given
  const stripe = secretKey === undefined ? standIns?.stripe : { secretKey, webhookSecret, url: undefined }
  const coinbase = apiKey === undefined ? standIns?.coinbase : { apiKey, webhookSecret: COINBASE_WEBHOOK_SECRET, url }
  const known: Record<CheckoutProvider, Shop | undefined> = {
    stripe: stripe && stripeShop(createStripePayments(stripe), () => `${parts.apiUrl()}/killatamata/device`),
    coinbase: coinbase && coinbaseShop(createCharges(coinbase)),
  }
  return (provider) => {
    const shop = known[provider]
    if (!shop) throw new PaymentsUnavailable(`Nobody takes payments by ${provider} here.`)
    return shop
  }
}

export interface OpenX402 {
  networks: readonly X402Network[]
  payments: X402Payments
}

/** Undefined: nothing is paid by x402 here. */
export async function openX402(parts: ContextParts, standIns: StandIns | undefined): Promise<OpenX402 | undefined> {
  const given = parts.settings(killatamataSettings)
  const local = given.X402_NETWORKS.length === 0 ? standIns?.x402 : undefined
  const networks = local ? [local.network] : given.X402_NETWORKS
  if (networks.length === 0) return undefined
  const { openX402Chain } = await import('../../adapters/x402/chain.ts')
  const chains = networks.map((network) =>
    openX402Chain({
      ...{ network, relayerKey: local?.relayerKey ?? given.X402_RELAYER_KEY },
      facilitatorUrl: local ? undefined : given.X402_FACILITATOR_URL,
      ...{ timeoutMs: given.X402_RPC_TIMEOUT_MS, answerMaxBytes: given.X402_RPC_ANSWER_MAX_BYTES },
      sendWaitMs: given.X402_SEND_WAIT_MS,
    }),
  )
  const of = ({ network }: Authorization) => {
    const chain = chains.find((each) => each.network.network === network)
    if (!chain) throw new Error(`a payment is of ${network}, which is not configured any more`)
    return chain
  }
  const openedAt = parts.clock.now()
  const payments = createX402Payments({
    ...{ bus: parts.bus, ledgers: ledgersOf(parts), now: parts.clock.now },
    chain: {
      faultOf: (authorization) => of(authorization).faultOf(authorization),
      isSigned: (authorization) => of(authorization).isSigned(authorization),
      send: (authorization) => of(authorization).send(authorization),
      outcomeOf: (authorization) => of(authorization).outcomeOf(authorization),
      isFunded: (authorization) => of(authorization).isFunded(authorization),
    },
    limits: {
      ...{ waitMaxMs: given.X402_WAIT_MAX_MS, pollMs: given.X402_POLL_MS },
      foreignMaxMs: given.X402_FOREIGN_SETTLEMENT_MAX_S * 1_000,
      firstStart: async () => (await findFirstStart(parts.db)) ?? openedAt,
    },
  })
  return { networks, payments }
}

export const openPurchasing = (
  parts: ContextParts,
  standIns: StandIns | undefined,
  log: Pick<Log, 'warn' | 'error'>,
): Purchasing => ({ ...{ bus: parts.bus, ledgers: ledgersOf(parts), shopOf: openShops(parts, standIns), log } })

const DAY_MS = 86_400_000
/** Where nobody says otherwise: of an installation, and of a sandbox. */
const USUAL_TERMS = { holdDays: 14, payoutMinCents: 1_000 }
const SANDBOX_TERMS = { holdDays: 0, payoutMinCents: 100 }

export function affiliateTermsOf(parts: Pick<ContextParts, 'config' | 'services' | 'settings'>): AffiliateTerms {
  const given = parts.settings(killatamataSettings)
  const usual = isSandbox(parts) ? SANDBOX_TERMS : USUAL_TERMS
  return {
    commissionBasisPoints: given.AFFILIATE_COMMISSION_BASIS_POINTS,
    commissionMonths: given.AFFILIATE_COMMISSION_MONTHS,
    holdMs: (given.AFFILIATE_HOLD_DAYS ?? usual.holdDays) * DAY_MS,
    payoutMinimumMicros: microsOfCents(BigInt(given.AFFILIATE_PAYOUT_MIN_CENTS ?? usual.payoutMinCents)),
    isReviewed: given.AFFILIATE_REVIEW === 'on',
    captureMs: given.AFFILIATE_CAPTURE_S * 1_000,
  }
}

export function referringOf(parts: ContextParts): Referring {
  const keys = createObjectKeys(parts.db, parts.keyRing, CACHE)
  const captureTokens = createSignedTokens(() => keys.ensure('killatamata.capture', 'installation'))
  return { bus: parts.bus, terms: affiliateTermsOf(parts), captureTokens }
}
