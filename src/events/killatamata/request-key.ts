/**
 * Facts of keys of requests (`killatamata.requestKey-<command id>`): which request a key stands for, says the fingerprint beside the
 * event. Event names are the storage format.
 */
import { z } from 'zod'
import type { EventOf } from '../event.ts'
import { accountId, time } from './vocabulary.ts'

export const requestKeyEvents = {
  'killatamata.RequestKeyUsed.v1': z.object({
    accountId,
    /** As the API's document calls it. */
    operation: z.string().min(1),
    occurredAt: time,
  }),
}
export type RequestKeyEvent = EventOf<typeof requestKeyEvents>
