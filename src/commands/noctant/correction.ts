/** Corrections of an account's balance: recorded in the account's own stream, together with the order to the engine. */
import type { AccountEvent } from '../../events/noctant/account.ts'
import type { CommandBus, CommandContext, Handled } from '../handle.ts'
import { deterministicId } from '../identity.ts'
import { type AccountState, account, programAccountIdOf } from './account.ts'
import { requireUser } from './kyc.ts'

export interface CorrectionFacts {
  operatorId: string
  globalUserId: string
  externalAccountId: string
  /** Signed: what is added to the balance. */
  amount: string
  reason: string
  note: string | null
  operatorReference: string | null
  idempotencyKey: string
  /** Of the request that asked for it, for whoever follows it through the logs. */
  traceId: string | null
}

/** A correction's id follows from its command's, so that the same request always names the same correction. */
export const correctionIdOf = (commandId: string): string => deterministicId('noctant.correction', commandId)

/**
 * Asks for a correction. Rejects with user_not_found, account_not_found (also where the account is another user's),
 * account_closed and invalid_amount.
 */
export function requestCorrection(
  bus: CommandBus,
  facts: CorrectionFacts,
  context: CommandContext,
): Promise<Handled<AccountState, AccountEvent>> {
  const { externalAccountId, ...chosen } = facts
  const { commandId, at } = context
  const correction = { ...chosen, correctionId: correctionIdOf(commandId) }
  const id = programAccountIdOf(facts.operatorId, externalAccountId)
  return bus.handle(account, id, { kind: 'correct', correction, commandId, at }, context, () =>
    requireUser(bus, facts.operatorId, facts.globalUserId),
  )
}
