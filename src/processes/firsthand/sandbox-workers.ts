/**
 * Sandbox workers: they do the jobs of the test world by themselves, so that a buyer sees a whole job within seconds. They
 * claim, upload by a link and submit as workers do; inspection and scoring are those of every file.
 */
import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { request } from 'undici'
import type { Inspector } from '../../adapters/inspection/inspection.ts'
import type { ObjectStore } from '../../adapters/object-store/object-store.ts'
import { commandContext } from '../../commands/context.ts'
import { type ClaimLimits, claimSeat, submitUpload } from '../../commands/firsthand/claiming.ts'
import { job, type PostedJob } from '../../commands/firsthand/job.ts'
import { originalKeyOf, uploadKeyOf } from '../../commands/firsthand/object-keys.ts'
import { Rejected } from '../../commands/firsthand/rejection.ts'
import type { Seat } from '../../commands/firsthand/seats.ts'
import { submission } from '../../commands/firsthand/submission.ts'
import type { CommandBus } from '../../commands/handle.ts'
import { deterministicId } from '../../commands/identity.ts'
import { findSandboxJobs } from '../../projections/firsthand/sandbox-job.ts'
import { prefixedId } from '../../runtime/ulid.ts'
import { createDueWork, usualPace } from '../due-work.ts'
import { type ProcessDependencies, runProcess } from '../process.ts'
import { SANDBOX_WORKERS } from './process-names.ts'
import { makeSandboxFile } from './sandbox-files.ts'
import { filesDueBy, firstClaimOf, firstSubmissionOf, sandboxWordOf } from './sandbox-jobs.ts'

export interface SandboxParts {
  bus: CommandBus
  objects: ObjectStore
  inspector: Inspector
  directory: string
  now: () => Date
  limits: SandboxLimits
}

export interface SandboxLimits {
  /** From a job’s posting to its completion, about. */
  completionMs: number
  pollIntervalMs: number
  /** Files of one job that one look begins, and those at once. */
  batchMax: number
  concurrencyMax: number
  claims: ClaimLimits
}

/** The one worker of the test world. */
export const SANDBOX_WORKER_ID = prefixedId('wkr', '2026-01-01T00:00:00.000Z', 'sandbox')

const JOBS_MAX = 100
/** Jobs at once, and those of one organization: others' small jobs do not wait for its large ones. */
const JOBS_AT_ONCE = 4
const ORGANIZATION_JOBS_AT_ONCE = 3
const UPLOAD_MAX_MS = 60_000

type Options = ProcessDependencies & { parts: SandboxParts }

/** Runs until `signal` aborts; stands by while another process leads. */
export function runSandboxWorkers(options: Options): Promise<void> {
  const { db, log, pace = usualPace, parts } = options
  const work = createDueWork<{ id: string; key: string }>({
    name: 'sandbox workers',
    log,
    now: parts.now,
    limits: {
      ...{ ...pace, concurrencyMax: JOBS_AT_ONCE, keyConcurrencyMax: ORGANIZATION_JOBS_AT_ONCE, keyQueueMax: JOBS_MAX },
      ...{ batchMax: JOBS_MAX, pollIntervalMs: parts.limits.pollIntervalMs },
    },
    async findDue({ limit }) {
      const jobs = await findSandboxJobs(db, limit)
      return jobs.map(({ job_id: id, organization_id: key }) => ({ id, key }))
    },
    work: ({ id }, signal) => workOn(parts, id, signal),
  })
  const background = (signal: AbortSignal) => [work.run(signal)]
  return runProcess(
    { name: SANDBOX_WORKERS, types: ['firsthand.JobPosted.v1'], handle: async () => undefined, background },
    options,
  )
}

/** Does what is due of one job by now, a batch at most: first what was claimed and not submitted, as after a crash. */
export async function workOn(parts: SandboxParts, jobId: string, signal: AbortSignal): Promise<void> {
  const posted = await parts.bus.current(job, jobId)
  if (posted.status !== 'open' && posted.status !== 'in_progress') return
  if (posted.facts.environment !== 'test' || sandboxWordOf(posted.facts) === 'stall') return
  const { batchMax, concurrencyMax, completionMs } = parts.limits
  const claimed = [...posted.seats.values()].filter(({ phase }) => phase === 'claimed')
  const due = filesDueBy(posted.facts, completionMs, parts.now()) - posted.filesApproved - posted.seats.size
  const steps = [
    ...claimed.map((seat) => async () => seat),
    ...Array.from({ length: Math.max(0, due) }, (_, i) => () => claim(parts, posted, i)),
  ].slice(0, batchMax)
  const folder = await mkdtemp(join(parts.directory, 'sandbox-'))
  const doNext = async () => {
    for (let step = steps.shift(); step && !signal.aborted; step = steps.shift()) {
      const seat = await step()
      if (!seat) return
      await submit(parts, posted, seat, folder, signal)
    }
  }
  try {
    await Promise.all(Array.from({ length: concurrencyMax }, doNext))
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** A seat; undefined where the job has none at present. */
async function claim(parts: SandboxParts, { facts }: PostedJob, index: number): Promise<Seat | undefined> {
  const isFirst = index === 0 && (await parts.bus.current(submission, firstSubmissionOf(facts))).status === 'absent'
  const context = isFirst
    ? { ...contextOf(parts, firstClaimOf(facts.jobId)), at: facts.createdAt }
    : contextOf(parts, randomUUID())
  const of = { jobId: facts.jobId, workerId: SANDBOX_WORKER_ID, environment: 'test' } as const
  const limits = { ...parts.limits.claims, workerClaimsMax: Infinity, workerClaimsPerDayMax: Infinity }
  try {
    const { events, state } = await claimSeat(parts.bus, of, limits, context)
    const made = events.find((event) => event.type === 'firsthand.SeatClaimed.v1')
    return state.status === 'absent' || !made ? undefined : state.seats.get(made.data.submissionId)
  } catch (error) {
    if (error instanceof Rejected) return undefined
    throw error
  }
}

/** Uploads a file by a link, as a worker does, and submits it. */
async function submit(
  parts: SandboxParts,
  { facts }: PostedJob,
  seat: Seat,
  folder: string,
  signal: AbortSignal,
): Promise<void> {
  const { bus, objects, inspector, now } = parts
  const context = contextOf(parts, deterministicId('firsthand.sandbox', 'submit', seat.claimId))
  const formats = facts.acceptedFormats
  const contentType = formats[Math.floor(Math.random() * formats.length)] ?? formats[0]!
  const bytes = await makeSandboxFile(inspector, contentType, folder)
  const uploadId = prefixedId('upl', context.at, randomUUID())
  const key = uploadKeyOf(facts, uploadId)
  const expiresAt = new Date(now().getTime() + UPLOAD_MAX_MS)
  const link = objects.putLink({ key, contentType, sizeBytes: bytes.length, expiresAt })
  const { statusCode, body } = await request(link.url, {
    ...{ method: 'PUT', headers: link.headers, body: bytes },
    signal: AbortSignal.any([signal, AbortSignal.timeout(UPLOAD_MAX_MS)]),
  })
  await body.dump()
  if (statusCode !== 200) throw new Error(`the upload of a sandbox worker was answered with status ${statusCode}`)
  const fileId = prefixedId('file', context.at, seat.claimId)
  const objectKey = originalKeyOf(facts, fileId)
  const stored = await objects.copy(key, objectKey)
  const { organizationId, jobId } = facts
  const of = {
    organizationId,
    environment: 'test',
    jobId,
    submissionId: seat.submissionId,
    workerId: seat.workerId,
  } as const
  const upload = {
    ...of,
    attempt: seat.attempt,
    claimId: seat.claimId,
    uploadId,
    fileId,
    objectKey,
    contentType,
    ...stored,
  }
  await submitUpload(bus, { ...upload, filename: null, occurredAt: context.at }, context)
}

const WORKER = { kind: 'worker', id: SANDBOX_WORKER_ID } as const

const contextOf = ({ now }: SandboxParts, commandId: string) => commandContext(WORKER, commandId, now().toISOString())
