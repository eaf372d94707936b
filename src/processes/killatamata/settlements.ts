/**
 * Credits payments that are confirmed and whose credit is missing, after whatever crash, and asks providers about payments that nobody
 * has told the end of: a lost event must not need a claim.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { consequenceContext, systemContext } from '../../commands/context.ts'
import { deterministicId } from '../../commands/identity.ts'
import { type SettlementState, settlement } from '../../commands/killatamata/settlement.ts'
import { Rejected } from '../../commands/rejection.ts'
import type { Recorded } from '../../events/event.ts'
import type { SettlementEvent } from '../../events/killatamata/payment.ts'
import type { CheckoutProvider } from '../../events/killatamata/vocabulary.ts'
import { type Delivered, isPoison } from '../../events/subscription.ts'
import { findOpenSettlements, type SettlementRow } from '../../projections/killatamata/payment.ts'
import { createLru } from '../../runtime/lru.ts'
import { createDueWork, type DueItem, type DueWork } from '../due-work.ts'
import { type ProcessDependencies, runProcess } from '../process.ts'
import { credit, type Purchasing, settle } from './purchasing.ts'

export const SETTLEMENTS = 'killatamata-settlements'
const CONFIRMED = 'killatamata.PaymentConfirmed.v1'

export interface SettlementLimits {
  /** In which whoever confirmed a payment credits it too: it is credited here from then on. */
  graceMs: number
  /** Between two looks, and the age from which a provider is asked. */
  intervalMs: number
  ageMs: number
  batchMax: number
}

type Options = Pick<ProcessDependencies, 'db' | 'log' | 'now'> & { purchasing: Purchasing; limits: SettlementLimits }

const CONCURRENCY_MAX = 4
const RETRY_MIN_MS = 1_000
const RETRY_MAX_MS = 60_000
const DRAIN_MS = 5_000
/** Open payments of which it is known when the provider was asked last. */
const ASKED_MAX = 10_000

type Due = DueItem & { provider: CheckoutProvider; providerId: string }

export function createSettlementSweep({ db, log, now = () => new Date(), purchasing, limits }: Options): DueWork<Due> {
  const asked = createLru<string, true>(ASKED_MAX, { ttlMs: limits.ageMs })
  // Each look goes on behind the one before: a page that nobody pays stays open for a day, and hides no later one.
  let last: SettlementRow | undefined
  return createDueWork<Due>({
    ...{ name: 'payments that are open', log, now },
    limits: {
      ...{ concurrencyMax: CONCURRENCY_MAX, keyConcurrencyMax: 1, keyQueueMax: limits.batchMax },
      ...{ batchMax: limits.batchMax, pollIntervalMs: limits.intervalMs },
      ...{ retryMinMs: RETRY_MIN_MS, retryMaxMs: RETRY_MAX_MS, drainMs: DRAIN_MS },
    },
    async findDue({ now: time, limit }) {
      const before = new Date(time.getTime() - limits.ageMs).toISOString()
      const rows = await findOpenSettlements(db, before, last, limit)
      last = rows.length < limit ? undefined : rows.at(-1)
      return rows
        .filter(({ settlement_id }) => !asked.has(settlement_id))
        .map(({ settlement_id: id, account_id, provider, provider_id: providerId }) => ({
          ...{ id, key: account_id ?? id, provider, providerId },
        }))
    },
    async work({ id, provider, providerId }) {
      const at = now().toISOString()
      const context = systemContext(SETTLEMENTS, deterministicId(SETTLEMENTS, id, at), at)
      const payment = await purchasing.shopOf(provider).find(providerId)
      if (payment) await settle(purchasing, provider, payment, context)
      else log.warn({ provider, providerId }, 'the payment provider does not know a payment of ours')
      asked.set(id, true)
    },
  })
}

/** Runs until `signal` aborts; stands by while another process leads. */
export function runSettlements(options: Options & ProcessDependencies): Promise<void> {
  const { purchasing, log, limits, signal, now = () => new Date() } = options
  const sweep = createSettlementSweep(options)
  async function follow(event: Delivered): Promise<void> {
    if (isPoison(event)) {
      const { id, stream, type, fault } = event
      return log.error({ eventId: id, stream, type, fault }, 'an event about a payment does not decode')
    }
    const { data } = event as Recorded<Extract<SettlementEvent, { type: typeof CONFIRMED }>>
    const { bus } = purchasing
    const isDone = (each: SettlementState) => each.status === 'confirmed' && each.credit.isCredited
    // Where the request has credited it, as nearly always, nobody asks the log for it.
    if (isDone(await bus.load(settlement, data.settlementId))) return
    const state = await bus.current(settlement, data.settlementId)
    if (state.status !== 'confirmed') return
    const context = consequenceContext(SETTLEMENTS, event, now().toISOString())
    try {
      await credit(purchasing, state.notice, state.credit, context)
    } catch (err) {
      if (!(err instanceof Rejected)) throw err
      // The sweep tries again: a balance that is too large now holds up nobody else.
      log.error({ err, settlementId: data.settlementId }, 'a payment that is confirmed cannot be credited now')
    }
  }
  /** Two that credit at the same moment would only get in each other's way. */
  async function letCredit(events: readonly Delivered[]): Promise<void> {
    const last = events.findLast((event) => !isPoison(event))
    if (!last) return
    const { occurredAt } = (last as Recorded<Extract<SettlementEvent, { type: typeof CONFIRMED }>>).data
    const leftMs = Date.parse(occurredAt) + limits.graceMs - now().getTime()
    if (leftMs > 0) await delay(Math.min(leftMs, limits.graceMs), undefined, { signal })
  }
  const handle = async (events: Delivered[]) => {
    await letCredit(events)
    for (const event of events) await follow(event)
  }
  const background = (leading: AbortSignal) => [sweep.run(leading)]
  return runProcess({ name: SETTLEMENTS, types: [CONFIRMED], handle, background }, options)
}
