/** Facts of a job. Stream `firsthand.job-<job id>`. Event names are the storage format. */
import { z } from 'zod'
import type { EventOf } from '../event.ts'
import { cents, environment, format, fraction, jobType, time } from './vocabulary.ts'

const ofJob = { organizationId: z.string(), environment, jobId: z.string() }

/** All that is known of a job when it is paid for; the wallet records it too (EscrowHeld). */
export const jobFacts = z.object({
  ...ofJob,
  type: jobType,
  description: z.string(),
  filesNeeded: z.int().positive(),
  acceptedFormats: z.array(format),
  pricePerFileCents: cents,
  /** The house's part of the price, as it was when the job was posted. */
  platformFeePct: fraction,
  totalCostCents: cents,
  workerPayoutPerFileCents: cents,
  metadata: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])),
  createdAt: time,
})
export type JobFacts = z.infer<typeof jobFacts>

export const jobEvents = {
  'firsthand.JobPosted.v1': jobFacts,
  /** Nobody is paid for what was not approved by then. */
  'firsthand.JobCancelled.v1': z.object({
    ...ofJob,
    filesApproved: z.int().nonnegative(),
    /** What goes back to the wallet. */
    refundCents: cents,
    occurredAt: time,
  }),
}
export type JobEvent = EventOf<typeof jobEvents>
