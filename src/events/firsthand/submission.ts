/**
 * Facts of a submission's bytes and scores. Stream `firsthand.submission-<submission id>`. What becomes of it is decided in
 * its job's stream. Event names are the storage format.
 */
import { z } from 'zod'
import type { EventOf } from '../event.ts'
import { personal } from '../personal.ts'
import { environment, format, perceptualHash, sha256, stars, time } from './vocabulary.ts'

const ofSubmission = {
  organizationId: z.string(),
  environment,
  jobId: z.string(),
  submissionId: z.string(),
  workerId: z.string(),
  /** Of the uploads, from 1. */
  attempt: z.int().positive(),
  occurredAt: time,
}
const ofRound = {
  ...ofSubmission,
  /** Of the scores, from 1; an attempt that is scored again has several. */
  round: z.int().positive(),
}
/** Of pictures and of moving ones; null where there is none. */
const size = { width: z.int().positive().nullable(), height: z.int().positive().nullable() }
const durationSeconds = z.number().nonnegative().nullable()

export const submissionEvents = {
  /** The bytes of an attempt lie under a key for which no link was ever made. */
  'firsthand.UploadStored.v1': z.object({
    ...ofSubmission,
    claimId: z.string(),
    uploadId: z.string(),
    fileId: z.string(),
    objectKey: z.string(),
    /** As the worker declared it. */
    contentType: format,
    sizeBytes: z.int().positive(),
    sha256,
    /** As the worker's device calls it, without what could mislead; for display alone. */
    filename: personal(z.string().nullable()),
  }),
  /** What the bytes are found to be, with every figure that a score follows from. */
  'firsthand.InspectionFinished.v1': z.object({
    ...ofRound,
    fileId: z.string(),
    /** As the bytes themselves say; null: of no kind that is known. */
    contentType: z.string().nullable(),
    sha256,
    ...size,
    durationSeconds,
    perceptualHash: perceptualHash.nullable(),
    /** Name of a measure → its value: `variance`, `mean`, `deviation`, `peak`. */
    figures: z.record(z.string(), z.number()),
    /** Why the bytes cannot be judged, in words; null: they can. */
    fault: z.string().nullable(),
  }),
  'firsthand.ScoreGiven.v1': z.object({
    ...ofRound,
    stars,
    /** One sentence for people. */
    reason: z.string(),
    cause: z.enum(['score', 'duplicate']),
    /** `inspection`, or the model that had a say in it. */
    scoredBy: z.string(),
  }),
  /** It will be tried again, or is set aside. */
  'firsthand.ScoringFailed.v1': z.object({
    ...ofRound,
    /** What failed: `inspector_crashed`, `original`, `model`. */
    step: z.string(),
    fault: z.string(),
    /** Of this step in this round, so far. */
    failures: z.int().positive(),
    /** Null: the submission is set aside, until somebody has it tried again. */
    dueAt: time.nullable(),
  }),
  /** A submission that was set aside is tried again, with its failures forgotten. */
  'firsthand.ScoringResumed.v1': z.object(ofRound),
  /** The copy that the buyer gets: its size and measures are what the buyer sees. Recorded before the approval. */
  'firsthand.DeliveryCopyStored.v1': z.object({
    ...ofRound,
    fileId: z.string(),
    objectKey: z.string(),
    contentType: format,
    sizeBytes: z.int().positive(),
    sha256,
    ...size,
    durationSeconds,
  }),
}
export type SubmissionEvent = EventOf<typeof submissionEvents>
