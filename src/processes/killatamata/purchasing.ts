/**
 * Packages that are bought, step by step over the provider, the settlement and the ledger. Every step may be done again: by the request
 * that is sent again, by the provider's next event, by a claim, or by the sweep. Each names its command by what it is about, and the
 * deposit's id follows from the settlement, so that one payment is credited once.
 */
import { stepContext } from '../../commands/context.ts'
import type { CommandBus, CommandContext } from '../../commands/handle.ts'
import { deterministicId, fingerprintOf } from '../../commands/identity.ts'
import { type CheckoutFacts, type CheckoutOpening, checkout } from '../../commands/killatamata/checkout.ts'
import { settlementIdOf } from '../../commands/killatamata/ids.ts'
import type { Ledgers } from '../../commands/killatamata/ledgers.ts'
import { microsOfCents } from '../../commands/killatamata/money.ts'
import {
  type Credit,
  isOurs,
  type PaymentNotice,
  type SettlementState,
  settlement,
} from '../../commands/killatamata/settlement.ts'
import type { CheckoutProvider } from '../../events/killatamata/vocabulary.ts'
import type { Log } from '../../log.ts'
import type { Shop, ShopEvent, ShopPayment } from './shops.ts'

export interface Purchasing {
  bus: CommandBus
  ledgers: Ledgers
  /** Throws PaymentsUnavailable where there is none. */
  shopOf: (provider: CheckoutProvider) => Shop
  log: Pick<Log, 'warn' | 'error'>
}

const CURRENCY = 'usd'

const stepOf = (context: CommandContext, step: string, ...about: string[]): CommandContext =>
  stepContext(context, deterministicId('killatamata.payments', step, ...about))

export type CheckoutOrder = Omit<CheckoutFacts, 'checkoutId' | 'occurredAt'>

export interface OpenCheckout {
  facts: CheckoutFacts
  opening: CheckoutOpening
  handled: { position: bigint | undefined; replayed: boolean }
}

/** Opens a checkout: its payment is recorded before anybody learns its link. Throws PaymentsUnavailable. */
export async function openCheckout(
  deps: Purchasing,
  order: CheckoutOrder,
  { title, email }: { title: string; email: string | undefined },
  context: CommandContext,
): Promise<OpenCheckout> {
  const { bus, shopOf } = deps
  const { at } = context
  const shop = shopOf(order.provider)
  const checkoutId = deterministicId('killatamata.checkout', context.commandId)
  const request = { kind: 'request', facts: { ...order, checkoutId, occurredAt: at } } as const
  // Without a key its id is drawn.
  const asking = { ...context, startsStream: context.fingerprint === undefined }
  const { replayed, state: asked } = await bus.handle(checkout, checkoutId, request, asking)
  const state = replayed ? await bus.current(checkout, checkoutId) : asked
  if (state.status === 'absent') throw new Error('a checkout was neither recorded nor refused')
  const { facts, opening } = state
  if (opening) return { facts, opening, handled: { position: undefined, replayed } }
  const page = await shop.open({
    ...{ checkoutId, usdCents: BigInt(facts.usdCents), title, isRepeat: replayed },
    ...{ successUrl: facts.successUrl ?? undefined, cancelUrl: facts.cancelUrl ?? undefined },
    email: facts.prefillsEmail ? email : undefined,
  })
  await notice(deps, facts, page.providerId, context, !replayed)
  const open = { kind: 'open', opening: page, at } as const
  const opened = await bus.handle(checkout, checkoutId, open, stepOf(context, 'open', checkoutId))
  const known = opened.state.status === 'absent' ? null : opened.state.opening
  return { facts, opening: known ?? page, handled: { position: opened.position, replayed: false } }
}

/** Records what a payment is for. `startsStream`: nobody has noticed it yet, as far as is known. */
async function notice(
  { bus }: Purchasing,
  facts: CheckoutFacts,
  providerId: string,
  context: CommandContext,
  startsStream: boolean,
) {
  const { accountId, checkoutId, provider, packageCode, usdCents } = facts
  const settlementId = settlementIdOf(provider, providerId)
  const paid: PaymentNotice = {
    ...{ settlementId, provider, providerId, accountId, checkoutId, packageCode, usdCents, currency: CURRENCY },
    occurredAt: context.at,
  }
  const command = { kind: 'notice', notice: paid, at: context.at } as const
  const step = { ...stepOf(context, 'notice', settlementId), startsStream }
  return bus.handle(settlement, settlementId, command, step)
}

/**
 * The settlement of a payment, recorded now where its checkout is ours and nobody came to it. Which checkout that is, the provider is
 * asked: an event that says so itself may be of a page that we have not opened. Throws PaymentsUnavailable.
 */
async function settlementOf(
  deps: Purchasing,
  provider: CheckoutProvider,
  { providerId, checkoutId }: ShopPayment,
  context: CommandContext,
): Promise<SettlementState> {
  const settlementId = settlementIdOf(provider, providerId)
  // As this process knows it: what others have written since shows where it is decided on.
  const loaded = await deps.bus.load(settlement, settlementId)
  if (isOurs(loaded)) return loaded
  const known = await deps.bus.current(settlement, settlementId)
  if (isOurs(known) || checkoutId === null) return known
  const opened = await deps.bus.current(checkout, checkoutId)
  if (opened.status === 'absent' || opened.facts.provider !== provider) return known
  const found = await deps.shopOf(provider).find(providerId)
  if (found?.checkoutId !== checkoutId) return known
  return (await notice(deps, opened.facts, providerId, context, true)).state
}

/** Takes in what the provider says of a payment, and credits it. One that nobody here has opened stays absent. */
export async function settle(
  deps: Purchasing,
  provider: CheckoutProvider,
  payment: ShopPayment,
  context: CommandContext,
): Promise<SettlementState> {
  const { bus, ledgers, log } = deps
  const { providerId, usdCents, currency, paymentIntentId } = payment
  const { at } = context
  const settlementId = settlementIdOf(provider, providerId)
  const state = await settlementOf(deps, provider, payment, context)
  const decide = (command: Parameters<typeof settlement.decide>[0], step: string) =>
    bus.handle(settlement, settlementId, command, stepOf(context, step, settlementId))
  if (!isOurs(state)) {
    if (!payment.isPaid) return state
    const facts = { settlementId, provider, providerId, usdCents, currency }
    const { events } = await decide({ kind: 'noticeUnmatched', ...facts, at }, 'unmatched')
    if (events.length > 0) log.error({ provider, providerId }, 'a payment has come that nobody here has opened')
    return state
  }
  let after: SettlementState = state
  if (payment.isPaid && state.status !== 'confirmed') {
    const period = await ledgers.period(state.notice.accountId)
    after = (await decide({ kind: 'confirm', usdCents, currency, paymentIntentId, period, at }, 'confirm')).state
  } else if (payment.hasEnded && state.status === 'noticed') {
    after = (await decide({ kind: 'lapse', at }, 'lapse')).state
    const { checkoutId } = state.notice
    await bus.handle(checkout, checkoutId, { kind: 'expire', at }, stepOf(context, 'expire', checkoutId))
  }
  if (after.status === 'mismatched' && state.status !== 'mismatched') {
    const paid = { usdCents: String(usdCents), currency }
    log.error(
      { provider, providerId, recorded: after.notice, paid },
      'a payment is not what was sold: it is not credited',
    )
  }
  if (after.status !== 'confirmed') return after
  return (await credit(deps, after.notice, after.credit, context)) ?? after
}

/** The deposit of a payment that is confirmed, once. Undefined: there is nothing to do. */
export async function credit(
  { bus, ledgers }: Pick<Purchasing, 'bus' | 'ledgers'>,
  { settlementId, provider, accountId }: Pick<PaymentNotice, 'settlementId' | 'provider' | 'accountId'>,
  { depositId, usdCents, period, isCredited }: Credit,
  context: CommandContext,
): Promise<SettlementState | undefined> {
  if (isCredited) return undefined
  const usdMicros = microsOfCents(usdCents)
  const deposit = { depositId, settlementId, provider, usdMicros }
  await ledgers.credit(accountId, deposit, period, stepOf(context, 'credit', settlementId))
  const command = { kind: 'credited', usdMicros, at: context.at } as const
  return (await bus.handle(settlement, settlementId, command, stepOf(context, 'credited', settlementId))).state
}

/** Takes in an event of a provider. Throws PaymentsUnavailable: it is to be sent again. */
export async function takeShopEvent(
  deps: Purchasing,
  provider: CheckoutProvider,
  event: ShopEvent,
  context: CommandContext,
): Promise<void> {
  if (event.kind === 'payment') await settle(deps, provider, event.payment, context)
  else if (event.kind === 'reversed') await takeReversal(deps, provider, event, context)
}

/** Money that went back: noted at its settlement, then taken from the ledger. */
async function takeReversal(
  deps: Purchasing,
  provider: CheckoutProvider,
  { paymentIntentId, by }: Extract<ShopEvent, { kind: 'reversed' }>,
  context: CommandContext,
): Promise<void> {
  const { bus, ledgers } = deps
  const payment = await deps.shopOf(provider).originOf(paymentIntentId)
  if (!payment) return
  // Events come in any order: what was paid is credited first.
  const state = await settle(deps, provider, payment, context)
  if (state.status !== 'confirmed') return
  const { settlementId, accountId } = state.notice
  const reverse = { kind: 'reverse', ...by, at: context.at } as const
  const named = by.cause === 'refund' ? by.refundedCents.toString() : by.disputeId
  const step = stepOf(context, by.cause, settlementId, named)
  // A dispute counts once, however often the provider sends it. A refund tells the whole each time.
  const fingerprint = by.cause === 'dispute' ? fingerprintOf({ disputed: by.disputedCents.toString() }) : undefined
  const { state: after } = await bus.handle(settlement, settlementId, reverse, { ...step, fingerprint })
  if (after.status !== 'confirmed') return
  const { depositId, period: sincePeriod } = after.credit
  const order = { depositId, cause: by.cause, reversedMicros: microsOfCents(after.reversedCents), sincePeriod }
  await ledgers.reverse(accountId, order, stepOf(context, 'claw back', settlementId, after.reversedCents.toString()))
}
