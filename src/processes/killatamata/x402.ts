/**
 * Payments by an authorization that the payer has signed, and that anybody may bring to the chain: verified, claimed, sent, credited,
 * in this order. No money moves before the claim is in the log. What a send answers says nothing certain: the chain decides. As long as
 * it does not, the outcome is pending and never a rejection, on which a payer would sign anew and pay twice.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { PaidIn } from '../../adapters/x402/authorization.ts'
import { type ChainSays, ChainSilent } from '../../adapters/x402/chain.ts'
import { stepContext } from '../../commands/context.ts'
import type { CommandBus, CommandContext } from '../../commands/handle.ts'
import { deterministicId } from '../../commands/identity.ts'
import type { Ledgers } from '../../commands/killatamata/ledgers.ts'
import { microsOfCents } from '../../commands/killatamata/money.ts'
import { Rejected } from '../../commands/killatamata/rejection.ts'
import {
  type X402PaymentCommand,
  type X402PaymentState,
  x402DepositIdOf,
  x402Payment,
  x402PaymentIdOf,
} from '../../commands/killatamata/x402-payment.ts'
import type { Authorization } from '../../events/killatamata/x402.ts'
import { prefixedId } from '../../runtime/ulid.ts'

export interface X402Chain {
  /** Undefined: it is good; else why not, in a word of the protocol. Throws ChainSilent. */
  faultOf(authorization: Authorization): Promise<string | undefined>
  /** Whether the payer has signed it, without asking what the chain knows of its use. */
  isSigned(authorization: Authorization): Promise<boolean>
  /** Sends it to the chain. Undefined: how that ended is not certain. Rejects with ChainSilent. */
  send(authorization: Authorization): Promise<PaidIn | undefined>
  /** Throws ChainSilent. */
  outcomeOf(authorization: Authorization): Promise<ChainSays>
  /** Whether the payer has the money now. Throws ChainSilent. */
  isFunded(authorization: Authorization): Promise<boolean>
}

/** The payer has no money for it now, and nothing was sent that could still take it. */
class Unfunded extends Error {
  override name = 'Unfunded'
}

export interface X402Limits {
  /** How long a request waits for the chain. */
  waitMaxMs: number
  pollMs: number
  /** A settlement that somebody else has sent is credited while its block is younger than this, and later than `firstStart`. */
  foreignMaxMs: number
  /** Asked where it matters, so that a start waits for no database. */
  firstStart: () => Promise<Date>
}

export interface X402Parts {
  bus: CommandBus
  ledgers: Ledgers
  chain: X402Chain
  limits: X402Limits
  now: () => Date
}

export type X402Outcome =
  /** `availableMicros`: right after the credit; undefined: it was credited before. */
  | { as: 'credited'; state: Settled; isReplay: boolean; position: bigint | undefined; availableMicros?: bigint }
  | { as: 'rejected'; reason: string }
  | { as: 'pending' }
type Settled = Extract<X402PaymentState, { claim: unknown }>

export interface X402Order {
  accountId: string
  authorization: Authorization
  usdCents: bigint
}

const stepOf = (context: CommandContext, step: string, paymentId: string): CommandContext =>
  stepContext(context, deterministicId('killatamata.x402', step, paymentId, context.commandId))

export type X402Payments = ReturnType<typeof createX402Payments>

export function createX402Payments(parts: X402Parts) {
  const { bus, ledgers, chain, limits, now } = parts
  /** Payments that this process finishes now: whoever else asks for one waits for the same outcome. */
  const underWay = new Map<string, Promise<X402Outcome>>()

  /** `reason`: why nobody is credited for it; undefined: it can be claimed. */
  async function lookAt(authorization: Authorization): Promise<{ reason?: string; isUnused: boolean }> {
    const fault = await chain.faultOf(authorization)
    if (fault === undefined) return { isUnused: true }
    if (!(await chain.isSigned(authorization))) return { reason: fault, isUnused: false }
    // It may be refused because somebody has brought it to the chain already.
    const says = await chain.outcomeOf(authorization)
    if (says.as !== 'paid') return { reason: fault, isUnused: false }
    return { isUnused: false, ...((await isTimely(says.blockAt)) ? {} : { reason: 'nonce_already_used' }) }
  }

  /** A settled authorization is public for ever: an old one is anybody's to show. */
  async function isTimely(blockAt: Date): Promise<boolean> {
    return now().getTime() - blockAt.getTime() <= limits.foreignMaxMs && blockAt > (await limits.firstStart())
  }

  const decide = (paymentId: string, command: X402PaymentCommand, context: CommandContext) =>
    bus.handle(x402Payment, paymentId, command, stepOf(context, command.kind, paymentId))

  async function creditSettled(paymentId: string, { claim }: Settled, context: CommandContext) {
    const { accountId, usdCents, period } = claim
    const usdMicros = microsOfCents(BigInt(usdCents))
    const deposit = { depositId: x402DepositIdOf(claim), settlementId: paymentId, provider: 'x402' as const, usdMicros }
    const { availableMicros } = await ledgers.credit(accountId, deposit, period, stepOf(context, 'credit', paymentId))
    const { position } = await decide(paymentId, { kind: 'credited', usdMicros, at: context.at }, context)
    return { availableMicros, position }
  }

  /** What is on record as sent is sent. The receipt of our own transaction is the chain's word; without one it is asked. */
  async function send(paymentId: string, { claim }: Settled, context: CommandContext): Promise<X402PaymentState> {
    const paid = await chain.send(claim.authorization)
    if (!paid) return bus.current(x402Payment, paymentId)
    return (await decide(paymentId, { kind: 'settle', ...paid, at: context.at }, context)).state
  }

  /** One look at the chain about a claim, and what follows from it. */
  async function advance(paymentId: string, state: Settled, context: CommandContext): Promise<X402PaymentState> {
    const { claim, attempts } = state
    const { at } = context
    const says = await chain.outcomeOf(claim.authorization)
    if (says.as === 'paid') {
      const { transaction, blockNumber } = says
      return (await decide(paymentId, { kind: 'settle', transaction, blockNumber, at }, context)).state
    }
    if (says.as !== 'unused') return (await decide(paymentId, { kind: 'fail', reason: says.as, at }, context)).state
    // It cannot pay now, though it may later: the claim waits for that, or for its end. Whoever asks signs anew.
    if (attempts > 0 && !(await chain.isFunded(claim.authorization))) throw new Unfunded()
    await decide(paymentId, { kind: 'attempt', at }, context)
    return send(paymentId, state, context)
  }

  /** `claimed`: on record as sent, and not sent yet. */
  async function run(paymentId: string, claimed: Settled | undefined, context: CommandContext): Promise<X402Outcome> {
    const deadlineMs = performance.now() + limits.waitMaxMs
    let state = claimed ?? (await bus.current(x402Payment, paymentId))
    for (let round = 0; ; round++) {
      if (state.status === 'absent') throw new Error('a payment is to be finished that nobody has claimed')
      if (state.status === 'failed') return { as: 'rejected', reason: state.reason ?? 'failed' }
      if (state.status === 'credited') return { as: 'credited', state, isReplay: true, position: undefined }
      if (state.status === 'settled') {
        return { as: 'credited', state, isReplay: false, ...(await creditSettled(paymentId, state, context)) }
      }
      if (performance.now() >= deadlineMs) return { as: 'pending' }
      // The first looks come at once: a chain that mines at once has answered by then.
      if (round > 1) await delay(limits.pollMs)
      try {
        state = await (claimed && round === 0 ? send : advance)(paymentId, state, context)
      } catch (error) {
        if (error instanceof Unfunded) return { as: 'rejected', reason: 'insufficient_funds' }
        if (!(error instanceof ChainSilent)) throw error
        state = await bus.current(x402Payment, paymentId)
      }
    }
  }

  /** Goes on with a claim until the chain has decided, or until it takes too long. */
  function finish(paymentId: string, context: CommandContext, claimed?: Settled): Promise<X402Outcome> {
    const known = underWay.get(paymentId)
    if (known) return known.then((outcome) => (outcome.as === 'credited' ? { ...outcome, isReplay: true } : outcome))
    const running = run(paymentId, claimed, context).finally(() => underWay.delete(paymentId))
    underWay.set(paymentId, running)
    return running
  }

  /** Throws Rejected (payment_already_used) where another account has brought it. */
  async function pay(order: X402Order, context: CommandContext): Promise<X402Outcome> {
    const { accountId, authorization, usdCents } = order
    const paymentId = x402PaymentIdOf(authorization)
    const known = await bus.current(x402Payment, paymentId)
    if (known.status !== 'absent') {
      if (known.claim.accountId === accountId) return finish(paymentId, context)
      throw new Rejected('payment_already_used', 'Another account has paid with this authorization.')
    }
    let seen: Awaited<ReturnType<typeof lookAt>>
    try {
      seen = await lookAt(authorization)
    } catch (error) {
      if (!(error instanceof ChainSilent)) throw error
      return { as: 'pending' }
    }
    if (seen.reason !== undefined) return { as: 'rejected', reason: seen.reason }
    const { at } = context
    const purchaseId = prefixedId('pay', at, paymentId)
    const ids = { accountId, paymentId, purchaseId, period: await ledgers.period(accountId) }
    const claim = { ...ids, authorization, usdCents: String(usdCents), occurredAt: at }
    const { state, events } = await decide(paymentId, { kind: 'claim', claim, isSent: seen.isUnused }, context)
    const isOurs = seen.isUnused && events.length > 0 && state.status === 'claimed'
    return finish(paymentId, context, isOurs ? state : undefined)
  }

  return { pay, finish }
}
