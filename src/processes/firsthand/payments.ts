/**
 * What is to be done about money outside, whether or not somebody asks: checkouts that nobody told us the end of, payments
 * whose credits are missing, top-ups that are due. Saved settings are looked at again after a crash between their two steps.
 */
import { systemContext } from '../../commands/context.ts'
import { organization, type Settings } from '../../commands/firsthand/organization.ts'
import { topUpRuleOf } from '../../commands/firsthand/organization-payments.ts'
import { considerTopUp } from '../../commands/firsthand/topping-up.ts'
import type { CommandBus } from '../../commands/handle.ts'
import { deterministicId } from '../../commands/identity.ts'
import type { Recorded } from '../../events/event.ts'
import type { OrganizationEvent } from '../../events/firsthand/organization.ts'
import type { WalletEvent } from '../../events/firsthand/wallet.ts'
import { type Delivered, isPoison } from '../../events/subscription.ts'
import { findDueTopUps, findUnsettledPurchases } from '../../projections/firsthand/purchase.ts'
import { createLru } from '../../runtime/lru.ts'
import { createDueWork, type DueWork, type DueWorkLimits, usualPace } from '../due-work.ts'
import { type ProcessDependencies, runProcess } from '../process.ts'
import type { PaymentsOf } from './payment-access.ts'
import { PAYMENTS } from './process-names.ts'
import { type Purchasing, settleSession } from './purchasing.ts'
import { type DueTopUp, workTopUp } from './top-ups.ts'

const DUE = 'firsthand.AutoTopUpDue.v1'
const SAVED = 'firsthand.SettingsChanged.v1'

export interface PaymentLimits {
  /** Between two looks, and the age from which the provider is asked about a checkout. */
  intervalMs: number
  sessionAgeMs: number
  batchMax: number
  /** Before a card that was declined is charged again for a top-up. */
  topUpWaitsMs: readonly number[]
}

export type PaymentOptions = Pick<ProcessDependencies, 'db' | 'log' | 'now' | 'pace'> & {
  bus: CommandBus
  paymentsOf: PaymentsOf
  limits: PaymentLimits
}

/** Open sessions of which it is known when the provider was asked last. */
const ASKED_MAX = 10_000

const limitsOf = ({ limits: { intervalMs, batchMax }, pace = usualPace }: PaymentOptions): DueWorkLimits => ({
  ...{ ...pace, keyConcurrencyMax: 1, keyQueueMax: batchMax, batchMax, pollIntervalMs: intervalMs },
})

const contextOf = (id: string, at: string) => systemContext(PAYMENTS, deterministicId(PAYMENTS, id, at), at)

const purchasing = ({ bus, log, paymentsOf }: PaymentOptions, environment: 'live' | 'test'): Purchasing => ({
  ...{ bus, log, payments: paymentsOf(environment) },
})

interface DueSession {
  id: string
  key: string
  environment: 'live' | 'test'
}

/** Asks the provider about sessions that have been open for long, each once in that time. */
export function createSessionSweep(options: PaymentOptions): DueWork<DueSession> {
  const { db, log, limits, now = () => new Date() } = options
  const asked = createLru<string, true>(ASKED_MAX, { ttlMs: limits.sessionAgeMs })
  // Each look goes on behind the one before: a checkout that nobody pays stays open for a day, and hides no later one.
  let last: Awaited<ReturnType<typeof findUnsettledPurchases>>[number] | undefined
  return createDueWork<DueSession>({
    ...{ name: 'checkouts', log, now, limits: limitsOf(options) },
    async findDue({ now: time, limit }) {
      const before = new Date(time.getTime() - limits.sessionAgeMs).toISOString()
      const rows = await findUnsettledPurchases(db, before, last, limit)
      last = rows.length < limit ? undefined : rows.at(-1)
      return rows
        .filter(({ session_id }) => !asked.has(session_id))
        .map(({ session_id: id, organization_id: key, environment }) => ({ id, key, environment }))
    },
    async work({ id, environment }) {
      const deps = purchasing(options, environment)
      const session = await deps.payments.findSession(id)
      if (session) await settleSession(deps, session, contextOf(id, now().toISOString()))
      else log.warn({ sessionId: id }, 'the payment provider does not know a session of ours')
      asked.set(id, true)
    },
  })
}

type TopUpItem = DueTopUp & { id: string; key: string }

export function createTopUpWork(options: PaymentOptions): DueWork<TopUpItem> {
  const { db, log, limits, now = () => new Date() } = options
  return createDueWork<TopUpItem>({
    ...{ name: 'top-ups', log, now, limits: limitsOf(options) },
    async findDue({ now: time, limit }) {
      const rows = await findDueTopUps(db, time.toISOString(), limit)
      return rows.map(({ top_up_id, organization_id, environment, amount_cents }) =>
        itemOf({ topUpId: top_up_id, organizationId: organization_id, environment, amountCents: amount_cents }),
      )
    },
    async work(item) {
      const deps = { ...purchasing(options, item.environment), waitsMs: limits.topUpWaitsMs }
      await workTopUp(deps, item, contextOf(item.id, now().toISOString()))
    },
  })
}

const itemOf = ({ topUpId, organizationId, environment, amountCents }: DueTopUp): TopUpItem => ({
  ...{ topUpId, organizationId, environment, amountCents },
  ...{ id: topUpId, key: `${organizationId}_${environment}` },
})

function isSameRule(one: Settings, other: Settings): boolean {
  const [a, b] = [topUpRuleOf(one, 'live'), topUpRuleOf(other, 'live')]
  return a !== null && a.thresholdCents === b?.thresholdCents && a.amountCents === b.amountCents
}

type Of<T extends typeof DUE | typeof SAVED> = Recorded<Extract<OrganizationEvent | WalletEvent, { type: T }>>

/** Runs until `signal` aborts; stands by while another process leads. */
export function runPayments(options: PaymentOptions & ProcessDependencies): Promise<void> {
  const { bus, log, now = () => new Date() } = options
  const [sessions, topUps] = [createSessionSweep(options), createTopUpWork(options)]
  async function follow(event: Delivered): Promise<void> {
    if (isPoison(event)) {
      const { id, stream, type, fault } = event
      return log.error({ eventId: id, stream, type, fault }, 'an event about top-ups does not decode')
    }
    if (event.type === DUE) return topUps.offer(itemOf((event as Of<typeof DUE>).data))
    const { organizationId, occurredAt, ...settings } = (event as Of<typeof SAVED>).data
    const owner = await bus.current(organization, organizationId)
    // Most settings buy nothing by themselves, and what was saved since decides in their place.
    if (owner.status === 'absent' || !isSameRule(owner.settings, settings)) return
    await considerTopUp(bus, organizationId, settings, occurredAt, contextOf(event.id, now().toISOString()))
  }
  const handle = async (events: Delivered[]) => {
    for (const event of events) await follow(event)
  }
  const background = (signal: AbortSignal) => [sessions.run(signal), topUps.run(signal)]
  return runProcess({ name: PAYMENTS, types: [DUE, SAVED], handle, background }, options)
}
