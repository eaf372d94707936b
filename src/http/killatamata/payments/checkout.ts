/** POST checkout/stripe and checkout/crypto: a page of a provider, on which a package is paid. */
import { z } from '@hono/zod-openapi'
import type { CommandContext } from '../../../commands/handle.ts'
import { account } from '../../../commands/killatamata/account.ts'
import { packages } from '../../../commands/killatamata/packages.ts'
import type { CheckoutProvider } from '../../../events/killatamata/vocabulary.ts'
import { plainEmail } from '../../../processes/killatamata/digests.ts'
import { openCheckout } from '../../../processes/killatamata/purchasing.ts'
import { bindAtCheckout } from '../../../processes/killatamata/referring.ts'
import { json } from '../../answers.ts'
import { Problem } from '../../errors.ts'
import { timeOut } from '../../schemas.ts'
import { accountKey, type Customer, type KillatamataParts, write } from '../access.ts'
import { code } from '../affiliates/affiliate-view.ts'
import { email } from '../auth/email.ts'
import type { KillatamataCode } from '../errors.ts'
import { requestKey } from '../request-key.ts'
import { redirectUrl, requireRedirect } from './redirects.ts'
import { orUnavailable } from './unavailable.ts'

const CODE_LENGTH_MAX = 200
const common = {
  packageCode: z
    .string()
    .min(1)
    .refine((given) => given.length <= CODE_LENGTH_MAX, `must have at most ${CODE_LENGTH_MAX} characters`),
  cancelUrl: redirectUrl.optional(),
  email: email.optional(),
  affiliateCode: code.optional(),
}
const stripeRequest = z.strictObject({ ...common, successUrl: redirectUrl.optional() }).openapi('StripeCheckoutRequest')
const cryptoRequest = z
  .strictObject({ ...common, redirectUrl: redirectUrl.optional() })
  .openapi('CryptoCheckoutRequest')

const opened = {
  ...{ ok: z.literal(true), checkoutUrl: z.string(), packageCode: z.string(), usdCents: z.int(), expiresAt: timeOut },
  affiliate: z.object({ bound: z.boolean(), reason: z.string().optional() }).nullable(),
}
const stripeAnswer = z
  .object({ ...opened, provider: z.literal('stripe'), sessionId: z.string() })
  .openapi('StripeCheckoutResponse')
const cryptoAnswer = z
  .object({ ...opened, provider: z.literal('coinbase'), chargeId: z.string() })
  .openapi('CryptoCheckoutResponse')

interface Wanted {
  provider: CheckoutProvider
  packageCode: string
  successUrl: string | undefined
  cancelUrl: string | undefined
  email: string | undefined
  affiliateCode: string | undefined
}

type Parts = Pick<KillatamataParts, 'bus' | 'purchasing' | 'referring' | 'allowsLoopback'>

/** The checkout, once its payment is recorded. Nothing is opened at the provider where the request is refused. */
async function begin(
  { bus, purchasing, referring, allowsLoopback }: Parts,
  { accountId }: Customer,
  { provider, packageCode, affiliateCode, email: given, ...urls }: Wanted,
  command: CommandContext,
) {
  requireRedirect(urls.successUrl, provider === 'stripe' ? 'successUrl' : 'redirectUrl', allowsLoopback)
  requireRedirect(urls.cancelUrl, 'cancelUrl', allowsLoopback)
  const sold = packages.find(({ code }) => code === packageCode)
  if (!sold) throw refusal('package_not_found', 'There is no such package.')
  const affiliate = await bindAtCheckout(referring, accountId, affiliateCode, command)
  const state = await bus.load(account, accountId)
  const own = state.status === 'active' ? state.email : undefined
  const order = {
    ...{ accountId, provider, packageCode, usdCents: String(sold.usdCents) },
    ...{ successUrl: urls.successUrl ?? null, cancelUrl: urls.cancelUrl ?? null },
    // Any other address has no effect.
    prefillsEmail: given !== undefined && plainEmail(given) === own,
  }
  const about = { title: `${sold.name}: ${sold.usdCents / 100} dollars of credit`, email: own }
  const { facts, opening, handled } = await orUnavailable(() => openCheckout(purchasing, order, about, command))
  const { checkoutUrl, expiresAt, providerId } = opening
  const shown = { ok: true as const, checkoutUrl, packageCode: facts.packageCode, usdCents: Number(facts.usdCents) }
  return { providerId, shown: { ...shown, expiresAt, affiliate }, handled }
}

const refusal = (code: KillatamataCode, detail: string) => new Problem<KillatamataCode>(code, detail)

const refuses = ['package_not_found', 'affiliate_code_not_found', 'affiliate_self_referral'] as const

export const checkoutStripe = write({
  path: '/api/v1/checkout/stripe',
  id: 'checkoutStripe',
  tags: ['checkout'],
  summary: 'Create Stripe checkout (API key required)',
  description: 'Answers with a page on which the package is paid by card. Its credit comes with the payment.',
  access: accountKey,
  key: requestKey,
  body: stripeRequest,
  answers: { 201: json(stripeAnswer, 'The checkout can be paid.') },
  refuses,
  async handle({ principal, body, command, ...parts }) {
    const { packageCode, successUrl, cancelUrl, email: given, affiliateCode: code } = body
    const wanted = {
      packageCode,
      successUrl,
      cancelUrl,
      email: given,
      affiliateCode: code,
      provider: 'stripe' as const,
    }
    const { providerId: sessionId, shown, handled } = await begin(parts, principal, wanted, command)
    return { status: 201, body: { ...shown, provider: 'stripe' as const, sessionId }, handled }
  },
})

export const checkoutCrypto = write({
  path: '/api/v1/checkout/crypto',
  id: 'checkoutCrypto',
  tags: ['checkout'],
  summary: 'Create crypto checkout (API key required)',
  description: 'Answers with a page on which the package is paid with crypto. Its credit comes with the payment.',
  access: accountKey,
  key: requestKey,
  body: cryptoRequest,
  answers: { 201: json(cryptoAnswer, 'The checkout can be paid.') },
  refuses,
  async handle({ principal, body, command, ...parts }) {
    const { packageCode, redirectUrl: successUrl, cancelUrl, email: given, affiliateCode: code } = body
    const wanted = {
      packageCode,
      successUrl,
      cancelUrl,
      email: given,
      affiliateCode: code,
      provider: 'coinbase' as const,
    }
    const { providerId: chargeId, shown, handled } = await begin(parts, principal, wanted, command)
    return { status: 201, body: { ...shown, provider: 'coinbase' as const, chargeId }, handled }
  },
})
