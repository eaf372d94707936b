/**
 * Who submitted bytes first, so that they are sold once. Stream `firsthand.contentHash-<environment>_<sha256>`. Event names
 * are the storage format.
 */
import { z } from 'zod'
import type { EventOf } from '../event.ts'
import { environment, sha256, time } from './vocabulary.ts'

export const contentHashEvents = {
  'firsthand.ContentClaimed.v1': z.object({
    organizationId: z.string(),
    environment,
    sha256,
    jobId: z.string(),
    submissionId: z.string(),
    workerId: z.string(),
    occurredAt: time,
  }),
}
export type ContentHashEvent = EventOf<typeof contentHashEvents>
