/**
 * How the payment provider knows an organization: one customer for each environment, claimed before the provider is asked for
 * it, and the card that automatic top-ups are paid with.
 */
import type { OrganizationEvent } from '../../events/firsthand/organization.ts'
import type { Environment } from '../../events/firsthand/vocabulary.ts'
import type { ExistingOrganization, Settings } from './organization.ts'
import type { TopUpRule } from './wallet-top-ups.ts'

interface Customer {
  /** Null: claimed, and not known yet. */
  customerId: string | null
  paymentMethodId: string | null
}
export type Payments = Partial<Readonly<Record<Environment, Customer>>>

export type PaymentCommand =
  | { kind: 'claimCustomer'; environment: Environment; at: string }
  /** The first one stays. */
  | { kind: 'linkCustomer'; environment: Environment; customerId: string; at: string }
  | { kind: 'savePaymentMethod'; environment: Environment; paymentMethodId: string; at: string }

type PaymentEvent = Extract<
  OrganizationEvent,
  { type: `firsthand.StripeCustomer${string}` | `firsthand.PaymentMethod${string}` }
>

export function evolvePayments(payments: Payments, { type, data }: PaymentEvent): Payments {
  const { environment } = data
  const known = payments[environment] ?? { customerId: null, paymentMethodId: null }
  switch (type) {
    case 'firsthand.StripeCustomerClaimed.v1':
      return { ...payments, [environment]: known }
    case 'firsthand.StripeCustomerLinked.v1':
      return { ...payments, [environment]: { ...known, customerId: data.customerId } }
    case 'firsthand.PaymentMethodSaved.v1':
      return { ...payments, [environment]: { ...known, paymentMethodId: data.paymentMethodId } }
    default:
      return type satisfies never
  }
}

export function decidePayments(
  command: PaymentCommand,
  { facts, payments }: ExistingOrganization,
): OrganizationEvent[] {
  const { environment, at: occurredAt } = command
  const of = { organizationId: facts.organizationId, occurredAt, environment }
  const known = payments[environment]
  switch (command.kind) {
    case 'claimCustomer':
      return known ? [] : [{ type: 'firsthand.StripeCustomerClaimed.v1', data: of }]
    case 'linkCustomer': {
      if (known?.customerId) return []
      return [{ type: 'firsthand.StripeCustomerLinked.v1', data: { ...of, customerId: command.customerId } }]
    }
    case 'savePaymentMethod': {
      const { paymentMethodId } = command
      if (known?.paymentMethodId === paymentMethodId) return []
      return [{ type: 'firsthand.PaymentMethodSaved.v1', data: { ...of, paymentMethodId } }]
    }
    default:
      return command satisfies never
  }
}

/** Null where nothing is bought by itself. Nothing is in the test environment, whose jobs cost nothing. */
export function topUpRuleOf(settings: Settings, environment: Environment): TopUpRule | null {
  const { autoTopUpEnabled, autoTopUpThresholdCents: threshold, autoTopUpAmountCents: amount } = settings
  if (environment === 'test' || !autoTopUpEnabled || threshold === null || amount === null) return null
  return { thresholdCents: BigInt(threshold), amountCents: BigInt(amount) }
}
