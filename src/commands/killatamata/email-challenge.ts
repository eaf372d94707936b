/**
 * Codes that are mailed to one address: the last one is good once, for a short time and a few tries. Who gets the account is decided
 * by the identity's claim, not here.
 */
import type { EmailChallengeEvent } from '../../events/killatamata/sign-in.ts'
import type { Aggregate } from '../decider.ts'
import { isSameHash } from './digests.ts'
import { Rejected } from './rejection.ts'

/** Wrong codes after which the code is void. */
export const CODE_FAILURES_MAX = 5

interface Code {
  codeId: string
  codeHash: string
  expiresAt: string
  failures: number
}

export interface EmailChallengeState {
  /** The account that the address has, or would have; null: nobody has asked. */
  accountId: string | null
  email: string
  /** Null: none can be redeemed. */
  code: Code | null
}

export type EmailChallengeCommand = { identityId: string; at: string } & (
  | ({ kind: 'request'; accountId: string; email: string } & Omit<Code, 'failures'>)
  /** Answers with CodeRedeemed, or with CodeRefused where the code is wrong; refused where none can be redeemed. */
  | { kind: 'redeem'; codeHash: string }
)

export const codeInvalid = () =>
  new Rejected('code_invalid', 'The code is wrong, was used or has expired, or none was asked for.')

export const emailChallenge: Aggregate<EmailChallengeState, EmailChallengeCommand, EmailChallengeEvent> = {
  category: 'killatamata.emailChallenge',
  initialState: { accountId: null, email: '', code: null },

  evolve(state, event) {
    switch (event.type) {
      case 'killatamata.CodeRequested.v1': {
        const { accountId, email, codeId, codeHash, expiresAt } = event.data
        return { accountId, email, code: { codeId, codeHash, expiresAt, failures: 0 } }
      }
      case 'killatamata.CodeRefused.v1': {
        if (!state.code) return state
        const failures = state.code.failures + 1
        return { ...state, code: failures < CODE_FAILURES_MAX ? { ...state.code, failures } : null }
      }
      case 'killatamata.CodeRedeemed.v1':
        return { ...state, code: null }
      default:
        return event satisfies never
    }
  },

  decide(command, state) {
    const { identityId, at: occurredAt } = command
    if (command.kind === 'request') {
      const { accountId, email, codeId, codeHash, expiresAt } = command
      if (state.code?.codeId === codeId) return []
      const data = { identityId, accountId, codeId, occurredAt, email, codeHash, expiresAt }
      return [{ type: 'killatamata.CodeRequested.v1', data }]
    }
    const { accountId, code } = state
    if (accountId === null || !code || code.expiresAt <= occurredAt) throw codeInvalid()
    const data = { identityId, accountId, codeId: code.codeId, occurredAt }
    const isRight = isSameHash(code.codeHash, command.codeHash)
    return [{ type: isRight ? 'killatamata.CodeRedeemed.v1' : 'killatamata.CodeRefused.v1', data }]
  },
}
