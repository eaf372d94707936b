/**
 * The commands on payouts. A decision rests on the challenge, the engine's log and the user's KYC standing; they are
 * read when the command turns out to be a new one, so that a repeated request is answered whatever they are by now.
 */
import type { PayoutAddressEvent, PayoutEvent } from '../../events/noctant/payout.ts'
import type { Aggregate } from '../decider.ts'
import type { CommandBus, CommandContext, Handled } from '../handle.ts'
import { deterministicId } from '../identity.ts'
import { account, programAccountIdOf } from './account.ts'
import { challenge, payoutTermsOf, type StartedChallenge } from './challenge.ts'
import { challengeInstanceIdOf } from './challenge-identity.ts'
import { isVerified, kyc, kycIdOf, requireUser } from './kyc.ts'
import { type LedgerState, ledger } from './ledger.ts'
import { Exact, positiveAmount } from './money.ts'
import { type Evidence, type Payout, type PayoutCommand, type PayoutsState, payoutOf, payouts } from './payouts.ts'
import { Rejected } from './rejection.ts'
import { markRepeat } from './repeat.ts'

export interface PayoutRequestFacts {
  operatorId: string
  globalUserId: string
  externalAccountId: string
  amount: string
  note: string | null
  operatorReference: string | null
  idempotencyKey: string
  traceId: string | null
}

/** A request that an operator names by its id. */
export interface PayoutSelector {
  operatorId: string
  globalUserId: string
  payoutRequestId: string
}

export const payoutRequestIdOf = (commandId: string): string => deterministicId('noctant.payoutRequest', commandId)

/** Of the engine's order that debits the account: one request has one. */
export const executionCommandIdOf = (payoutRequestId: string): string =>
  deterministicId('noctant.payoutExecution', payoutRequestId)

/** Tells which account's stream holds a request: its id alone does not. */
const address: Aggregate<
  { programAccountId: string; operatorId: string } | undefined,
  { payoutRequestId: string; programAccountId: string; operatorId: string; at: string },
  PayoutAddressEvent
> = {
  category: 'noctant.payoutRequest',
  initialState: undefined,
  evolve: (_, { data: { programAccountId, operatorId } }) => ({ programAccountId, operatorId }),
  decide({ at, ...address }, state) {
    return state ? [] : [{ type: 'noctant.PayoutRequestAddressed.v1', data: { ...address, occurredAt: at } }]
  },
}

/** The decisions on payouts, for commands that are put together when they are decided on for the first time. */
const deferred: Aggregate<PayoutsState, () => PayoutCommand, PayoutEvent> = {
  ...payouts,
  decide: (command, state) => payouts.decide(command(), state),
}

type Answer = Handled<PayoutsState, PayoutEvent>

/** The request as it stood right after the command. */
export function payoutIn({ state }: Pick<Answer, 'state'>, payoutRequestId: string): Payout {
  const found = state.payouts.get(payoutRequestId)
  if (!found) throw new Error('a request that was taken in is among its account’s payouts')
  return found
}

/**
 * Asks for a payout. What the policy says against it is recorded as a request that was refused. Rejects with
 * user_not_found, account_not_found, account_closed, invalid_amount, and payout_not_eligible where the account's current
 * challenge is not funded.
 */
export async function requestPayout(
  bus: CommandBus,
  facts: PayoutRequestFacts,
  context: CommandContext,
): Promise<Answer> {
  const { operatorId, globalUserId, externalAccountId, amount, ...kept } = facts
  const { commandId, at } = context
  const programAccountId = programAccountIdOf(operatorId, externalAccountId)
  const payoutRequestId = payoutRequestIdOf(commandId)
  let command: PayoutCommand | undefined
  return bus.handle(
    deferred,
    programAccountId,
    () => known(command),
    context,
    async () => {
      await requireUser(bus, operatorId, globalUserId)
      const { accountId, currency } = await openAccountOf(bus, programAccountId, globalUserId)
      const requestedAmount = positiveAmount(amount, currency)
      const { run, evidence } = await gather(bus, { operatorId, globalUserId, accountId, at })
      const { instanceId, chainId } = run.facts
      const names = { payoutRequestId, programAccountId, accountId, operatorId, globalUserId, instanceId, chainId }
      const request = { ...names, ...kept, requestCommandId: commandId, currency, requestedAmount }
      const filing = { ...context, commandId: deterministicId('address', commandId), fingerprint: undefined }
      await bus.handle(address, payoutRequestId, { payoutRequestId, programAccountId, operatorId, at }, filing)
      command = { kind: 'request', request, evidence, at }
    },
  )
}

/**
 * Approves a request, which reserves its amount; with `execute` the engine is to debit the account too, also where the
 * request was approved before. The same decision in the same words again is a repeat, as with the two below. Rejects with payout_request_not_found, payout_not_eligible and payout_state_conflict.
 */
export async function approvePayout(
  bus: CommandBus,
  selector: PayoutSelector,
  review: { execute: boolean; note: string | null; operatorReference: string | null },
  context: CommandContext,
): Promise<Answer> {
  const programAccountId = await addressOf(bus, selector)
  const { operatorId, globalUserId, payoutRequestId } = selector
  const { at } = context
  const commandId = executionCommandIdOf(payoutRequestId)
  const { request, policy } = payoutOf(await bus.current(payouts, programAccountId), selector)
  const { accountId } = request
  const isOpen = policy === 'pending_review'
  const found = isOpen ? await gather(bus, { operatorId, globalUserId, accountId, at }) : undefined
  const evidence = found?.evidence
  const command = { kind: 'approve', payoutRequestId, globalUserId, ...review, commandId, evidence, at } as const
  return markRepeat(await bus.handle(payouts, programAccountId, command, context))
}

/** Turns a request down, or takes back an approval that has moved no money. Rejects with payout_request_not_found and payout_state_conflict. */
export async function rejectPayout(
  bus: CommandBus,
  selector: PayoutSelector,
  review: { reason: string; operatorReference: string | null },
  context: CommandContext,
): Promise<Answer> {
  const { globalUserId, payoutRequestId } = selector
  const command = { kind: 'reject', payoutRequestId, globalUserId, ...review, at: context.at } as const
  return markRepeat(await bus.handle(payouts, await addressOf(bus, selector), command, context))
}

/** Rejects with payout_request_not_found, settlement_reference_missing and payout_state_conflict. */
export async function settlePayout(
  bus: CommandBus,
  selector: PayoutSelector,
  settlement: Omit<Extract<PayoutCommand, { kind: 'settle' }>, 'kind' | 'payoutRequestId' | 'globalUserId' | 'at'>,
  context: CommandContext,
): Promise<Answer> {
  const { globalUserId, payoutRequestId } = selector
  const command = { kind: 'settle', payoutRequestId, globalUserId, ...settlement, at: context.at } as const
  return markRepeat(await bus.handle(payouts, await addressOf(bus, selector), command, context))
}

function known(command: PayoutCommand | undefined): PayoutCommand {
  if (!command) throw new Error('a command is put together before it is decided on')
  return command
}

async function addressOf(bus: CommandBus, { operatorId, payoutRequestId }: PayoutSelector): Promise<string> {
  const found = await bus.load(address, payoutRequestId)
  if (found?.operatorId === operatorId) return found.programAccountId
  throw new Rejected('payout_request_not_found', 'The user has no payout request of this id.')
}

async function openAccountOf(bus: CommandBus, programAccountId: string, globalUserId: string) {
  const found = await bus.current(account, programAccountId)
  if (found.status === 'absent' || found.facts.globalUserId !== globalUserId) {
    throw new Rejected('account_not_found', 'The user has no account of this external id.')
  }
  if (found.status === 'closed') throw new Rejected('account_closed', 'The account is closed.')
  return found.facts
}

/** What a decision rests on beside the account's other requests. Rejects with payout_not_eligible. */
async function gather(
  bus: CommandBus,
  { operatorId, globalUserId, accountId, at }: Record<'operatorId' | 'globalUserId' | 'accountId' | 'at', string>,
): Promise<{ run: StartedChallenge; evidence: Evidence }> {
  const run = await bus.current(challenge, challengeInstanceIdOf(accountId))
  const terms = payoutTermsOf(run)
  if (run.status === 'absent' || !terms) {
    throw new Rejected('payout_not_eligible', 'The account has no funded challenge that pays out.')
  }
  const books = await bus.current(ledger, accountId)
  if (books.status === 'unopened') throw new Rejected('payout_not_eligible', 'The engine has not opened the account.')
  const standing = await bus.current(kyc, kycIdOf(operatorId, globalUserId))
  const { templateId, templateVersion, execution } = run.facts
  const { policy, initialBalance, fundedAt, kycRequired } = terms
  const evidence: Evidence = {
    snapshot: {
      templateId,
      templateVersion,
      stepSequence: run.measures.stepSequence,
      currency: execution.currency,
      initialBalance,
      fundedAt,
      kycRequired,
      policy,
    },
    figures: {
      balance: books.balance,
      equity: books.equity,
      engineSequence: books.sequence,
      corrections: correctionsOf(run, books),
      kycStatus: standing.status === 'unreported' ? null : standing.status,
      kycVerified: isVerified(standing, at),
    },
    debited: new Set(books.transfers.filter(({ cause }) => cause === 'payout').map(({ reference }) => reference)),
  }
  return { run, evidence }
}

/** Since the funded step began: what the challenge has measured, and what the engine's log says beyond that. */
function correctionsOf(
  { measures }: StartedChallenge,
  { transfers }: Extract<LedgerState, { status: 'open' }>,
): string {
  return transfers
    .filter(({ cause, sequence }) => cause === 'correction' && sequence > measures.engineSequence)
    .reduce((sum, { change }) => sum.plus(change), new Exact(measures.corrections))
    .toFixed()
}
