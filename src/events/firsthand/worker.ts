/** Facts of a worker, its tokens and its earnings. Stream `firsthand.worker-<worker id>`. Event names are the storage format. */
import { z } from 'zod'
import type { EventOf } from '../event.ts'
import { personal } from '../personal.ts'
import { cents, sha256, time } from './vocabulary.ts'

const ofWorker = { workerId: z.string(), occurredAt: time }
const ofToken = { ...ofWorker, tokenId: z.string() }
/** What the worker is owed, right after. */
const balance = { balanceCents: cents }

export const workerEvents = {
  'firsthand.WorkerRegistered.v1': z.object({
    ...ofWorker,
    name: personal(z.string()),
    email: personal(z.string().nullable()),
    /** Of the house's own making: it works on test jobs and is paid nothing. */
    synthetic: z.boolean(),
  }),
  'firsthand.WorkerSuspended.v1': z.object({ ...ofWorker, reason: z.string().nullable() }),
  'firsthand.WorkerResumed.v1': z.object({ ...ofWorker, reason: z.string().nullable() }),
  /** The key of the person was destroyed: nobody can read what is personal any more. The tokens work no more. */
  'firsthand.WorkerForgotten.v1': z.object({
    ...ofWorker,
    /** Of the request to forget; nothing personal. */
    reference: z.string().nullable(),
  }),
  'firsthand.WorkerTokenIssued.v1': z.object({
    ...ofToken,
    /** The id in the token's own text, by which a presented token is found. */
    textId: z.string(),
    /** Of the whole token, which is shown once and kept nowhere. */
    tokenHash: sha256,
    /** Its last four characters. */
    hint: z.string(),
  }),
  'firsthand.WorkerTokenRevoked.v1': z.object({ ...ofToken, reason: z.string().nullable() }),
  /** An approved submission's payout; once for each. */
  'firsthand.EarningCredited.v1': z.object({
    ...ofWorker,
    ...balance,
    submissionId: z.string(),
    jobId: z.string(),
    amountCents: cents,
    /** Submissions that were credited, this one too. */
    approvedCount: z.int().positive(),
  }),
  /** Paid out by an administrator, outside of this system; once for each reference. */
  'firsthand.EarningsPaid.v1': z.object({ ...ofWorker, ...balance, amountCents: cents, reference: z.string() }),
}
export type WorkerEvent = EventOf<typeof workerEvents>
