/** The payment providers of an instance: Stripe where it has a key, the stand-in where that may serve, none otherwise. */
import { type Payments, PaymentsUnavailable } from '../../adapters/payments/payments.ts'
import { createStripePayments } from '../../adapters/payments/stripe.ts'
import type { ContextParts } from '../../context.ts'
import type { Environment } from '../../events/firsthand/vocabulary.ts'
import { firsthandSettings } from './settings.ts'

export const STRIPE_WEBHOOK_PATH = '/firsthand/stripe/webhook'

/** The provider of an environment. Throws PaymentsUnavailable with the reason where there is none. */
export type PaymentsOf = (environment: Environment) => Payments

export async function openPayments(parts: Pick<ContextParts, 'config' | 'services' | 'settings'>): Promise<PaymentsOf> {
  const settings = parts.settings(firsthandSettings)
  const { STRIPE_SECRET_KEY: live, STRIPE_TEST_SECRET_KEY: test } = settings
  if (live !== undefined || test !== undefined) {
    const ofStripe = (secretKey: string | undefined, webhookSecret: string | undefined) =>
      secretKey === undefined ? undefined : createStripePayments({ secretKey, webhookSecret, url: undefined })
    const known = {
      live: ofStripe(live, settings.STRIPE_WEBHOOK_SECRET),
      test: ofStripe(test, settings.STRIPE_TEST_WEBHOOK_SECRET),
    }
    const names = { live: 'STRIPE_SECRET_KEY', test: 'STRIPE_TEST_SECRET_KEY' }
    return (environment) => known[environment] ?? none(`${names[environment]} is not set.`)
  }
  const { ROLES: roles } = parts.config
  const isOneProcess = (['api', 'relay'] as const).every((role) => roles.includes(role))
  const isPrivate = parts.services.eventStore.kind === 'embedded'
  if (!isPrivate && settings.STRIPE_STAND_IN === 'auto') {
    return () =>
      none('Purchases need STRIPE_SECRET_KEY; STRIPE_STAND_IN=on lets a stand-in serve, in which no money moves.')
  }
  if (!isOneProcess) return () => none('The stand-in for Stripe serves one process that has the roles api and relay.')
  const { url, keys } = await parts.services.stripeStandIn(STRIPE_WEBHOOK_PATH)
  const opened = {
    live: createStripePayments({ ...keys.live, url }),
    test: createStripePayments({ ...keys.test, url }),
  }
  return (environment) => opened[environment]
}

function none(reason: string): never {
  throw new PaymentsUnavailable(reason)
}
