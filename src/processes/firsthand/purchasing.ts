/**
 * Purchases, step by step over the payment provider, the purchase and the wallet. Every step may be done again: by the request
 * that is sent again, by the provider's next event, or by the sweep. Each names its command by what it is about, and asks the
 * provider under the same key, so that one checkout has one session, and one payment is credited once.
 */
import {
  type PaymentEvent,
  type PaymentSession,
  type Payments,
  PaymentsUnavailable,
  type ReversedBy,
} from '../../adapters/payments/payments.ts'
import { stepContext } from '../../commands/context.ts'
import { type CheckoutFacts, checkout } from '../../commands/firsthand/checkout.ts'
import { organization } from '../../commands/firsthand/organization.ts'
import { type PurchaseFacts, type PurchaseState, purchase } from '../../commands/firsthand/purchase.ts'
import { type TopUpState, topUp } from '../../commands/firsthand/top-up.ts'
import { wallet, walletIdOf } from '../../commands/firsthand/wallet.ts'
import type { CommandBus, CommandContext } from '../../commands/handle.ts'
import { deterministicId, fingerprintOf } from '../../commands/identity.ts'
import type { PurchaseSource } from '../../events/firsthand/wallet.ts'
import type { Log } from '../../log.ts'
import { crashPoint } from '../../runtime/crash-points.ts'
import { prefixedId } from '../../runtime/ulid.ts'

export interface Purchasing {
  bus: CommandBus
  payments: Payments
  log: Pick<Log, 'warn' | 'error'>
}

const CURRENCY = 'usd'

/** The context of a step that follows from another one. */
export const stepOf = (context: CommandContext, step: string, ...about: string[]): CommandContext =>
  stepContext(context, deterministicId('firsthand.payments', step, ...about))

export type CheckoutOrder = Pick<CheckoutFacts, 'organizationId' | 'environment' | 'amountCents' | 'successUrl'>

/** Opens a checkout: its session is recorded before anybody learns its link. Throws PaymentsUnavailable. */
export async function openCheckout(deps: Purchasing, order: CheckoutOrder, context: CommandContext) {
  const { bus, payments } = deps
  const id = context.commandId
  const { at } = context
  const asked = { ...order, purchaseId: prefixedId('pur', at, id), occurredAt: at }
  const { replayed } = await bus.handle(checkout, id, { kind: 'request', facts: asked }, context)
  const state = await bus.current(checkout, id)
  if (state.status === 'absent') throw new Error('a checkout was neither recorded nor refused')
  const { facts } = state
  if (state.session) return { ...state.session, handled: { position: undefined, replayed } }
  const { organizationId, environment, purchaseId, amountCents, successUrl } = facts
  const customerId = await customerOf(deps, { organizationId, environment }, context)
  const session = await payments.openCheckout({
    ...{ key: purchaseId, purchaseId, customerId, successUrl, amountCents: BigInt(amountCents) },
    title: `${amountCents} credits`,
  })
  crashPoint('payments.after-checkout', purchaseId)
  const { sessionId, url } = session
  if (url === null) throw new Error(`${sessionId} has no page to pay on`)
  const amounts = { amountCents, currency: CURRENCY }
  const started: PurchaseFacts = {
    organizationId,
    environment,
    purchaseId,
    sessionId,
    customerId,
    ...amounts,
    occurredAt: at,
  }
  const step = (name: string) => stepOf(context, name, sessionId)
  const { position } = await bus.handle(purchase, sessionId, { kind: 'start', facts: started }, step('start'))
  const opened = { kind: 'open', sessionId, checkoutUrl: url, at } as const
  await bus.handle(checkout, id, opened, step('open'))
  return { sessionId, checkoutUrl: url, handled: { position, replayed: false } }
}

/** The provider's customer for the organization, claimed before it is made. */
async function customerOf(
  { bus, payments }: Purchasing,
  { organizationId, environment }: Pick<CheckoutFacts, 'organizationId' | 'environment'>,
  context: CommandContext,
): Promise<string> {
  const { at } = context
  const known = async () => {
    const state = await bus.current(organization, organizationId)
    return state.status === 'absent' ? undefined : { name: state.facts.name, ...state.payments[environment] }
  }
  const step = (name: string) => stepOf(context, name, organizationId, environment)
  const before = await known()
  if (before?.customerId) return before.customerId
  await bus.handle(organization, organizationId, { kind: 'claimCustomer', environment, at }, step('claim'))
  const key = `customer ${organizationId} ${environment}`
  const customerId = await payments.createCustomer({ key, organizationId, name: before?.name ?? '' })
  crashPoint('payments.after-customer', organizationId)
  await bus.handle(organization, organizationId, { kind: 'linkCustomer', environment, customerId, at }, step('link'))
  return (await known())?.customerId ?? customerId
}

/** Takes in what the provider says of a session. Answers with the purchase; one that is not ours stays absent. */
export async function settleSession(
  deps: Purchasing,
  session: PaymentSession,
  context: CommandContext,
): Promise<PurchaseState> {
  const { bus, log } = deps
  const { sessionId, amountCents, currency, paymentIntentId } = session
  const { at } = context
  const command = session.isPaid
    ? ({ kind: 'pay', amountCents, currency, paymentIntentId, at } as const)
    : session.status === 'expired'
      ? ({ kind: 'expire', at } as const)
      : undefined
  if (command) await bus.handle(purchase, sessionId, command, stepOf(context, command.kind, sessionId))
  const state = await bus.current(purchase, sessionId)
  if (state.status === 'quarantined') {
    const paid = { amountCents: amountCents.toString(), currency }
    log.error({ sessionId, recorded: state.facts, paid }, 'a payment is not what was recorded: it is not credited')
  }
  if (state.status === 'paid') {
    await creditPurchase(deps, state.facts, context)
    await keepCard(deps, state.facts, context)
  }
  return state
}

/** The second step of a payment: its credits, once. */
async function creditPurchase({ bus }: Purchasing, facts: PurchaseFacts, context: CommandContext): Promise<void> {
  const { organizationId, environment, sessionId, amountCents } = facts
  const of = { organizationId, environment }
  const source: PurchaseSource = { kind: 'checkout', id: sessionId }
  const command = { kind: 'buy', wallet: of, source, amountCents: BigInt(amountCents), at: context.at } as const
  await bus.handle(wallet, walletIdOf(of), command, stepOf(context, 'credit', sessionId))
}

/** The card is a convenience: without it a top-up asks the provider. */
async function keepCard(
  { bus, payments, log }: Purchasing,
  facts: PurchaseFacts,
  context: CommandContext,
): Promise<void> {
  const { organizationId, environment, customerId } = facts
  try {
    const paymentMethodId = await payments.cardOf(customerId)
    if (paymentMethodId === undefined) return
    const command = { kind: 'savePaymentMethod', environment, paymentMethodId, at: context.at } as const
    await bus.handle(organization, organizationId, command, stepOf(context, 'card', facts.sessionId))
  } catch (err) {
    log.warn({ err, sessionId: facts.sessionId }, 'the card of a purchase is not known yet')
  }
}

/** Takes in an event of the provider. Throws PaymentsUnavailable: it is to be sent again. */
export async function takePaymentEvent(deps: Purchasing, event: PaymentEvent, context: CommandContext): Promise<void> {
  switch (event.kind) {
    case 'session':
      return void (await settleSession(deps, event.session, context))
    case 'sessionFailed': {
      const { sessionId } = event.session
      const command = { kind: 'fail', reason: 'the payment failed afterwards', at: context.at } as const
      return void (await deps.bus.handle(purchase, sessionId, command, stepOf(context, 'fail', sessionId)))
    }
    case 'reversed':
      return takeReversal(deps, event, context)
    case 'other':
      return
    default:
      return event satisfies never
  }
}

/** Money that went back: noted at what it was paid for, then taken from the wallet. */
async function takeReversal(
  deps: Purchasing,
  { paymentIntentId, by }: Extract<PaymentEvent, { kind: 'reversed' }>,
  context: CommandContext,
): Promise<void> {
  const { bus, payments } = deps
  const origin = await payments.originOf(paymentIntentId)
  if (!origin) return
  const reverse = { kind: 'reverse', ...by, at: context.at } as const
  if ('session' in origin) {
    const { sessionId } = origin.session
    // Events come in any order: what was paid is credited first.
    const state = await settleSession(deps, origin.session, context)
    if (state.status !== 'paid') return
    const { state: after } = await bus.handle(purchase, sessionId, reverse, reversalContext(context, sessionId, by))
    return clawBack(deps, state.facts, { kind: 'checkout', id: sessionId }, after, context)
  }
  const { topUpId } = origin
  const state = await bus.current(topUp, topUpId)
  // It was charged, and a crash or a lost answer has kept that from the log so far: it is known when the event comes again.
  if (state.status === 'started') throw new PaymentsUnavailable(`the payment of ${topUpId} is not recorded yet`)
  if (state.status !== 'paid') return
  const { state: after } = await bus.handle(topUp, topUpId, reverse, reversalContext(context, topUpId, by))
  await clawBack(deps, state.attempt, { kind: 'top_up', id: topUpId }, after, context)
}

/** A dispute counts once, however often the provider sends it: it is an idempotent command. A refund tells the whole each time. */
function reversalContext(context: CommandContext, id: string, by: ReversedBy): CommandContext {
  if (by.cause === 'refund') return stepOf(context, 'reverse', id, by.refundedCents.toString())
  const { disputeId, disputedCents } = by
  const fingerprint = fingerprintOf({ disputedCents: disputedCents.toString() })
  return { ...stepOf(context, 'dispute', id, disputeId), fingerprint }
}

async function clawBack(
  { bus }: Purchasing,
  { organizationId, environment }: Pick<PurchaseFacts, 'organizationId' | 'environment'>,
  source: PurchaseSource,
  after: PurchaseState | TopUpState,
  context: CommandContext,
): Promise<void> {
  if (after.status === 'absent') return
  const { reversedCents } = after
  const of = { organizationId, environment }
  const command = { kind: 'clawBack', wallet: of, source, reversedCents, at: context.at } as const
  await bus.handle(wallet, walletIdOf(of), command, stepOf(context, 'claw back', source.id, reversedCents.toString()))
}
