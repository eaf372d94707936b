/**
 * Seals: one signed hash over the log up to a position, in the stream `opslog.seal-log`. An event that is edited, dropped,
 * moved or cut off later no longer fits it. Event names are the storage format.
 */
import { z } from 'zod'
import type { EventOf } from './event.ts'

export const SEAL_STREAM = 'opslog.seal-log'

export const sealEvents = {
  'opslog.LogSealed.v1': z.object({
    /** Commit position of the last event that is sealed, decimal. */
    position: z.string().regex(/^\d+$/),
    /** Number of sealed events, decimal; without the store's own and heartbeats. */
    events: z.string().regex(/^\d+$/),
    /** Root of the Merkle tree (RFC 6962, section 2.1, SHA-256) over them, hex. */
    root: z.string().regex(/^[0-9a-f]{64}$/),
    /** Ed25519, SPKI in DER, base64. */
    publicKey: z.string(),
    /** Of position, events and root, each on a line that ends in a line feed; base64. */
    signature: z.string(),
    occurredAt: z.iso.datetime(),
  }),
}
export const sealSentences = {
  'opslog.LogSealed.v1': 'The log was sealed up to position {position}: {events} events, root {root}.',
}

export type SealEvent = EventOf<typeof sealEvents>
export type Seal = SealEvent['data']
