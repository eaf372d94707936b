/** A worker's claims of one UTC day. Stream `firsthand.workerDay-<worker id>_<date>`. Event names are the storage format. */
import { z } from 'zod'
import type { EventOf } from '../event.ts'
import { time } from './vocabulary.ts'

export const workerDayEvents = {
  'firsthand.SubmissionSlotTaken.v1': z.object({
    workerId: z.string(),
    /** `2026-03-02`. */
    date: z.iso.date(),
    claimId: z.string(),
    jobId: z.string(),
    /** Of that day, with this one. */
    taken: z.int().positive(),
    occurredAt: time,
  }),
}
export type WorkerDayEvent = EventOf<typeof workerDayEvents>
