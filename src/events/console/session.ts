/**
 * Facts of a browser's session with the console. Stream `console.session-<sessionId>`. Of the cookie only a hash is kept.
 * Event names are the storage format.
 */
import { z } from 'zod'
import type { EventOf } from '../event.ts'

/** Who uses the console: whoever runs the installation, a tenant, or somebody who audits. */
export const audience = z.enum(['administrator', 'operator', 'auditor'])
export type Audience = z.infer<typeof audience>

/** `ended`: by an administrator. `key_ended`: the key that it was begun with works no more. */
export const sessionEnding = z.enum(['signed_out', 'signed_out_everywhere', 'ended', 'expired', 'idle', 'key_ended'])
export type SessionEnding = z.infer<typeof sessionEnding>

const ofSession = {
  sessionId: z.uuid(),
  /** The tenant whose key it was begun with; null: an administrator, or a key that opens everybody's events. */
  tenantId: z.string().nullable(),
  occurredAt: z.iso.datetime(),
}

export const sessionEvents = {
  'console.SessionStarted.v1': z.object({
    ...ofSession,
    /** SHA-256 of the cookie, hex. */
    tokenHash: z.string().regex(/^[0-9a-f]{64}$/),
    audience,
    /** Who it is: the issuer of the link, the tenant's id, or the auditor's name. */
    name: z.string(),
    /** The context whose key it was begun with; null: a link. */
    context: z.string().nullable(),
    keyId: z.string().nullable(),
    linkId: z.uuid().nullable(),
    isReadOnly: z.boolean(),
    /** The network that the request came from. */
    clientAddress: z.string(),
    expiresAt: z.iso.datetime(),
  }),
  /** It was in use. Now and again only. */
  'console.SessionUsed.v1': z.object(ofSession),
  'console.SessionEnded.v1': z.object({ ...ofSession, reason: sessionEnding }),
}
export type SessionEvent = EventOf<typeof sessionEvents>
export type SessionStarted = Extract<SessionEvent, { type: 'console.SessionStarted.v1' }>['data']
