/** Parts of killatamata that its HTTP and its processes open alike, from the settings. */

import type { Google } from '../../adapters/identity/google.ts'
import { createSignedTokens } from '../../adapters/identity/signed-tokens.ts'
import { createCharges } from '../../adapters/payments/coinbase.ts'
import { type Payments, PaymentsUnavailable } from '../../adapters/payments/payments.ts'
import { createStripePayments } from '../../adapters/payments/stripe.ts'
import { createLedgers, type Ledgers } from '../../commands/killatamata/ledgers.ts'
import { microsOfCents } from '../../commands/killatamata/money.ts'
import type { ContextParts } from '../../context.ts'
import type { CheckoutProvider } from '../../events/killatamata/vocabulary.ts'
import type { Log } from '../../log.ts'
import { findBalance } from '../../projections/killatamata/ledger.ts'
import { createObjectKeys } from '../../vault/object-keys.ts'
import { createSignInDigests } from './digests.ts'
import type { Purchasing } from './purchasing.ts'
import type { AffiliateTerms, Referring } from './referring.ts'
import { type KillatamataSettings, killatamataSettings } from './settings.ts'
import { coinbaseShop, type Shop, stripeShop } from './shops.ts'
import type { SignInParts } from './signing-in.ts'

/** Keys in memory; one that another process destroys is noticed within this time. */
const CACHE = { cachedMax: 100, ttlMs: 60_000 }

export const signInPartsOf = ({ bus, db, keyRing, settings }: ContextParts): SignInParts => ({
  ...{ bus, digests: createSignInDigests(createObjectKeys(db, keyRing, CACHE)) },
  keysMax: settings(killatamataSettings).KILLATAMATA_KEYS_MAX,
})

export const ledgersOf = ({ bus, db, settings }: ContextParts): Ledgers =>
  createLedgers(bus, {
    periodEventsMax: settings(killatamataSettings).LEDGER_PERIOD_EVENTS_MAX,
    periodHint: async (accountId) => (await findBalance(db, accountId))?.period,
  })

/** Undefined: nobody signs in with Google here. */
export async function openGoogleSignIn(settings: KillatamataSettings): Promise<Google | undefined> {
  const { GOOGLE_CLIENT_ID: clientId, GOOGLE_ISSUERS: issuers } = settings
  if (clientId === undefined) return undefined
  const { openGoogle } = await import('../../adapters/identity/google.ts')
  return openGoogle({ clientId, issuers, keysUrl: settings.GOOGLE_JWKS_URL, timeoutMs: settings.GOOGLE_TIMEOUT_MS })
}

const STRIPE_WEBHOOK_PATH = '/killatamata/api/v1/webhooks/stripe'
/** Beside that of another context. */
const STAND_IN_DIRECTORY = 'stripe-killatamata'

type ShopParts = Pick<ContextParts, 'config' | 'services' | 'settings' | 'apiUrl'>

/** Stripe where it has a key, the stand-in where that may serve; else the reason why there is none. */
async function openStripe({ config, services, settings }: ShopParts): Promise<Payments | string> {
  const given = settings(killatamataSettings)
  const { KILLATAMATA_STRIPE_SECRET_KEY: secretKey, KILLATAMATA_STRIPE_WEBHOOK_SECRET: webhookSecret } = given
  if (secretKey !== undefined) return createStripePayments({ secretKey, webhookSecret, url: undefined })
  if (services.eventStore.kind !== 'embedded') return 'Purchases by card need KILLATAMATA_STRIPE_SECRET_KEY.'
  if (!['api', 'relay'].every((role) => config.ROLES.includes(role as never))) {
    return 'The stand-in for Stripe serves one process that has the roles api and relay.'
  }
  const { url, keys } = await services.stripeStandIn(STRIPE_WEBHOOK_PATH, STAND_IN_DIRECTORY)
  return createStripePayments({ ...keys.test, url })
}

/** The providers of an instance. One that there is not says so when it is asked for. */
export async function openShops(parts: ShopParts): Promise<(provider: CheckoutProvider) => Shop> {
  const { COINBASE_API_KEY: apiKey, ...given } = parts.settings(killatamataSettings)
  const stripe = await openStripe(parts)
  const known: Record<CheckoutProvider, Shop | string> = {
    stripe: typeof stripe === 'string' ? stripe : stripeShop(stripe, () => `${parts.apiUrl()}/killatamata/device`),
    coinbase:
      apiKey === undefined
        ? 'Purchases by crypto charges need COINBASE_API_KEY.'
        : coinbaseShop(
            createCharges({ apiKey, webhookSecret: given.COINBASE_WEBHOOK_SECRET, url: given.COINBASE_API_URL }),
          ),
  }
  return (provider) => {
    const shop = known[provider]
    if (typeof shop === 'string') throw new PaymentsUnavailable(shop)
    return shop
  }
}

export const openPurchasing = async (parts: ContextParts, log: Pick<Log, 'warn' | 'error'>): Promise<Purchasing> => ({
  ...{ bus: parts.bus, ledgers: ledgersOf(parts), shopOf: await openShops(parts), log },
})

const DAY_MS = 86_400_000
/** Where nobody says otherwise: of an installation, and of a sandbox. */
const USUAL_TERMS = { holdDays: 14, payoutMinCents: 1_000 }
const SANDBOX_TERMS = { holdDays: 0, payoutMinCents: 100 }

export function affiliateTermsOf({ services, settings }: Pick<ContextParts, 'services' | 'settings'>): AffiliateTerms {
  const given = settings(killatamataSettings)
  const usual = services.eventStore.kind === 'embedded' ? SANDBOX_TERMS : USUAL_TERMS
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
