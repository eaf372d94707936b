/** Facts of a message that a trader signs: that it was issued, and that it was used. Stream `ostium.challenge-<nonce>`. */
import { z } from 'zod'
import type { EventOf } from '../event.ts'
import { hash32, ofTrader, time, transaction, uuid } from './vocabulary.ts'

const ofChallenge = { ...ofTrader, agentId: uuid, nonce: hash32 }

export const purpose = z.enum(['cancel', 'revoke'])
/** What the message is about: an agent that was never verified, or one that was. */
export type Purpose = z.infer<typeof purpose>

export const challengeEvents = {
  'ostium.ChallengeIssued.v1': z.object({
    ...ofChallenge,
    purpose,
    /** Its text, byte for byte. */
    message: z.string(),
    expiresAt: time,
    /** Handed out beside a message that revokes. */
    removeDelegateTx: transaction.nullable(),
    usdcRevokeTx: transaction.nullable(),
  }),
  'ostium.ChallengeConsumed.v1': z.object({ ...ofChallenge, signatureHash: z.string().regex(/^[0-9a-f]{64}$/) }),
}
export type ChallengeEvent = EventOf<typeof challengeEvents>
export type ChallengeFacts = Extract<ChallengeEvent, { type: 'ostium.ChallengeIssued.v1' }>['data']
