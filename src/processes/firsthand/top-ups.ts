/**
 * Charges the card of an organization whose balance fell below its threshold. One step at a time, each of which may be done
 * again: the attempt is in the log before the provider is asked, and is asked for under its own key until its answer is known.
 */
import { KEYS_KNOWN_MS, type Payments } from '../../adapters/payments/payments.ts'
import { type ExistingOrganization, organization } from '../../commands/firsthand/organization.ts'
import { topUpRuleOf } from '../../commands/firsthand/organization-payments.ts'
import { chargeKeyOf, type TopUpAttempt, type TopUpState, topUp } from '../../commands/firsthand/top-up.ts'
import { wallet, walletIdOf } from '../../commands/firsthand/wallet.ts'
import type { TopUpEnd } from '../../commands/firsthand/wallet-top-ups.ts'
import type { CommandContext } from '../../commands/handle.ts'
import { crashPoint } from '../../runtime/crash-points.ts'
import { type Purchasing, stepOf } from './purchasing.ts'

export interface DueTopUp {
  topUpId: string
  organizationId: string
  environment: 'live' | 'test'
  amountCents: string
}

export interface ToppingUp extends Purchasing {
  /** Before a card that was declined is charged again. */
  waitsMs: readonly number[]
}

/** Does what is due by `context.at`. Throws PaymentsUnavailable: it is to be done again. */
export async function workTopUp(deps: ToppingUp, due: DueTopUp, context: CommandContext): Promise<void> {
  const { bus } = deps
  const before = await bus.current(topUp, due.topUpId)
  const owner = await bus.current(organization, due.organizationId)
  if (owner.status === 'absent') return
  const isFirst = before.status === 'absent'
  if (isFirst || (before.status === 'waiting' && (before.nextAttemptAt ?? '') <= context.at)) {
    if (!(await isWanted(deps, due, owner, isFirst))) return end(deps, due, { as: 'cancelled' }, null, context)
    await start(deps, due, owner, isFirst ? 1 : before.attempt.attempt + 1, context)
  }
  let state = await bus.current(topUp, due.topUpId)
  if (state.status === 'started') {
    await ask(deps, state.attempt, context)
    state = await bus.current(topUp, due.topUpId)
  }
  await finish(deps, due, state, context)
}

/** Not after it was switched off; nor again, where the balance has come up by other means meanwhile. */
async function isWanted(
  { bus }: Purchasing,
  { organizationId, environment }: DueTopUp,
  { settings }: ExistingOrganization,
  isFirst: boolean,
): Promise<boolean> {
  const rule = topUpRuleOf(settings, environment)
  if (rule === null || isFirst) return rule !== null
  const { balance } = await bus.current(wallet, walletIdOf({ organizationId, environment }))
  return balance < rule.thresholdCents
}

async function start(
  { bus, payments }: Purchasing,
  { topUpId, organizationId, environment, amountCents }: DueTopUp,
  { payments: known }: ExistingOrganization,
  attempt: number,
  context: CommandContext,
): Promise<void> {
  const { customerId = null, paymentMethodId = null } = known[environment] ?? {}
  const card = customerId === null ? null : (paymentMethodId ?? (await payments.cardOf(customerId)) ?? null)
  const of = { organizationId, environment }
  const facts = { topUpId, wallet: of, amountCents, customerId, paymentMethodId: card }
  const step = stepOf(context, 'top-up start', topUpId, String(attempt))
  await bus.handle(topUp, topUpId, { kind: 'start', ...facts, at: context.at }, step)
}

async function ask(
  { bus, payments, waitsMs }: ToppingUp,
  attempt: TopUpAttempt,
  context: CommandContext,
): Promise<void> {
  const { topUpId } = attempt
  const { at } = context
  const charged = await chargeFor(payments, attempt, at)
  crashPoint('payments.after-charge', topUpId)
  const command =
    charged.as === 'paid'
      ? ({ kind: 'pay', paymentIntentId: charged.paymentIntentId, at } as const)
      : ({ kind: 'decline', reason: charged.reason, waitsMs, at } as const)
  await bus.handle(topUp, topUpId, command, stepOf(context, 'top-up answer', topUpId, String(attempt.attempt)))
}

async function chargeFor(payments: Payments, attempt: TopUpAttempt, at: string) {
  const { topUpId, customerId, paymentMethodId, amountCents, occurredAt } = attempt
  if (customerId === null || paymentMethodId === null) return { as: 'declined', reason: 'no_card' } as const
  const key = chargeKeyOf(attempt)
  const isLate = Date.parse(at) - Date.parse(occurredAt) >= KEYS_KNOWN_MS
  return payments.charge({ key, topUpId, customerId, paymentMethodId, amountCents: BigInt(amountCents), isLate })
}

/** What the attempts have come to reaches the wallet; where they failed for good, the setting is switched off before. */
async function finish(deps: Purchasing, due: DueTopUp, state: TopUpState, context: CommandContext): Promise<void> {
  if (state.status === 'paid') {
    return end(deps, due, { as: 'settled' }, BigInt(state.attempt.amountCents), context)
  }
  if (state.status !== 'failed') return
  const { attempt, amountCents } = state.attempt
  const off = { kind: 'changeSettings', settings: { autoTopUpEnabled: false }, at: context.at } as const
  await deps.bus.handle(organization, due.organizationId, off, stepOf(context, 'top-up off', due.topUpId))
  const failed = { as: 'failed' as const, amountCents: BigInt(amountCents), attempts: attempt, reason: state.reason }
  await end(deps, due, failed, null, context)
}

async function end(
  { bus }: Purchasing,
  { topUpId, organizationId, environment }: DueTopUp,
  as: TopUpEnd,
  paidCents: bigint | null,
  context: CommandContext,
): Promise<void> {
  const of = { organizationId, environment }
  const command = { kind: 'endTopUp', wallet: of, topUpId, end: as, paidCents, at: context.at } as const
  await bus.handle(wallet, walletIdOf(of), command, stepOf(context, 'top-up end', topUpId))
}
