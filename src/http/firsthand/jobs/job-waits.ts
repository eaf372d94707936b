/**
 * Requests that wait for the end of a job (`Prefer: wait=N`, RFC 7240). The process follows the log once for all of them;
 * a place is taken before the job is looked at, so that no end falls in between. Beyond the bounds a request does not wait.
 */
import type { Delivered } from '../../../events/subscription.ts'
import type { ReadModels } from '../../../postgres/database.ts'
import { projectionsCheckpoint, readCheckpoint } from '../../../projections/checkpoint.ts'
import type { JobRow } from '../../../projections/firsthand/job.ts'

/** Waits at the same time. */
const ORGANIZATION_MAX = 100
const PROCESS_MAX = 5_000
/** A longer one is cut to this. */
export const WAIT_MAX_S = 60

/** Events that end a job, as prefixes: of any version. */
const types: readonly string[] = ['firsthand.JobCompleted.v', 'firsthand.JobCancelled.v']

const JOB_STREAM = 'firsthand.job-'

/** The end of a job, for all who wait for it. */
export interface JobEnd {
  /** Of its event. */
  position: bigint
  /** The job as it is then: read by the first who asks, and the same for all others. */
  shown(read: () => Promise<JobRow>): Promise<JobRow>
}

export interface JobWait {
  /** Undefined where the time is over, the client has gone, or the process stops. */
  ended: Promise<JobEnd | undefined>
  /** Frees the place. */
  leave: () => void
}

export interface JobWaits {
  /** Undefined where there is no place. */
  enter(organizationId: string, jobId: string, waitMs: number, gone: AbortSignal): JobWait | undefined
}

type Waiting = Set<(end: JobEnd | undefined) => void>

function endAt(position: bigint): JobEnd {
  let row: Promise<JobRow> | undefined
  return {
    position,
    shown: (read) => {
      row ??= read()
      return row
    },
  }
}

export function createJobWaits() {
  const byJob = new Map<string, Waiting>()
  const byOrganization = new Map<string, number>()
  let count = 0
  let isOver = false

  const enter: JobWaits['enter'] = (organizationId, jobId, waitMs, gone) => {
    const ofOrganization = byOrganization.get(organizationId) ?? 0
    if (isOver || gone.aborted || count >= PROCESS_MAX || ofOrganization >= ORGANIZATION_MAX) return undefined
    const { promise: ended, resolve } = Promise.withResolvers<JobEnd | undefined>()
    const waiting = byJob.get(jobId) ?? new Set()
    byJob.set(jobId, waiting.add(resolve))
    byOrganization.set(organizationId, ofOrganization + 1)
    count += 1
    const giveUp = () => resolve(undefined)
    const timer = setTimeout(giveUp, waitMs)
    gone.addEventListener('abort', giveUp, { once: true })
    const leave = () => {
      clearTimeout(timer)
      gone.removeEventListener('abort', giveUp)
      if (!waiting.delete(resolve)) return
      if (waiting.size === 0) byJob.delete(jobId)
      const left = (byOrganization.get(organizationId) ?? 1) - 1
      if (left === 0) byOrganization.delete(organizationId)
      else byOrganization.set(organizationId, left)
      count -= 1
    }
    return { ended, leave }
  }

  return {
    types,
    enter,
    /** How many wait now. */
    waiting: () => count,
    /** Nobody waits any longer, now and from now on. */
    endAll(): void {
      isOver = true
      for (const waiting of byJob.values()) for (const resolve of waiting) resolve(undefined)
    },
    load: async (db: ReadModels) => (await readCheckpoint(db, projectionsCheckpoint('firsthand')))?.position,
    /** An event that cannot be read is an end all the same: whoever waits looks for himself. */
    apply(events: readonly Pick<Delivered, 'stream' | 'position'>[]): void {
      for (const { stream, position } of events) {
        const end = endAt(position)
        for (const resolve of byJob.get(stream.slice(JOB_STREAM.length)) ?? []) resolve(end)
      }
    },
  } satisfies JobWaits & Record<string, unknown>
}

/** The seconds that `Prefer` asks to wait, at most 60; 0 where it asks for none, or cannot be read. */
export function waitOf(prefer: string | undefined): number {
  for (const preference of (prefer ?? '').split(',')) {
    const [, seconds] = /^\s*wait\s*=\s*"?(\d{1,20})"?\s*(?:;.*)?$/i.exec(preference) ?? []
    // The first of several counts (RFC 7240, section 2).
    if (/^\s*wait\b/i.test(preference)) return Math.min(Number(seconds ?? 0), WAIT_MAX_S)
  }
  return 0
}
