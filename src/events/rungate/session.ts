/** Facts of a browser's session. Stream `rungate.session-<id>`. */
import { z } from 'zod'
import type { EventOf } from '../event.ts'
import { personal } from '../personal.ts'
import { author, sha256, time, uuid } from './vocabulary.ts'

/** The account: of the member when the session began; null: it had none. */
const ofSession = { sessionId: uuid, memberId: uuid, accountId: uuid.nullable(), occurredAt: time }

export const sessionEvents = {
  'rungate.SessionStarted.v1': z.object({
    ...ofSession,
    addressId: uuid,
    /** Of the cookie. */
    keyHash: sha256,
    expiresAt: time,
    ipAddress: personal(z.string().nullable()),
    userAgent: personal(z.string().nullable()),
  }),
  /** It was in use, and goes on for longer. Now and again only. */
  'rungate.SessionSeen.v1': z.object({ ...ofSession, expiresAt: time }),
  'rungate.SessionEnded.v1': z.object({
    ...ofSession,
    reason: z.enum(['logout', 'revoked', 'expired', 'removed']),
    author,
  }),
}
export type SessionEvent = EventOf<typeof sessionEvents>
export type SessionFacts = Extract<SessionEvent, { type: 'rungate.SessionStarted.v1' }>['data']
