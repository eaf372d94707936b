/**
 * The decisions of an account that challenges call for: which attempt a challenge is held on, a fresh attempt, and the
 * end of trading after a breach. Each attempt has an execution account of its own, so that its engine events are its own.
 */
import type { AccountEvent, EngineOrder } from '../../events/noctant/account.ts'
import { deterministicId } from '../identity.ts'
import type { AccountState } from './account.ts'
import { challengeInstanceIdOf } from './challenge-identity.ts'
import { Rejected } from './rejection.ts'

export type AttemptCommand =
  | {
      kind: 'attachChallenge'
      /** Of the template. */
      initialBalance: string
      currency: string
      /** The execution account on which nothing has happened yet, where the current one is such. */
      untouchedAccountId: string | null
      /** The challenge that a place was reserved for. */
      instanceId: string
      commandId: string
      at: string
    }
  | {
      kind: 'startAttempt'
      attemptNumber: number
      initialBalance: string
      reason: string
      commandId: string
      at: string
    }
  | { kind: 'stopTrading'; instanceId: string; reason: string; commandId: string; at: string }

type OpenedState = Exclude<AccountState, { status: 'absent' }>

/** The ids of an account's n-th attempt. */
export const accountAttempt = (programAccountId: string, attemptNumber: number) => ({
  attemptId: deterministicId('noctant.attempt', programAccountId, String(attemptNumber)),
  accountId: deterministicId('noctant.executionAccount', programAccountId, String(attemptNumber)),
})

/** The attempt that the next challenge is held on: the current one where it is unused and of the right size. */
export function attemptForChallenge(
  state: OpenedState,
  { initialBalance, untouchedAccountId }: { initialBalance: string; untouchedAccountId: string | null },
): { attemptNumber: number; attemptId: string; accountId: string } {
  const { facts, attemptNumber, challengeInstanceId } = state
  const isFree = challengeInstanceId === null && untouchedAccountId === facts.accountId
  const number = isFree && facts.initialBalance === initialBalance ? attemptNumber : attemptNumber + 1
  return { attemptNumber: number, ...accountAttempt(facts.programAccountId, number) }
}

/** Rejects with challenge_account_unfit, challenge_under_way and concurrent_change. */
export function decideAttempt(command: AttemptCommand, state: OpenedState): AccountEvent[] {
  switch (command.kind) {
    case 'attachChallenge':
      return attachChallenge(command, state)
    case 'startAttempt':
      return startAttempt(command, state)
    case 'stopTrading':
      return stopTrading(command, state)
    default:
      return command satisfies never
  }
}

/** Rejects with challenge_account_unfit where no challenge may be started on the account as it is. */
export function requireFitAccount(state: OpenedState, currency: string): void {
  const unfit = (detail: string) => new Rejected('challenge_account_unfit', detail)
  if (state.status !== 'active') throw unfit(`The account is ${state.status}; a challenge needs an active one.`)
  if (state.facts.rulesOwner !== 'noctant') throw unfit('The account is not held to rules of this platform.')
  if (state.facts.currency !== currency) {
    throw unfit(`The template is in ${currency}, the account in ${state.facts.currency}.`)
  }
}

function attachChallenge(
  command: Extract<AttemptCommand, { kind: 'attachChallenge' }>,
  state: OpenedState,
): AccountEvent[] {
  requireFitAccount(state, command.currency)
  const attempt = attemptForChallenge(state, command)
  if (challengeInstanceIdOf(attempt.accountId) !== command.instanceId) {
    throw new Rejected('challenge_under_way', 'Another challenge has been started on the account meanwhile.')
  }
  if (attempt.attemptNumber === state.attemptNumber) return [attached(state.facts.programAccountId, attempt, command)]
  return newAttempt(state, {
    ...command,
    reason: 'a fresh start for a challenge',
    attemptNumber: attempt.attemptNumber,
  })
}

function startAttempt(command: Extract<AttemptCommand, { kind: 'startAttempt' }>, state: OpenedState): AccountEvent[] {
  requireFitAccount(state, state.facts.currency)
  if (command.attemptNumber !== state.attemptNumber + 1) {
    throw new Rejected('concurrent_change', 'The account has begun another attempt meanwhile.')
  }
  return newAttempt(state, command)
}

function newAttempt(
  { facts, engineCommands, attemptNumber: prior }: OpenedState,
  command: { attemptNumber: number; initialBalance: string; reason: string; commandId: string; at: string },
): AccountEvent[] {
  const { programAccountId, currency, executionProfileKey, accountId: priorAccountId } = facts
  const { operatorId, orgId, globalUserId, externalAccountId } = facts
  const { attemptNumber, initialBalance, reason, commandId, at } = command
  const attempt = accountAttempt(programAccountId, attemptNumber)
  const { attemptId, accountId } = attempt
  const ask = (name: string, account: string, sequence: number, order: EngineOrder): AccountEvent => ({
    type: 'noctant.EngineCommandRequested.v1',
    data: {
      commandId: deterministicId(name, commandId, String(prior)),
      programAccountId,
      accountId: account,
      sequence,
      order,
      occurredAt: at,
    },
  })
  return [
    {
      type: 'noctant.AccountAttemptStarted.v1',
      data: {
        programAccountId,
        operatorId,
        orgId,
        globalUserId,
        externalAccountId,
        currency,
        attemptId,
        attemptNumber,
        accountId,
        priorAccountId,
        initialBalance,
        occurredAt: at,
      },
    },
    ask('closeAttempt', priorAccountId, engineCommands + 1, {
      kind: 'disable_account',
      forceClosePositions: true,
      reason,
    }),
    ask('openAttempt', accountId, 1, { kind: 'open_account', currency, initialBalance, executionProfileKey }),
    attached(programAccountId, attempt, command),
  ]
}

const attached = (
  programAccountId: string,
  { attemptId, accountId }: { attemptId: string; accountId: string },
  { at }: { at: string },
): AccountEvent => ({
  type: 'noctant.AccountChallengeAttached.v1',
  data: { programAccountId, accountId, attemptId, instanceId: challengeInstanceIdOf(accountId), occurredAt: at },
})

/** Disabled, with every position closed; an account that has moved on to another attempt is left alone. */
function stopTrading(command: Extract<AttemptCommand, { kind: 'stopTrading' }>, state: OpenedState): AccountEvent[] {
  const { facts, engineCommands, challengeInstanceId, status } = state
  const { instanceId, reason, commandId, at } = command
  if (challengeInstanceId !== instanceId || status === 'closed') return []
  const { programAccountId, accountId } = facts
  const order: EngineOrder = { kind: 'disable_account', forceClosePositions: true, reason }
  const requested: AccountEvent = {
    type: 'noctant.EngineCommandRequested.v1',
    data: { commandId, programAccountId, accountId, sequence: engineCommands + 1, order, occurredAt: at },
  }
  if (status === 'disabled') return [requested]
  const change = { from: status, to: 'disabled', reason, occurredAt: at } as const
  return [{ type: 'noctant.AccountStatusChanged.v1', data: { programAccountId, accountId, ...change } }, requested]
}
