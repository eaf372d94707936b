/** Which challenge an execution account is traded for: one name for both the account's decisions and the challenge's. */
import { deterministicId } from '../identity.ts'

/** There is at most one challenge per execution account; the id is there before the challenge is. */
export const challengeInstanceIdOf = (accountId: string): string => deterministicId('noctant.challenge', accountId)
