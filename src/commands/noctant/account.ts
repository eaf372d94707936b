/**
 * A sponsored account: opened once per (operator, external account id), active or disabled after that. Whatever the
 * engine has to do is requested in the same append as the fact that calls for it, numbered per account, so that the
 * relay can carry it in order and nothing is asked for without its reason.
 */

import type { EventOf } from '../../events/event.ts'
import type { AccountEvent, accountEvents, EngineOrder } from '../../events/noctant/account.ts'
import type { Aggregate } from '../decider.ts'
import type { CommandBus, CommandContext, Handled } from '../handle.ts'
import { deterministicId } from '../identity.ts'
import { type AttemptCommand, accountAttempt, decideAttempt } from './account-attempt.ts'
import { type BalanceCommand, decideBalanceEffect } from './balance-effect.ts'
import { currencyOf, openingBalance, requireKept } from './money.ts'
import { requireSellable } from './product.ts'
import { Rejected } from './rejection.ts'
import { user, userForgotten } from './user.ts'

type AccountOpened = Extract<EventOf<typeof accountEvents>, { type: 'noctant.AccountOpened.v1' }>['data']

/** The facts that the caller chooses; the rest of AccountOpened follows from them. */
export type AccountFacts = Pick<
  AccountOpened,
  | 'operatorId'
  | 'orgId'
  | 'globalUserId'
  | 'externalAccountId'
  | 'accountName'
  | 'productId'
  | 'currency'
  | 'initialBalance'
  | 'executionProfileKey'
  | 'providerType'
  | 'rulesOwner'
  | 'feedSource'
  | 'brandingPolicy'
  | 'visibilityPolicy'
  | 'claimAllowed'
  | 'marketingAllowed'
>

export type AccountState =
  | { status: 'absent' }
  | {
      status: 'active' | 'disabled' | 'closed'
      facts: AccountOpened
      /** Engine commands requested so far. */
      engineCommands: number
      updatedAt: string
      /** From 1. `facts` tell of the current attempt's execution account and initial balance. */
      attemptNumber: number
      /** The current attempt's challenge. */
      challengeInstanceId: string | null
    }

export type AccountCommand =
  | { kind: 'open'; facts: AccountFacts; commandId: string; at: string }
  | {
      kind: 'changeStatus'
      to: 'active' | 'disabled'
      forceClosePositions: boolean
      reason: string | null
      commandId: string
      at: string
    }
  | { kind: 'closeAll'; reason: string | null; commandId: string; at: string }
  | BalanceCommand
  | AttemptCommand

export const programAccountIdOf = (operatorId: string, externalAccountId: string): string =>
  deterministicId('noctant.account', operatorId, externalAccountId)

export const account: Aggregate<AccountState, AccountCommand, AccountEvent> = {
  category: 'noctant.account',
  initialState: { status: 'absent' },

  evolve(state, event) {
    if (event.type === 'noctant.AccountOpened.v1') {
      return openedState(event.data)
    }
    if (state.status === 'absent') return state
    switch (event.type) {
      case 'noctant.AccountAttemptStarted.v1': {
        const { attemptId, attemptNumber, accountId, initialBalance, occurredAt } = event.data
        const begun = { programType: 'standard', provisioningSource: 'challenge_start' } as const
        const facts = { ...state.facts, ...begun, attemptId, accountId, initialBalance }
        return { ...state, facts, attemptNumber, engineCommands: 0, challengeInstanceId: null, updatedAt: occurredAt }
      }
      case 'noctant.AccountChallengeAttached.v1': {
        const { instanceId: challengeInstanceId, occurredAt: updatedAt } = event.data
        return { ...state, facts: { ...state.facts, programType: 'challenge' }, challengeInstanceId, updatedAt }
      }
      case 'noctant.AccountStatusChanged.v1':
        return { ...state, status: event.data.to, updatedAt: event.data.occurredAt }
      case 'noctant.AccountStatusKept.v1':
      case 'noctant.AccountCorrectionRequested.v1':
        return state
      case 'noctant.EngineCommandRequested.v1':
        // What the execution account before was told last has been counted there.
        if (event.data.accountId !== state.facts.accountId) return state
        return { ...state, engineCommands: event.data.sequence }
      default:
        return event satisfies never
    }
  },

  decide(command, state) {
    if (command.kind === 'open') return open(command, state)
    if (state.status === 'absent') throw new Rejected('account_not_found', 'There is no such account.')
    if (state.status === 'closed') throw new Rejected('account_closed', 'The account is closed.')
    const ask = engineCommand(state, command)
    switch (command.kind) {
      case 'closeAll':
        return [ask({ kind: 'close_all', reason: command.reason })]
      case 'changeStatus':
        return changeStatus(command, state, ask)
      case 'correct':
      case 'executePayout':
        return decideBalanceEffect(command, state.facts, ask)
      case 'attachChallenge':
      case 'startAttempt':
      case 'stopTrading':
        return decideAttempt(command, state)
      default:
        return command satisfies never
    }
  },
}

type OpenedState = Exclude<AccountState, { status: 'absent' }>

const openedState = (facts: AccountOpened): OpenedState => ({
  status: 'active',
  facts,
  engineCommands: 0,
  updatedAt: facts.occurredAt,
  attemptNumber: 1,
  challengeInstanceId: null,
})
type Ask = (order: EngineOrder) => AccountEvent

/** How this command asks the engine for something: numbered next in the account, under the command's own id. */
function engineCommand(state: OpenedState, command: { commandId: string; at: string }): Ask {
  const { programAccountId, accountId } = state.facts
  return (order) => ({
    type: 'noctant.EngineCommandRequested.v1',
    data: {
      commandId: command.commandId,
      programAccountId,
      accountId,
      sequence: state.engineCommands + 1,
      order,
      occurredAt: command.at,
    },
  })
}

function open(command: Extract<AccountCommand, { kind: 'open' }>, state: AccountState): AccountEvent[] {
  const { facts, at } = command
  if (state.status !== 'absent') {
    throw factsDiffer()
  }
  const currency = currencyOf(facts.currency)
  const initialBalance = openingBalance(facts.initialBalance, currency)
  const programAccountId = programAccountIdOf(facts.operatorId, facts.externalAccountId)
  const { accountId, attemptId } = accountAttempt(programAccountId, 1)
  const opened: AccountOpened = {
    ...facts,
    currency,
    initialBalance,
    programAccountId,
    attemptId,
    accountId,
    accountNumber: accountNumberOf(programAccountId),
    executionMode: 'simulated',
    marketMode: 'live_market',
    programType: 'standard',
    programOrigin: 'firm',
    provisioningSource: 'operator_api',
    occurredAt: at,
  }
  const { executionProfileKey } = facts
  const ask = engineCommand(openedState(opened), command)
  return [
    { type: 'noctant.AccountOpened.v1', data: opened },
    ask({ kind: 'open_account', currency, initialBalance, executionProfileKey }),
  ]
}

function changeStatus(
  command: Extract<AccountCommand, { kind: 'changeStatus' }>,
  state: OpenedState,
  ask: Ask,
): AccountEvent[] {
  const { programAccountId, accountId } = state.facts
  const { reason, to, at } = command
  if (state.status === to) {
    const data = { programAccountId, accountId, status: to, reason, occurredAt: at }
    return [{ type: 'noctant.AccountStatusKept.v1', data }]
  }
  const order: EngineOrder =
    to === 'disabled'
      ? { kind: 'disable_account', forceClosePositions: command.forceClosePositions, reason }
      : { kind: 'enable_account', reason }
  return [
    {
      type: 'noctant.AccountStatusChanged.v1',
      data: { programAccountId, accountId, from: state.status, to, reason, occurredAt: at },
    },
    ask(order),
  ]
}

/** Twelve digits for people to read out, from the account's id: `NCT-4821-0937-1150`. */
function accountNumberOf(programAccountId: string): string {
  const digits = (BigInt(`0x${programAccountId.replaceAll('-', '')}`) % 10n ** 12n).toString().padStart(12, '0')
  return `NCT-${digits.slice(0, 4)}-${digits.slice(4, 8)}-${digits.slice(8)}`
}

/**
 * Opens an account for a user of the operator. Rejects with user_not_found where the operator has no such user,
 * user_forgotten, product_not_found, product_not_sellable or product_rules_owner where no account may be opened for the
 * product, invalid_currency (one that is not among `currencies`, which the engine keeps accounts in, included),
 * invalid_amount, and account_facts_differ where the external id stands for other facts.
 */
export async function openAccount(
  bus: CommandBus,
  facts: AccountFacts,
  context: CommandContext,
  currencies: readonly string[],
): Promise<Handled<AccountState, AccountEvent>> {
  const { productId, rulesOwner } = facts
  const programAccountId = programAccountIdOf(facts.operatorId, facts.externalAccountId)
  const command = { kind: 'open', facts, commandId: context.commandId, at: context.at } as const
  const opening = bus.handle(account, programAccountId, command, context, async () => {
    requireKept(currencyOf(facts.currency), currencies)
    if (productId !== null) {
      await requireSellable(bus, facts.operatorId, productId)
      if (rulesOwner !== 'noctant') {
        const detail = 'An account for a product is held to the rules of this platform: rules_owner noctant.'
        throw new Rejected('product_rules_owner', detail, '/rules_owner')
      }
    }
    const owner = await bus.load(user, facts.globalUserId)
    if (owner.status === 'absent' || owner.operatorId !== facts.operatorId) {
      throw new Rejected('user_not_found', 'The operator has no such user.')
    }
    if (owner.status === 'forgotten') throw userForgotten()
  })
  return opening.catch((error: unknown) => {
    // The external id is the key here, and that is what the caller has to be told of.
    throw error instanceof Rejected && error.code === 'idempotency_key_reused' ? factsDiffer() : error
  })
}

const factsDiffer = () =>
  new Rejected(
    'account_facts_differ',
    'The external account id stands for an account with other facts.',
    '/external_account_id',
  )

/** Changes the trading status. The engine's command carries the context's command id. Rejects as `decide` does. */
export function changeAccountStatus(
  bus: CommandBus,
  account_: { operatorId: string; externalAccountId: string },
  change: { to: 'active' | 'disabled'; forceClosePositions: boolean; reason: string | null },
  context: CommandContext,
): Promise<Handled<AccountState, AccountEvent>> {
  const id = programAccountIdOf(account_.operatorId, account_.externalAccountId)
  const command = { kind: 'changeStatus', ...change, commandId: context.commandId, at: context.at } as const
  return bus.handle(account, id, command, context)
}

/** Asks the engine to close every position of the account. Rejects as `decide` does. */
export function closeAllPositions(
  bus: CommandBus,
  account_: { operatorId: string; externalAccountId: string },
  reason: string | null,
  context: CommandContext,
): Promise<Handled<AccountState, AccountEvent>> {
  const id = programAccountIdOf(account_.operatorId, account_.externalAccountId)
  const command = { kind: 'closeAll', reason, commandId: context.commandId, at: context.at } as const
  return bus.handle(account, id, command, context)
}
