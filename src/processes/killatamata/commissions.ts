/**
 * Commissions of affiliates: deposits of bound accounts bring them, what goes back takes them with it, and after some days they can be
 * paid. A deposit counts from the binding on, until the term ends.
 */
import { consequenceContext, systemContext } from '../../commands/context.ts'
import type { CommandBus, CommandContext } from '../../commands/handle.ts'
import { deterministicId } from '../../commands/identity.ts'
import { affiliate } from '../../commands/killatamata/affiliate.ts'
import { affiliateBinding } from '../../commands/killatamata/affiliate-binding.ts'
import { referredIdOf } from '../../commands/killatamata/ids.ts'
import type { Recorded } from '../../events/event.ts'
import type { AffiliateBindingEvent } from '../../events/killatamata/affiliate.ts'
import type { LedgerEvent } from '../../events/killatamata/ledger.ts'
import { type Delivered, isPoison } from '../../events/subscription.ts'
import { findMaturing } from '../../projections/killatamata/affiliate.ts'
import { createLru } from '../../runtime/lru.ts'
import { createDueWork, type DueItem, type DueWork, usualPace } from '../due-work.ts'
import { type ProcessDependencies, runProcess } from '../process.ts'
import { type AffiliateTerms, countSignup } from './referring.ts'

export const COMMISSIONS = 'killatamata-commissions'

const CREDITED = 'killatamata.DepositCredited.v1'
const REVERSED = 'killatamata.DepositReversed.v1'
const BOUND = 'killatamata.ReferralBound.v1'
/** Accounts that are known to be bound to nobody. */
const UNBOUND_MAX = 10_000
type Handled = LedgerEvent | AffiliateBindingEvent
type Of<T extends Handled['type']> = Recorded<Extract<Handled, { type: T }>>

export interface CommissionLimits {
  /** Between two looks at what can be paid from now on, and how many affiliates one finds. */
  intervalMs: number
  batchMax: number
}

interface Parts {
  bus: CommandBus
  terms: Pick<AffiliateTerms, 'holdMs'>
}

type Options = ProcessDependencies & Parts & { limits: CommissionLimits }

/** The commission of a deposit, where its account is bound. A second time does nothing. Resolves with whether it is bound. */
export async function earn(
  { bus, terms }: Parts,
  { data }: Pick<Of<typeof CREDITED>, 'data'>,
  context: CommandContext,
): Promise<boolean> {
  const { accountId, depositId, provider, usdMicros, occurredAt: creditedAt } = data
  const { bound } = await bus.current(affiliateBinding, accountId)
  if (!bound) return false
  if (creditedAt < bound.occurredAt || creditedAt >= bound.commissionUntil) return true
  const { affiliateAccountId, commissionBasisPoints: basisPoints } = bound
  const of = { accountId: affiliateAccountId, at: context.at }
  const deposit = { depositId, provider, usdMicros: BigInt(usdMicros), creditedAt }
  const customer = referredIdOf(affiliateAccountId, accountId)
  const command = { ...of, kind: 'earn', deposit, customer, basisPoints, holdMs: terms.holdMs } as const
  const { state } = await bus.handle(affiliate, affiliateAccountId, command, context)
  if (state.status !== 'absent' && (state.standing.nextMaturesAt ?? '~') <= context.at) {
    await mature({ bus }, affiliateAccountId, context.at)
  }
  return true
}

/** Takes from a commission what went back of its deposit. A second time does nothing. */
export async function takeBack(
  { bus }: Pick<Parts, 'bus'>,
  { data }: Pick<Of<typeof REVERSED>, 'data'>,
  context: CommandContext,
): Promise<void> {
  const { accountId, depositId, creditedAt, reversedMicros } = data
  const { bound } = await bus.current(affiliateBinding, accountId)
  if (!bound) return
  const of = { accountId: bound.affiliateAccountId, at: context.at }
  const deposit = { depositId, creditedAt }
  const command = { ...of, kind: 'reverse', deposit, reversedMicros: BigInt(reversedMicros) } as const
  await bus.handle(affiliate, bound.affiliateAccountId, command, context)
}

/** What can be paid to an affiliate by now. */
export async function mature({ bus }: Pick<Parts, 'bus'>, accountId: string, at: string): Promise<void> {
  const context = systemContext(COMMISSIONS, deterministicId(COMMISSIONS, 'mature', accountId, at), at)
  await bus.handle(affiliate, accountId, { kind: 'mature', accountId, at }, context)
}

function createMaturing({ db, log, now = () => new Date(), bus, limits }: Options): DueWork<DueItem> {
  return createDueWork<DueItem>({
    ...{ name: 'commissions that can be paid', log, now },
    limits: {
      ...{ ...usualPace, keyConcurrencyMax: 1, keyQueueMax: limits.batchMax },
      ...{ batchMax: limits.batchMax, pollIntervalMs: limits.intervalMs },
    },
    async findDue({ now: time, limit }) {
      const rows = await findMaturing(db, time.toISOString(), limit)
      return rows.map(({ account_id: id }) => ({ id, key: id }))
    },
    work: ({ id }) => mature({ bus }, id, now().toISOString()),
  })
}

export interface CommissionFollower {
  /** The next event of the log that may bring commission, or take it. */
  follow(event: Recorded<Handled>): Promise<void>
  /** The log is read from another place: bindings in between were not seen. */
  startOver(): void
}

/**
 * What follows from deposits and bindings in the log's order. Most accounts are never bound: one that was not when the log was asked is
 * not asked about again, until its binding comes.
 */
export function createCommissionFollower(parts: Parts, now: () => Date): CommissionFollower {
  const unbound = createLru<string, true>(UNBOUND_MAX)
  return {
    async follow(event) {
      const context = consequenceContext(COMMISSIONS, event, now().toISOString())
      const { accountId } = event.data
      if (event.type === CREDITED) {
        if (!unbound.has(accountId) && !(await earn(parts, event as Of<typeof CREDITED>, context))) {
          unbound.set(accountId, true)
        }
      } else if (event.type === REVERSED) await takeBack(parts, event as Of<typeof REVERSED>, context)
      else if (event.type === BOUND) {
        unbound.delete(accountId)
        await countSignup(parts, (event as Of<typeof BOUND>).data, context)
      }
    },
    startOver: () => unbound.clear(),
  }
}

/** Runs until `signal` aborts; stands by while another process leads. */
export function runCommissions(options: Options): Promise<void> {
  const { log, now = () => new Date() } = options
  const maturing = createMaturing(options)
  const follower = createCommissionFollower(options, now)
  const handle = async (events: Delivered[]) => {
    for (const event of events) {
      if (isPoison(event)) {
        const { id, stream, type, fault } = event
        log.error({ eventId: id, stream, type, fault }, 'an event that may bring commission does not decode')
      } else await follower.follow(event as Recorded<Handled>)
    }
  }
  const background = (signal: AbortSignal) => {
    follower.startOver()
    return [maturing.run(signal)]
  }
  return runProcess({ name: COMMISSIONS, types: [CREDITED, REVERSED, BOUND], handle, background }, options)
}
