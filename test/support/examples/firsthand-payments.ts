/** Examples of the events that tell of purchases and top-ups: one pack, paid and partly given back, and one top-up. */
import type { OrganizationEvent } from '../../../src/events/firsthand/organization.ts'
import type { CheckoutEvent, PurchaseEvent, TopUpEvent } from '../../../src/events/firsthand/purchase.ts'
import type { WalletEvent } from '../../../src/events/firsthand/wallet.ts'
import { prefixedId } from '../../../src/runtime/ulid.ts'

export type PaymentStoryEvent = CheckoutEvent | PurchaseEvent | TopUpEvent
type Told =
  | PaymentStoryEvent
  | Extract<WalletEvent, { type: `firsthand.${'CreditsPurchased' | 'CreditsClawedBack' | 'AutoTopUp'}${string}` }>
  | Extract<OrganizationEvent, { type: `firsthand.${'Stripe' | 'PaymentMethod'}${string}` }>

/** `timeAt` is that of examples.ts. */
export function paymentExamples(timeAt: (seconds: number) => string) {
  const idOf = (prefix: string, name = '') => prefixedId(prefix, timeAt(0), name)
  const organizationId = idOf('org')
  const ofOrganization = (seconds: number) => ({ organizationId, occurredAt: timeAt(seconds) })
  const ofWallet = (seconds: number) => ({ ...ofOrganization(seconds), environment: 'live' as const })
  const ofCheckout = (seconds: number) => ({ ...ofWallet(seconds), sessionId: 'cs_live_example' })
  const purchaseId = idOf('pur')
  const topUpId = idOf('tup')
  const ofTopUp = (seconds: number) => ({ ...ofWallet(seconds), topUpId })
  const bought = { lotId: idOf('crtx', 'purchase'), kind: 'purchase', endsAt: timeAt(31_536_740) } as const
  const byCheckout = { source: { kind: 'checkout', id: 'cs_live_example' } } as const
  return {
    'firsthand.StripeCustomerClaimed.v1': { ...ofOrganization(736), environment: 'live' },
    'firsthand.CheckoutRequested.v1': {
      ...ofWallet(736),
      ...{ purchaseId, amountCents: '5000', successUrl: 'http://127.0.0.1:8080/firsthand/checkout/done' },
    },
    'firsthand.StripeCustomerLinked.v1': { ...ofOrganization(737), environment: 'live', customerId: 'cus_example' },
    'firsthand.PurchaseStarted.v1': {
      ...ofCheckout(738),
      ...{ purchaseId, customerId: 'cus_example', amountCents: '5000', currency: 'usd' },
    },
    'firsthand.CheckoutOpened.v1': {
      ...ofCheckout(738),
      ...{ purchaseId, checkoutUrl: 'https://checkout.stripe.com/c/pay/cs_live_example' },
    },
    'firsthand.PurchasePaid.v1': { ...ofCheckout(740), amountCents: '5000', paymentIntentId: 'pi_example' },
    'firsthand.CreditsPurchased.v1': {
      ...ofWallet(740),
      ...{ transactionId: bought.lotId, kind: 'purchase', amountCents: '5000', endsAt: bought.endsAt },
      ...{ ...byCheckout, balanceCents: '6000' },
    },
    'firsthand.PaymentMethodSaved.v1': { ...ofOrganization(741), environment: 'live', paymentMethodId: 'pm_example' },
    'firsthand.PurchaseReversed.v1': {
      ...ofCheckout(742),
      ...{ cause: 'refund', amountCents: '1000', reversedCents: '1000' },
    },
    'firsthand.CreditsClawedBack.v1': {
      ...ofWallet(742),
      ...{ transactionId: idOf('crtx', 'back'), ...byCheckout, amountCents: '1000', balanceCents: '5000' },
      ...{ parts: [{ ...bought, amountCents: '1000', remainingCents: '4000' }], reversedCents: '1000', owedCents: '0' },
    },
    'firsthand.PurchaseFailed.v1': { ...ofCheckout(743), reason: 'card_declined' },
    'firsthand.PurchaseExpired.v1': ofCheckout(744),
    'firsthand.PurchaseQuarantined.v1': { ...ofCheckout(745), amountCents: '1', currency: 'usd' },
    'firsthand.AutoTopUpDue.v1': {
      ...ofTopUp(746),
      ...{ amountCents: '2500', thresholdCents: '5500', balanceCents: '5000' },
    },
    'firsthand.TopUpStarted.v1': {
      ...ofTopUp(747),
      ...{ attempt: 1, amountCents: '2500', customerId: 'cus_example', paymentMethodId: 'pm_example' },
    },
    'firsthand.TopUpDeclined.v1': {
      ...ofTopUp(748),
      ...{ attempt: 1, reason: 'card_declined', nextAttemptAt: timeAt(4_348) },
    },
    'firsthand.TopUpPaid.v1': { ...ofTopUp(749), attempt: 1, paymentIntentId: 'pi_other' },
    'firsthand.TopUpReversed.v1': {
      ...ofTopUp(750),
      ...{ cause: 'dispute', amountCents: '2500', reversedCents: '2500' },
    },
    'firsthand.AutoTopUpSettled.v1': { ...ofTopUp(751), balanceCents: '5000' },
    'firsthand.AutoTopUpCancelled.v1': { ...ofTopUp(752), balanceCents: '5000' },
    'firsthand.AutoTopUpFailed.v1': {
      ...ofTopUp(753),
      ...{ balanceCents: '5000', amountCents: '2500', attempts: 4, reason: 'card_declined' },
    },
  } satisfies { readonly [T in Told['type']]: Extract<Told, { type: T }>['data'] }
}

/** The stream that one of them belongs in; undefined: it is none of them. */
export function paymentStreamOf({ type, data }: { type: string; data: Record<string, unknown> }): string | undefined {
  if (/\.Checkout/.test(type)) return `firsthand.checkout-${data.purchaseId}`
  if (/\.Purchase/.test(type)) return `firsthand.purchase-${data.sessionId}`
  if (/\.TopUp/.test(type)) return `firsthand.topUp-${data.topUpId}`
  return undefined
}
