/**
 * Facts of keys of requests (`firsthand.requestKey-<command id>`): which request a key stands for, says the fingerprint beside the event.
 * Event names are the storage format.
 */
import { z } from 'zod'
import type { EventOf } from '../event.ts'
import { environment, time } from './vocabulary.ts'

export const requestKeyEvents = {
  'firsthand.RequestKeyUsed.v1': z.object({
    /** Whose request it was, unless a worker's. */
    organizationId: z.string().optional(),
    workerId: z.string().optional(),
    environment,
    /** As the API's document calls it. */
    operation: z.string().min(1),
    occurredAt: time,
  }),
}
export type RequestKeyEvent = EventOf<typeof requestKeyEvents>
