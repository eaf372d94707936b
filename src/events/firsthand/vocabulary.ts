/** Words that several firsthand events share, as schemas. Storage format: superseded, never edited. */
import { z } from 'zod'

export const time = z.iso.datetime()
/** A whole number of cents, as text: an amount is never a double. */
export const cents = z.string().regex(/^\d{1,16}$/)
/** A part of a whole with at most 4 places: `0.2`. */
export const fraction = z.string().regex(/^0(\.\d{1,4})?$|^1$/)

/** Two worlds in one organization, which share nothing but its settings. */
export const environment = z.enum(['live', 'test'])
export type Environment = z.infer<typeof environment>

export const tier = z.enum(['standard', 'pro', 'enterprise', 'unlimited'])
export type Tier = z.infer<typeof tier>

export const scope = z.enum([
  'jobs:write',
  'jobs:read',
  'webhooks:write',
  'webhooks:read',
  'keys:manage',
  'audit:read',
  'usage:read',
  'billing:write',
])
export type Scope = z.infer<typeof scope>

export const jobType = z.enum(['data_collection', 'feedback'])
export const jobStatus = z.enum(['open', 'in_progress', 'completed', 'cancelled'])
export type JobStatus = z.infer<typeof jobStatus>
export const format = z.enum([
  'image/png',
  'image/jpeg',
  'image/webp',
  'audio/mpeg',
  'audio/wav',
  'audio/mp4',
  'video/mp4',
  'video/quicktime',
])

export const lotKind = z.enum(['purchase', 'bonus', 'free_tier'])
export type LotKind = z.infer<typeof lotKind>
export const transactionType = z.enum(['purchase', 'deduction', 'free_tier', 'bonus', 'expiration', 'refund'])
export type TransactionType = z.infer<typeof transactionType>

export const submissionStatus = z.enum(['pending_score', 'approved', 'rejected', 'retry_pending'])
export type SubmissionStatus = z.infer<typeof submissionStatus>
export const stars = z.int().min(1).max(5)
/** Of bytes, hex. */
export const sha256 = z.string().regex(/^[0-9a-f]{64}$/)
/** 64 bits that are alike for pictures that look alike, hex. */
export const perceptualHash = z.string().regex(/^[0-9a-f]{16}$/)
/** Why a submission was rejected, where the reason is of a kind that something hangs on. */
export const rejectionCause = z.enum([
  /** The score says it all; the worker may try again. */
  'score',
  /** The same bytes were submitted before. */
  'duplicate',
  /** It looks like a file of the job that is approved. */
  'near_duplicate',
  /** The job had all of its files. */
  'job_complete',
  'job_cancelled',
])
export type RejectionCause = z.infer<typeof rejectionCause>
