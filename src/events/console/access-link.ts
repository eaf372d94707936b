/**
 * Facts of a link that opens the console to an administrator, once and for minutes. Stream `console.accessLink-<linkId>`.
 * Of the link's token only a hash is kept. Event names are the storage format.
 */
import { z } from 'zod'
import type { EventOf } from '../event.ts'

export const accessLinkEvents = {
  'console.AccessLinkIssued.v1': z.object({
    linkId: z.uuid(),
    /** SHA-256 of the token, hex. */
    tokenHash: z.string().regex(/^[0-9a-f]{64}$/),
    /** User of the operating system who asked for it. */
    issuedBy: z.string(),
    /** Whoever comes by it changes nothing. */
    isReadOnly: z.boolean(),
    expiresAt: z.iso.datetime(),
    occurredAt: z.iso.datetime(),
  }),
}
export type AccessLinkEvent = EventOf<typeof accessLinkEvents>
