/**
 * An e-mail address: it belongs to one account at most, and its holder signs in by a link or a code, each good once. The holder is
 * one person until it is removed from its account or forgotten; who has the address then is another.
 */
import type { AddressBinding, AddressEvent } from '../../events/rungate/address.ts'
import type { Aggregate } from '../decider.ts'
import { deterministicId } from '../identity.ts'
import { isSameHash } from './digests.ts'
import { Rejected } from './rejection.ts'
import { memberNotFound } from './roster.ts'

/** Wrong codes after which a login is gone. */
export const CODE_FAILURES_MAX = 5

interface Login {
  loginId: string
  tokenHash: string
  codeHash: string
  expiresAt: string
  failures: number
}

export interface AddressState {
  /** How many persons have had the address before. */
  holders: number
  /** Null: it belongs to none. */
  accountId: string | null
  /** As the holder writes it; null: nobody has. */
  email: string | null
  /** Null: none can be used. */
  login: Login | null
  /** Persons who have, or had, the address and were forgotten. */
  forgotten: ReadonlySet<string>
}

export type AddressCommand = { addressId: string; at: string } & (
  | ({ kind: 'requestLogin'; email: string } & Omit<Login, 'failures'>)
  /** Answers with LoginVerified, or with LoginFailed where a code is wrong; refused where nothing can be verified. */
  | { kind: 'verify'; tokenHash: string }
  | { kind: 'verify'; codeHash: string }
  | { kind: 'bind'; binding: Pick<AddressBinding, 'accountId' | 'email' | 'displayName' | 'joining'> }
  | { kind: 'release'; accountId: string; memberId: string; reason: 'undone' | 'removed' }
  | { kind: 'forget'; memberId: string; reference: string | null }
)

/** The person who has the address now, or would have it. */
export const holderOf = (addressId: string, { holders }: AddressState): string => personOf(addressId, holders)

const personOf = (addressId: string, index: number): string =>
  deterministicId('rungate.member', addressId, String(index))

/** The account that a person makes who has none. */
export const accountIdOf = (memberId: string): string => deterministicId('rungate.account', memberId)

export const loginRefused = () =>
  new Rejected('login_refused', 'The link or the code is wrong, was used, or has expired.')

export const address: Aggregate<AddressState, AddressCommand, AddressEvent> = {
  category: 'rungate.address',
  initialState: { holders: 0, accountId: null, email: null, login: null, forgotten: new Set() },

  evolve(state, event) {
    switch (event.type) {
      case 'rungate.LoginRequested.v1': {
        const { loginId, tokenHash, codeHash, expiresAt } = event.data
        const email = state.accountId === null ? event.data.email : state.email
        return { ...state, email, login: { loginId, tokenHash, codeHash, expiresAt, failures: 0 } }
      }
      case 'rungate.LoginFailed.v1': {
        if (!state.login) return state
        const failures = state.login.failures + 1
        return { ...state, login: failures < CODE_FAILURES_MAX ? { ...state.login, failures } : null }
      }
      case 'rungate.LoginVerified.v1':
        return { ...state, login: null }
      case 'rungate.AddressBound.v1':
        return { ...state, accountId: event.data.accountId, email: event.data.email }
      case 'rungate.AddressReleased.v1':
        return event.data.reason === 'undone' ? { ...state, accountId: null } : strangers(state)
      case 'rungate.MemberForgotten.v1': {
        const { addressId, memberId } = event.data
        const forgotten = new Set(state.forgotten).add(memberId)
        return { ...(holderOf(addressId, state) === memberId ? strangers(state) : state), forgotten }
      }
      default:
        return event satisfies never
    }
  },

  decide(command, state) {
    const { addressId, at: occurredAt } = command
    const { accountId, login } = state
    const of = { addressId, memberId: holderOf(addressId, state), occurredAt }
    switch (command.kind) {
      case 'requestLogin': {
        const { email, loginId, tokenHash, codeHash, expiresAt } = command
        const data = { ...of, accountId, loginId, email, tokenHash, codeHash, expiresAt }
        return [{ type: 'rungate.LoginRequested.v1', data }]
      }
      case 'verify': {
        if (!login || login.expiresAt <= occurredAt) throw loginRefused()
        const data = { ...of, accountId, loginId: login.loginId }
        const isRight =
          'tokenHash' in command
            ? isSameHash(login.tokenHash, command.tokenHash)
            : isSameHash(login.codeHash, command.codeHash)
        if (isRight) return [{ type: 'rungate.LoginVerified.v1', data }]
        if ('tokenHash' in command) throw loginRefused()
        return [{ type: 'rungate.LoginFailed.v1', data }]
      }
      case 'bind': {
        const { binding } = command
        if (accountId === binding.accountId) return []
        if (accountId !== null) throw addressElsewhere()
        return [{ type: 'rungate.AddressBound.v1', data: { ...of, ...binding } }]
      }
      case 'release': {
        if (accountId !== command.accountId || of.memberId !== command.memberId) return []
        return [{ type: 'rungate.AddressReleased.v1', data: { ...of, accountId, reason: command.reason } }]
      }
      case 'forget': {
        const { memberId, reference } = command
        if (state.forgotten.has(memberId)) return []
        const isHolder = of.memberId === memberId
        if (!isHolder && !hasHeld(addressId, state, memberId)) throw memberNotFound()
        const data = { ...of, memberId, accountId: isHolder ? accountId : null, reference }
        return [{ type: 'rungate.MemberForgotten.v1', data }]
      }
      default:
        return command satisfies never
    }
  },
}

const strangers = ({ holders, forgotten }: AddressState): AddressState => ({
  ...{ holders: holders + 1, accountId: null, email: null, login: null, forgotten },
})

function hasHeld(addressId: string, { holders }: AddressState, memberId: string): boolean {
  for (let index = 0; index < holders; index++) if (personOf(addressId, index) === memberId) return true
  return false
}

export const addressElsewhere = () =>
  new Rejected('address_elsewhere', 'The address belongs to another account.', '/email')
