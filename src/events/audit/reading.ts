/**
 * What auditors have read through the API: who, what, from where, and how far; never what was found. Stream
 * `audit.reading-<keyId>`, apart from the key's own facts, so that however much is read, these stay quick to load.
 * Event names are the storage format.
 */
import { z } from 'zod'
import type { EventOf } from '../event.ts'

export const READING_CATEGORY = 'audit.reading'

const position = z.string().regex(/^\d+$/)

const read = {
  keyId: z.string(),
  auditor: z.string(),
  /** Whose events the key opens; null: everybody's. */
  operatorId: z.uuid().nullable(),
  /** The network that the request came from: an IPv4 address, or the first half of an IPv6 one. */
  clientAddress: z.string(),
  /** Commit position of the last event that was looked at, decimal; null where none was. */
  upTo: position.nullable(),
  /** Events that were looked at for this answer. */
  eventsRead: z.int().nonnegative(),
  /** Whether this is a further page of an earlier question. */
  continued: z.boolean(),
  occurredAt: z.iso.datetime(),
}

export const readingEvents = {
  'audit.HistoryRead.v1': z.object({ ...read, thing: z.string() }),
  'audit.TraceRead.v1': z.object({ ...read, of: z.string() }),
  'audit.StateRead.v1': z.object({
    ...read,
    thing: z.string(),
    /** Time or position, as it was asked; null: now. */
    at: z.string().nullable(),
    diffFrom: z.string().nullable(),
  }),
  'audit.VerificationRead.v1': z.object({
    ...read,
    /** At most one of them; neither: the whole log. */
    stream: z.string().nullable(),
    category: z.string().nullable(),
  }),
  'audit.SealsRead.v1': z.object(read),
  /** Events of any thing, the newest first, as a page of the console shows them. */
  'audit.EventsRead.v1': z.object({ ...read, filters: z.string().nullable() }),
}
export type ReadingEvent = EventOf<typeof readingEvents>
