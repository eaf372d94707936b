/** What became of a file's bytes. Stream `firsthand.file-<file id>`. Event names are the storage format. */
import { z } from 'zod'
import type { EventOf } from '../event.ts'
import { environment, time } from './vocabulary.ts'

/** `original`: as the worker sent it. `delivered`: as the buyer gets it. */
export const fileCopy = z.enum(['original', 'delivered'])
export type FileCopy = z.infer<typeof fileCopy>

/** Why a copy is kept, or may go. */
export const keptFor = z.enum(['scoring', 'buyer', 'dispute', 'nothing'])
export type KeptFor = z.infer<typeof keptFor>

export const fileEvents = {
  /** The copy had to be kept no longer, and is gone from the object store. */
  'firsthand.FileRemoved.v1': z.object({
    organizationId: z.string(),
    environment,
    jobId: z.string(),
    submissionId: z.string(),
    fileId: z.string(),
    copy: fileCopy,
    objectKey: z.string(),
    /** `dispute`: it was rejected, and could be disputed until then. `nothing`: the delivered copy took its place. */
    keptFor,
    occurredAt: time,
  }),
}
export type FileEvent = EventOf<typeof fileEvents>
