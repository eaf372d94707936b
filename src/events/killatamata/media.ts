/**
 * Facts of one media job. Stream `killatamata.mediaJob-<request id>`: the request's id follows from the caller's key, so that a
 * request that is sent again finds its own job. Bytes are never in an event: sources and files are named by where they lie and by
 * their SHA-256. Event names are the storage format.
 */
import { z } from 'zod'
import type { EventOf } from '../event.ts'
import { accountId, sha256, time, usdMicros, uuid } from './vocabulary.ts'

export const mediaTask = z.enum([
  ...['image.generate', 'image.edit', 'video.generate', 'video.combine', 'video.resize'],
  ...['audio.speak', 'audio.annotation.reference', 'ace.step.create', 'moss.sound.effect', 'trellis.generate'],
] as const)
export type MediaTask = z.infer<typeof mediaTask>

const count = z.int().nonnegative()

/** What was measured of a picture, a clip or a sound. */
export const measures = z.object({
  width: count.optional(),
  height: count.optional(),
  durationMs: count.optional(),
  frames: count.optional(),
})
export type Measures = z.infer<typeof measures>

/** Where an input comes from: an object of ours that was measured, or an address that is fetched when the job runs. */
export const mediaSource = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('object'),
    /** The input's own name; those of a list are told apart by their place, from 0. */
    field: z.string(),
    index: count,
    objectKey: z.string(),
    sha256,
    mimeType: z.string(),
    sizeBytes: count,
    measures,
  }),
  z.object({ kind: z.literal('address'), field: z.string(), index: count, url: z.string() }),
])
export type MediaSource = z.infer<typeof mediaSource>

/** What runs differently from what was asked. */
export const adjustment = z.object({
  field: z.string(),
  requested: z.json().optional(),
  effective: z.json().optional(),
  reason: z.string(),
})
export type Adjustment = z.infer<typeof adjustment>

/** How a price was made, by the table of this version: quantity × price of a unit × every factor, rounded up after each. */
export const pricing = z.object({
  priceVersion: z.string(),
  unit: z.string(),
  quantity: z.number().nonnegative(),
  /** Micro-dollars of so many units. */
  unitUsdMicros: z.int().positive(),
  unitSize: z.int().positive(),
  minimumUsdMicros: z.int().nonnegative(),
  multipliers: z.array(z.object({ name: z.string(), factor: z.number().positive() })),
  billedAt: z.enum(['submit', 'completion']),
  details: z.record(z.string(), z.json()),
})
export type Pricing = z.infer<typeof pricing>

export const mediaFile = z.object({
  fileId: z.string(),
  name: z.string(),
  objectKey: z.string(),
  mimeType: z.string(),
  sizeBytes: count,
  sha256,
  measures,
})
export type MediaFile = z.infer<typeof mediaFile>

export const mediaFailure = z.enum([
  'input_unavailable',
  'input_unusable',
  'provider_failed',
  'provider_timeout',
  'content_refused',
])
export type MediaFailure = z.infer<typeof mediaFailure>

const ofJob = { accountId, requestId: uuid, jobId: z.string(), occurredAt: time }

/** The input with every default filled in, by the input's own names. */
const effectiveInput = z.record(z.string(), z.json())

/** What is known before the hold: it can be kept, and run later as it stands. */
export const preparedJob = z.object({
  task: mediaTask,
  effectiveInput,
  adjustments: z.array(adjustment),
  sources: z.array(mediaSource),
  stagedInputCount: count,
  pricing,
  holdUsdMicros: usdMicros,
  estimatedDurationS: z.number().nonnegative(),
  estimate: z.object({ basis: z.enum(['default', 'history']), samples: count }),
  /** Endings of the files that will come. */
  outputNames: z.array(z.string()).min(1),
  callbackUrl: z.string().nullable(),
})
export type PreparedJob = z.infer<typeof preparedJob>

export const mediaJobEvents = {
  /** Its hold is in the ledger. `availableMicros`: what could be spent right after. */
  'killatamata.MediaJobRequested.v1': z.object({
    ...ofJob,
    holdId: z.string(),
    job: preparedJob,
    availableMicros: usdMicros,
    deadlineAt: time,
  }),
  'killatamata.MediaJobStarted.v1': z.object({ ...ofJob, attempt: z.int().positive() }),
  /** By which a provider's queue knows the work: recorded before anybody asks how it goes. */
  'killatamata.MediaJobSubmittedToProvider.v1': z.object({
    ...ofJob,
    attempt: z.int().positive(),
    provider: z.string(),
    ref: z.string(),
  }),
  /** What ran in the end, where sources that were fetched have changed it, and what it costs. */
  'killatamata.MediaJobCompleted.v1': z.object({
    ...ofJob,
    files: z.array(mediaFile).min(1),
    chargedMicros: usdMicros,
    effectiveInput,
    adjustments: z.array(adjustment),
  }),
  'killatamata.MediaJobFailed.v1': z.object({ ...ofJob, code: mediaFailure, message: z.string() }),
  /** A hold without a job was found: it is given back, and no job of this request ever comes. */
  'killatamata.MediaJobAbandoned.v1': z.object(ofJob),
  'killatamata.MediaOutputsDeleted.v1': z.object({ ...ofJob, fileIds: z.array(z.string()) }),
}
export type MediaJobEvent = EventOf<typeof mediaJobEvents>

const ofCallback = { accountId, requestId: uuid, jobId: z.string(), occurredAt: time }

/** The one logical POST at a job's end. Stream `killatamata.callback-<request id>`. */
export const callbackEvents = {
  'killatamata.CallbackRequested.v1': z.object({ ...ofCallback, url: z.string(), host: z.string() }),
  'killatamata.CallbackAttempted.v1': z.object({
    ...ofCallback,
    attempt: z.int().positive(),
    /** Null: there was no answer. */
    status: z.int().nullable(),
    reason: z.string(),
    nextAttemptAt: time,
  }),
  'killatamata.CallbackDelivered.v1': z.object({ ...ofCallback, attempt: z.int().positive(), status: z.int() }),
  'killatamata.CallbackGivenUp.v1': z.object({ ...ofCallback, attempt: z.int().positive(), reason: z.string() }),
}
export type CallbackEvent = EventOf<typeof callbackEvents>
