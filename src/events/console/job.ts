/**
 * Facts of maintenance that somebody has asked for in the console and that a process of the projector role carries out. Stream
 * `console.job-<jobId>`. What a comparison has found of persons is not among them: figures alone are. Event names are the
 * storage format.
 */
import { z } from 'zod'
import type { EventOf } from '../event.ts'

export const jobKind = z.enum([
  ...['estimate', 'rebuild', 'verify', 'rollback'],
  ...['pause', 'resume', 'retry', 'skip', 'verification'],
] as const)
export type JobKind = z.infer<typeof jobKind>

/** `refused`: it could not be done, for the reason that is given. */
export const jobOutcome = z.enum(['done', 'refused', 'cancelled'])
export type JobOutcome = z.infer<typeof jobOutcome>

const count = z.int().nonnegative()
const ofJob = { jobId: z.uuid(), occurredAt: z.iso.datetime() }

/** A table that was built anew, beside the live one. */
export const comparedTable = z.object({ table: z.string(), rowsLive: count, rowsRebuilt: count, rowsDiffering: count })
/** What is wrong with the log, as auditors are told. */
export const finding = z.object({
  kind: z.string(),
  stream: z.string(),
  revision: z.string().nullable(),
  position: z.string(),
  type: z.string(),
  detail: z.string(),
})

export const jobEvents = {
  'console.JobRequested.v1': z.object({
    ...ofJob,
    kind: jobKind,
    /** Of a pause. */
    context: z.string().nullable(),
    projection: z.string().nullable(),
    /** Of what is parked, or of what is verified. */
    stream: z.string().nullable(),
    category: z.string().nullable(),
    reason: z.string().nullable(),
    /** Who asked, by name; the author of the event says by which session. */
    requestedBy: z.string(),
  }),
  /** A process has begun it. `run`: from 1; a process that ends leaves it to the next. */
  'console.JobStarted.v1': z.object({ ...ofJob, run: z.int().positive() }),
  /** Now and again. */
  'console.JobProgressed.v1': z.object({ ...ofJob, percent: count, events: count, eventsPerSecond: count }),
  'console.JobCancelRequested.v1': z.object({ ...ofJob, reason: z.string().nullable() }),
  'console.JobFinished.v1': z.object({
    ...ofJob,
    outcome: jobOutcome,
    /** What it said of why it was refused, in full; null where it was not. */
    error: z.string().nullable(),
    /** Its last words, at most 16 KiB. */
    log: z.string(),
    tables: z.array(comparedTable),
    /** The first of them. */
    findings: z.array(finding),
    findingsTotal: count,
    /** What else it has found, in figures. */
    figures: z.record(z.string(), z.number()),
  }),
}
export type JobEvent = EventOf<typeof jobEvents>
export type JobRequested = Extract<JobEvent, { type: 'console.JobRequested.v1' }>['data']
export type JobFinished = Extract<JobEvent, { type: 'console.JobFinished.v1' }>['data']
