/** An account as the contract shows it, from a decision's state. */
import type { AccountState } from '../../../commands/noctant/account.ts'
import { type AccountView, accountView } from '../../../projections/noctant/account.ts'

/** The view of an account after a command. Throws where it was never opened: no accepted command leaves it so. */
export function viewOf(state: AccountState): AccountView {
  if (state.status === 'absent') throw new Error('an account that was never opened has no view')
  return accountView(state.facts, state)
}
