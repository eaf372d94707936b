/**
 * What an account is for: `standard`, `challenge` or `funded`. That a challenge is held on it, its own stream says; whether
 * the challenge was funded, the challenge's. An answer that is repeated says what held when it was given first.
 */
import type { AccountEvent } from '../../events/noctant/account.ts'
import type { CommandBus, Handled } from '../handle.ts'
import { type AccountState, account } from './account.ts'
import { challenge, fundedAtOf } from './challenge.ts'

type Answer = Handled<AccountState, AccountEvent>

/** The answer to a command, with the account's program as it was then. */
export async function withProgram(bus: CommandBus, handled: Answer): Promise<Answer> {
  const at = handled.events.at(-1)?.data.occurredAt
  return { ...handled, state: await fundedBy(bus, handled.state, at) }
}

/** The account as it is by now. */
export const currentAccount = async (bus: CommandBus, programAccountId: string): Promise<AccountState> =>
  fundedBy(bus, await bus.current(account, programAccountId), undefined)

async function fundedBy(bus: CommandBus, state: AccountState, at: string | undefined): Promise<AccountState> {
  if (state.status === 'absent' || state.challengeInstanceId === null) return state
  const fundedAt = fundedAtOf(await bus.current(challenge, state.challengeInstanceId))
  if (fundedAt === undefined || (at !== undefined && Date.parse(fundedAt) > Date.parse(at))) return state
  return { ...state, facts: { ...state.facts, programType: 'funded' } }
}
