/** Steps that several reads have in common: find the operator's own account, attempt or user. */
import { Rejected } from '../../commands/noctant/rejection.ts'
import type { ReadModels } from '../../postgres/database.ts'
import { type AccountView, findAccount, findAttempt } from '../../projections/noctant/account.ts'
import { findUser } from '../../projections/noctant/user.ts'
import { invalid, Problem } from '../errors.ts'
import type { Operator } from './access.ts'
import type { NoctantCode } from './errors.ts'

/** The same for another operator's account as for none. */
export const accountNotFound = () =>
  new Rejected('account_not_found', 'The operator has no account of this external id.')

/** The operator's account of this external id. Throws account_not_found, for another operator's just as for none. */
export async function accountOf(
  db: ReadModels,
  { operatorId }: Operator,
  externalAccountId: string,
): Promise<AccountView> {
  const found = await findAccount(db, operatorId, externalAccountId)
  if (!found) throw accountNotFound()
  return found
}

/** Throws user_not_found, for another operator's user just as for none. */
export async function requireUser(db: ReadModels, operatorId: string, userId: string): Promise<void> {
  if (!(await findUser(db, operatorId, userId))) {
    throw new Rejected('user_not_found', 'The operator has no user of this id.')
  }
}

export interface ExecutionQuery {
  execution_scope?: 'current' | 'attempt' | 'all_attempts' | undefined
  attempt_id?: string | undefined
}

/** The attempt that a query is confined to; undefined: all of them. Throws a Problem where the two do not go together. */
export async function attemptOf(
  db: ReadModels,
  account: AccountView,
  { execution_scope: scope = 'current', attempt_id: attemptId }: ExecutionQuery,
): Promise<string | undefined> {
  if (scope === 'attempt' && attemptId === undefined) {
    throw invalid('query/attempt_id', 'required', 'execution_scope=attempt needs an attempt_id.')
  }
  if (scope !== 'attempt' && attemptId !== undefined) {
    throw invalid('query/attempt_id', 'unexpected', 'An attempt_id goes with execution_scope=attempt alone.')
  }
  if (scope === 'all_attempts') return undefined
  if (attemptId === undefined) return account.current_program_account_attempt_id
  if (!(await findAttempt(db, account.program_account_id, attemptId))) {
    throw new Problem<NoctantCode>('attempt_not_found', 'The account has no such attempt.')
  }
  return attemptId
}
