/** Facts of an account's old data. Stream `rungate.cleanup-<account>`. */
import { z } from 'zod'
import type { EventOf } from '../event.ts'
import { author, time, uuid } from './vocabulary.ts'

/** Runs, and deliveries, that one event names at most. */
export const CLEANED_RUNS_MAX = 1_000
export const CLEANED_DELIVERIES_MAX = 1_000
const count = z.int().min(0)

export const cleanupEvents = {
  /** These runs, their steps and their entries in the ledger are gone from the read models. A cleanup takes several. */
  'rungate.OldDataDeleted.v1': z.object({
    ...{ accountId: uuid, cleanupId: uuid, occurredAt: time, author },
    days: z.int().min(1),
    /** The runs ended before this time; contents of whole days before it cannot be read any more. */
    before: time,
    runIds: z.array(uuid).max(CLEANED_RUNS_MAX),
    ...{ steps: count, ledgerEntries: count },
  }),
  /** These deliveries to webhooks are gone from the read models: they ended before this time. */
  'rungate.DeliveriesDeleted.v1': z.object({
    ...{ accountId: uuid, occurredAt: time },
    before: time,
    deliveryIds: z.array(uuid).min(1).max(CLEANED_DELIVERIES_MAX),
  }),
}
export type CleanupEvent = EventOf<typeof cleanupEvents>
export type CleanupFacts = Extract<CleanupEvent, { type: 'rungate.OldDataDeleted.v1' }>['data']
export type DeletedDeliveries = Extract<CleanupEvent, { type: 'rungate.DeliveriesDeleted.v1' }>['data']
