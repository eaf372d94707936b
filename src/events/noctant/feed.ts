/**
 * Historical feeds and who may use them. Stream `noctant.feed-<feedId>`. A feed's content never changes: it is kept
 * under its hash, and other content is another feed. Event names are the storage format.
 */
import { z } from 'zod'
import type { EventOf } from '../event.ts'
import { feedKind, sha256, time, uuid } from './vocabulary.ts'

export const feedEvents = {
  'noctant.FeedImported.v1': z.object({
    feedId: uuid,
    symbol: z.string(),
    kind: feedKind,
    /** Of the CSV file's bytes. */
    contentHash: sha256,
    rows: z.int().positive(),
    /** Time of the first row. */
    startsAt: time,
    /** Exclusive: where the last row's time ends. */
    endsAt: time,
    occurredAt: time,
  }),
  /** What the operator may use of the feed from now on; an earlier grant is replaced. */
  'noctant.FeedGranted.v1': z.object({
    feedId: uuid,
    operatorId: uuid,
    /** Inclusive. */
    from: time,
    /** Exclusive. */
    to: time,
    occurredAt: time,
  }),
}
export type FeedEvent = EventOf<typeof feedEvents>
