/**
 * The decisions of an account that change its balance by an operator's word: a correction, and the debit of a payout.
 * The account asks the engine for both; whether the balance bears them, the engine alone decides.
 */
import type { AccountEvent, EngineOrder } from '../../events/noctant/account.ts'
import { signedAmount } from './money.ts'
import { Rejected } from './rejection.ts'

type CorrectionRequested = Extract<AccountEvent, { type: 'noctant.AccountCorrectionRequested.v1' }>['data']

export type BalanceCommand =
  | {
      kind: 'correct'
      correction: Omit<CorrectionRequested, 'programAccountId' | 'accountId' | 'commandId' | 'currency' | 'occurredAt'>
      commandId: string
      at: string
    }
  | {
      kind: 'executePayout'
      payoutRequestId: string
      /** The execution account that the payout was granted on. */
      accountId: string
      amount: string
      commandId: string
      at: string
    }

/** Of the account: as much as these decisions rest on. */
export interface AccountInHand {
  programAccountId: string
  operatorId: string
  globalUserId: string
  /** The current execution account. */
  accountId: string
  currency: string
}

/**
 * Rejects with account_not_found where the account is not this user's, invalid_amount, and account_replaced where a
 * payout was granted on an earlier attempt's account.
 */
export function decideBalanceEffect(
  command: BalanceCommand,
  account: AccountInHand,
  ask: (order: EngineOrder) => AccountEvent,
): AccountEvent[] {
  const { programAccountId, accountId, currency } = account
  switch (command.kind) {
    case 'correct': {
      const { correction, commandId, at } = command
      if (correction.operatorId !== account.operatorId || correction.globalUserId !== account.globalUserId) {
        throw new Rejected('account_not_found', 'The user has no account of this external id.')
      }
      const amount = signedAmount(correction.amount, currency)
      const data = { ...correction, amount, programAccountId, accountId, commandId, currency, occurredAt: at }
      return [
        { type: 'noctant.AccountCorrectionRequested.v1', data },
        ask({ kind: 'adjust_balance', amount, reference: correction.correctionId, reason: correction.reason }),
      ]
    }
    case 'executePayout': {
      if (command.accountId !== accountId) {
        throw new Rejected('account_replaced', 'The account is traded on another execution account by now.')
      }
      return [ask({ kind: 'execute_payout', amount: command.amount, reference: command.payoutRequestId })]
    }
    default:
      return command satisfies never
  }
}
